"""Gives runs of pipelines their partition date and a note, in Airflow's scheduler."""

from vintage.airflow.run_listener import RunNotes

__all__ = ["RunNotes"]
