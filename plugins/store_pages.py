"""Shows the store's pages, Data Docs and reports, in Airflow's web server."""

from vintage.airflow.store_pages import StorePages

__all__ = ["StorePages"]
