"""Shows the store's pages, Data Docs and reports, in Airflow's web server to those who may see the pipeline.

Airflow's UI opens no file of a disk. `VINTAGE_STORE_URL=/vintage/store` has the links on tasks lead here.
"""

from __future__ import annotations

import os
from typing import Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException, status
from fastapi.responses import FileResponse

from vintage.spec import Home
from vintage.spec.page_policy import POLICY

# A page shows what the data holds. Whatever that is, it acts as a site of its own, without Airflow's cookie,
# and it runs no script but Vintage's own and connects to nothing.
HEADERS: Final = {
    "Content-Security-Policy": f"sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; {POLICY}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

app = FastAPI(title="Pages of Vintage's store", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/store/{pipeline}/{page:path}")
def store_page(pipeline: str, page: str, user: GetUserDep) -> FileResponse:
    """Return a page of a pipeline's artifacts; nothing else that lies in the store.

    Raises:
        HTTPException: the user may not see the pipeline's DAG (403), or there is no such page (404).
    """
    dag = DagDetails(id=f"retrain_{pipeline}")
    if not get_auth_manager().is_authorized_dag(method="GET", details=dag, user=user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see {dag.id}")
    store = Home.from_environment(os.environ).store.resolve()
    folder = (store / pipeline).resolve()
    file = (folder / page).resolve()
    inside = folder.parent == store and file.is_relative_to(folder)
    if not inside or file.suffix != ".html" or not file.is_file():
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no page {page} of {pipeline} in the store")
    return FileResponse(file, headers=HEADERS)


class StorePages(AirflowPlugin):
    """Mounts the pages below Airflow's own address."""

    name = "vintage_store_pages"
    # Declared as its base class does.
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": "/vintage", "name": name}]  # noqa: RUF012
