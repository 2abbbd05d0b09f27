"""A person in a real browser: the trigger form, a date and another hyperparameter, and what it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.scheduler.runs import BY_HAND as DAY
from tests.integration.scheduler.runs import DAG
from vintage.registry.tracking import Tracking
from vintage.spec import Home
from vintage.spec.home import mlflow_run_page
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def test_a_run_of_a_date_with_another_hyperparameter_is_triggered_in_the_form(
    stack: Stack, api: AirflowApi, page: Page, by_form: Run, finish: Callable[..., Run], tmp_path: Path
) -> None:
    run = finish(by_form)
    assert run.state == "success"
    model = Store(stack.home / "data" / "store", "tiny").current("model", DAY)
    assert model is not None
    assert model.manifest.details.params["1.LogisticRegression.regParam"] == "0.25"
    # The scheduler gave it the date of its form, and says what came of it.
    assert run.partition_key == str(DAY)
    note = api._get(f"/dags/{DAG}/dagRuns/{run.run_id}")["note"]
    assert "areaUnderROC" in note
    events = api._get("/assets/events", limit=100)["asset_events"]
    assert ("model_tiny", str(DAY)) in {(event["name"], event["partition_key"]) for event in events}

    # Its tasks link to what they made.
    for task, link, told in (("validate", "Data Docs", f"tiny {DAY}"), ("evaluate", "Report", str(DAY))):
        page.goto(f"{stack.endpoints.airflow}/dags/{DAG}/runs/{run.run_id}/tasks/{task}/details")
        address = page.get_by_role("link", name=link).get_attribute("href")
        page.goto(f"{stack.endpoints.airflow}{address}")
        page.screenshot(path=tmp_path / f"{task}.png")
        assert told in page.inner_text("body")
        assert page.evaluate("self.origin") == "null"
    page.goto(f"{stack.endpoints.airflow}/dags/{DAG}/runs/{run.run_id}/tasks/fit/details")
    address = page.get_by_role("link", name="MLflow run").get_attribute("href")
    page.goto("about:blank")
    run_id = str(model.manifest.mlflow_run_id)
    home = Home.from_environment(stack.env)
    experiment = Tracking.of(home).experiment(str(model.manifest.pipeline))
    assert address == mlflow_run_page(stack.env["VINTAGE_MLFLOW_URL"], run_id, experiment)


def test_nothing_but_pages_is_shown_of_the_store_and_only_to_who_has_logged_in(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run]
) -> None:
    store = Store(stack.home / "data" / "store", "tiny")
    # Made by the test above, unless this one runs alone.
    if (made := store.current("validation", DAY)) is None:
        assert finish(api.trigger(DAG, partition_key=str(DAY))).state == "success"
        made = store.current("validation", DAY)
    assert made is not None
    shown = f"{stack.endpoints.airflow}/vintage/store"
    page = f"{shown}/{(made.data / 'index.html').relative_to(store.folder.parent)}"
    assert httpx.get(page).status_code == httpx.codes.UNAUTHORIZED
    who = {"Authorization": api._client.headers["Authorization"]}
    found = httpx.get(page, headers=who)
    assert found.status_code == httpx.codes.OK
    assert found.headers["Content-Security-Policy"].startswith("sandbox ")
    outside = "..%2F..%2F..%2F..%2F..%2Fairflow%2Findex.html"
    (stack.home / "data" / "airflow" / "index.html").write_text("not for everybody")
    for other in (
        page.replace("data/index.html", "manifest.json"),
        page.replace("index.html", "other.html"),
        f"{shown}/tiny/{outside}",
        f"{shown}/..%2Fairflow/index.html",
        f"{shown}/%2E%2E/airflow/index.html",
    ):
        assert httpx.get(other, headers=who).status_code == httpx.codes.NOT_FOUND, other
