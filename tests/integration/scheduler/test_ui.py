"""A person in a real browser: the trigger form, a date and another hyperparameter, and what it starts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from spark_jobs.store import Store
from tests.integration.scheduler.runs import DAG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DAY = dt.date(2024, 1, 6)


def test_a_run_of_a_date_with_another_hyperparameter_is_triggered_in_the_form(
    stack: Stack, api: AirflowApi, page: Page, finish: Callable[..., Run], tmp_path: Path
) -> None:
    before = {run.run_id for run in api.runs(DAG)}
    page.goto(f"{stack.endpoints.airflow}/dags/{DAG}")
    page.get_by_test_id("trigger-dag-button").first.click()
    page.locator("#element_partition_date").fill(str(DAY))
    page.get_by_label("LogisticRegression.regParam").fill("0.25")
    page.screenshot(path=tmp_path / "form.png")
    page.get_by_test_id("trigger-dag-submit").click()
    # The UI goes to the new run.
    page.wait_for_url("**/runs/manual__**")
    # Its page asks for news again and again.
    page.goto("about:blank")
    [run] = [run for run in api.runs(DAG) if run.run_id not in before]
    assert finish(run).state == "success"
    model = Store(stack.home / "data" / "store", "tiny").current("model", DAY)
    assert model is not None
    assert model.manifest.details["params"]["1.LogisticRegression.regParam"] == "0.25"
    # A run without a partition key of its own still says whose date it made.
    assert run.partition_key is None
    events = api._get("/assets/events", limit=100)["asset_events"]
    assert ("model_tiny", str(DAY)) in {(event["name"], event["partition_key"]) for event in events}
