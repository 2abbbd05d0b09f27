"""Shows the store's pages, Data Docs and reports, in Airflow's web server to those who may see the pipeline.

Airflow's UI opens no file of a disk. `VINTAGE_STORE_URL=/vintage/store` has the links on tasks lead here, and
a run has both pages as tabs.
"""

from __future__ import annotations

import html
import os
from typing import Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from airflow.utils.session import create_session
from fastapi import FastAPI, HTTPException, status
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from vintage.airflow.job_result import DataDocs, Drift, Report
from vintage.spec import Home
from vintage.spec.names import NAME
from vintage.spec.page_policy import POLICY

# A page shows what the data holds. Whatever that is, it acts as a site of its own, without Airflow's cookie,
# and it runs no script but Vintage's own and connects to nothing.
HEADERS: Final = {
    "Content-Security-Policy": f"sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; {POLICY}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

TABS: Final = {
    "report": ("evaluate", Report()),
    "data_docs": ("validate", DataDocs()),
    "drift": ("monitor", Drift()),
}
"""Page of a run → the task that makes it, and its link."""

app = FastAPI(title="Pages of Vintage's store", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/store/index.html")
def digest(user: GetUserDep) -> FileResponse:
    """Return the page of all pipelines, to who may see each of them.

    Raises:
        HTTPException: the user may not see the DAG of one (403), or there is no page (404).
    """
    store = Home.from_environment(os.environ).store
    for folder in store.glob("*/"):
        if NAME.fullmatch(folder.name):
            _require_seen(folder.name, user)
    file = store / "index.html"
    if not file.is_file():
        raise HTTPException(status.HTTP_404_NOT_FOUND, "there is no page of all pipelines in the store")
    return FileResponse(file, headers=HEADERS)


@app.get("/store/{pipeline}/{page:path}")
def store_page(pipeline: str, page: str, user: GetUserDep) -> FileResponse:
    """Return a page of a pipeline's artifacts; nothing else that lies in the store.

    Raises:
        HTTPException: the user may not see the pipeline's DAG (403), or there is no such page (404).
    """
    _require_seen(pipeline, user)
    store = Home.from_environment(os.environ).store.resolve()
    folder = (store / pipeline).resolve()
    file = (folder / page).resolve()
    inside = folder.parent == store and file.is_relative_to(folder)
    if not inside or file.suffix != ".html" or not file.is_file():
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no page {page} of {pipeline} in the store")
    return FileResponse(file, headers=HEADERS)


@app.get("/run/{dag_id}/{run_id}/{page}")
def page_of_run(dag_id: str, run_id: str, page: str, user: GetUserDep) -> Response:
    """Redirect to a page of a run, or answer that there is none.

    Raises:
        HTTPException: the user may not see the DAG (403), or no run has a page of that name (404).
    """
    if not get_auth_manager().is_authorized_dag(method="GET", details=DagDetails(id=dag_id), user=user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see {dag_id}")
    if page not in TABS:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"a run has no page {page}")
    task, link = TABS[page]
    address = _pushed(dag_id, run_id, task, link.xcom_key)
    if address.startswith(("/", "http://", "https://")):
        return RedirectResponse(address)
    where = f" It is the file {address} where Airflow runs: set VINTAGE_STORE_URL to see it here."
    told = where if address else f"{link.name}: {_nothing(dag_id, task)}"
    return HTMLResponse(f"<p>{html.escape(told)}", headers=HEADERS)


def _nothing(dag_id: str, task: str) -> str:
    """Say why a run has no page of a task: the task did not write one, or is of the pipeline's other DAG."""
    kind, _, pipeline = dag_id.partition("_")
    writes = "score" if task == "monitor" else "retrain"
    if kind in {"retrain", "score"} and kind != writes:
        return f"no task of {dag_id} writes one; the runs of {writes}_{pipeline} have it."
    return f"{task} has written none in this run."


def _require_seen(pipeline: str, user: GetUserDep) -> None:
    """Refuse a user who may not see the pipeline's DAG."""
    dag = DagDetails(id=f"retrain_{pipeline}")
    if not get_auth_manager().is_authorized_dag(method="GET", details=dag, user=user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see {dag.id}")


def _pushed(dag_id: str, run_id: str, task: str, key: str) -> str:
    query = XComModel.get_many(run_id=run_id, dag_ids=dag_id, task_ids=task, key=key, limit=1)
    with create_session() as session:
        found = session.execute(query).scalars().first()
        return str(XComModel.deserialize_value(found) or "") if found else ""


class StorePages(AirflowPlugin):
    """Mounts the pages below Airflow's own address."""

    name = "vintage_store_pages"
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": link.name,
            "destination": "dag_run",
            "url_route": f"vintage_{page}",
            "href": f"/vintage/run/{{DAG_ID}}/{{RUN_ID}}/{page}",
        }
        for page, (_, link) in TABS.items()
    ]
    # Declared as its base class does.
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": "/vintage", "name": name}]  # noqa: RUF012
