"""Backfills of a real scheduler, by the command and in the UI: one date fails, and is made up for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from local.airflow_api import DONE
from tests.integration.conftest import write_day
from tests.integration.scheduler.runs import DAG, LATE, RUN_SECONDS, made
from tests.until import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from local.airflow_api import AirflowApi
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DATES = ["2024-01-02", "2024-01-03", str(LATE)]


def create(stack: Stack, first: str, last: str, *words: str) -> None:
    """`airflow backfill create` for a range."""
    answer = stack.airflow(
        *("backfill", "create", "--dag-id", DAG, "--from-date", first, "--to-date", last, *words)
    )
    assert answer.returncode == 0, answer.stderr


def ended(api: AirflowApi) -> dict[str, dict[str, Any]]:
    """The latest run of a backfill for each date, once none is under way."""

    def found() -> dict[str, dict[str, Any]]:
        every = api._get(f"/dags/{DAG}/dagRuns", limit=100, order_by="id")["dag_runs"]
        runs = [run for run in every if run["run_type"] == "backfill"]
        # A Dag has one backfill at a time. It is over when the scheduler has seen that its runs are, and
        # it looks twice a minute.
        backfills = api._get("/backfills", dag_id=DAG)["backfills"]
        over = all(run["state"] in DONE for run in runs) and all(each["completed_at"] for each in backfills)
        return {run["partition_key"]: run for run in runs} if over else {}

    return until(found, "the backfill is over", seconds=RUN_SECONDS)


def states(runs: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {date: run["state"] for date, run in sorted(runs.items())}


def again(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[bool]:
    """Of which dates there is another run."""
    return [after[date]["dag_run_id"] != before[date]["dag_run_id"] for date in DATES]


def moments(run: dict[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    return dt.datetime.fromisoformat(run["start_date"]), dt.datetime.fromisoformat(run["end_date"])


@pytest.fixture(scope="module")
def first(stack: Stack, api: AirflowApi) -> dict[str, dict[str, Any]]:
    """A backfill of three dates beside each other, for the last of which there is no data."""
    create(stack, DATES[0], f"{DATES[-1]}T23:59:59", "--max-active-runs", "3")
    return ended(api)


def test_a_date_that_fails_does_the_others_no_harm(
    stack: Stack, first: dict[str, dict[str, Any]], told: Callable[[str], None]
) -> None:
    assert states(first) == {DATES[0]: "success", DATES[1]: "success", DATES[2]: "failed"}
    assert made(stack, "evaluation") >= set(DATES[:2])
    assert DATES[2] not in made(stack, "snapshot")
    begun, over = zip(*(moments(first[date]) for date in DATES[:2]), strict=True)
    assert max(begun) < min(over), "both at once"
    told(f"{DAG} failed for {DATES[2]}: task_failure")


def test_a_backfill_does_only_what_failed_again(
    stack: Stack, api: AirflowApi, first: dict[str, dict[str, Any]]
) -> None:
    write_day(stack.home, LATE)
    create(stack, DATES[0], f"{DATES[-1]}T23:59:59", "--reprocess-behavior", "failed")
    runs = ended(api)
    assert states(runs) == dict.fromkeys(DATES, "success")
    assert again(first, runs) == [False, False, True]
    assert DATES[2] in made(stack, "model")


def test_a_backfill_of_all_from_the_ui_finds_nothing_to_do(
    stack: Stack, api: AirflowApi, page: Page, tmp_path: Path
) -> None:
    before = ended(api)
    files = {path: path.stat().st_mtime_ns for path in (stack.home / "data" / "store").rglob("manifest.json")}
    page.goto(f"{stack.endpoints.airflow}/dags/{DAG}")
    page.get_by_test_id("trigger-dag-button").first.click()
    page.get_by_text("Backfill", exact=True).first.click()
    for place in (0, 1):
        page.get_by_test_id("datetime-input").nth(place).click()
        date = page.get_by_placeholder("YYYY/MM/DD").locator("visible=true")
        date.fill(DATES[1].replace("-", "/"))
        date.press("Escape")
        # It fades, and until then there are two of the next.
        date.wait_for(state="hidden")
    page.get_by_text("All Runs").click()
    # The last day is meant whole.
    page.get_by_text("1 run will be triggered.").wait_for()
    page.screenshot(path=tmp_path / "form.png")
    page.get_by_role("button", name="Run Backfill").click()
    page.get_by_text("Backfill generated").first.wait_for()
    # Its page asks for news again and again.
    page.goto("about:blank")

    runs = ended(api)
    assert states(runs) == dict.fromkeys(DATES, "success")
    # One job at a time makes sure of each step, and finds it.
    assert again(before, runs) == [False, True, False]
    kept = {path: path.stat().st_mtime_ns for path in (stack.home / "data" / "store").rglob("manifest.json")}
    assert kept == files
