"""Runs of a real scheduler: by schedule, by hand and killed, each with its partition date."""

from __future__ import annotations

import datetime as dt
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from local.airflow_api import AirflowApi, AirflowRefused
from local.stack import Stack
from tests.integration.conftest import write_day
from tests.integration.scheduler.runs import (
    DAG,
    RUN_SECONDS,
    SCORE,
    TODAY,
    date_arguments,
    jobs_of,
    made,
    scheduled_day,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def test_the_schedule_runs_the_day_before_once_its_data_has_come(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    deadline = time.monotonic() + 60
    scheduled: list[Run] = []
    while not scheduled and time.monotonic() < deadline:
        scheduled = [run for run in api.runs(DAG) if run.run_id.startswith("scheduled__")]
        time.sleep(0.5)
    assert len(scheduled) == 1
    day = str(scheduled_day())
    assert scheduled[0].partition_key == day
    states: dict[str, str | None] = {}
    while states.get("wait_for_data") != "deferred" and time.monotonic() < deadline + 60:
        states = {task.name: task.state for task in api.tasks(DAG, scheduled[0].run_id)}
        time.sleep(0.5)
    # Nothing runs while it waits.
    assert {name: state for name, state in states.items() if state} == {"wait_for_data": "deferred"}
    write_day(stack.home, scheduled_day())
    assert finish(scheduled[0]).state == "success"
    assert date_arguments(api, scheduled[0]) == {f"--date={day}"}
    assert day in made(stack, "model")


def test_a_manual_run_takes_its_partition_key(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    api.wait_for_dag(SCORE, stack.check)
    api.pause(SCORE, paused=False)
    run = finish(api.trigger(DAG, partition_key="2024-01-03"))
    assert run.state == "success"
    assert date_arguments(api, run) == {"--date=2024-01-03"}
    assert made(stack, "snapshot") >= {"2024-01-01", "2024-01-02", "2024-01-03"}


def test_each_night_s_date_is_scored_by_who_serves(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run]
) -> None:
    deadline = time.monotonic() + 120
    scored: list[Run] = []
    while not scored and time.monotonic() < deadline:
        scored = api.runs(SCORE)
        time.sleep(0.5)
    [run] = scored
    assert run.partition_key == "2024-01-03"
    assert finish(run, SCORE).state == "success"
    api.pause(SCORE, paused=True)
    [path] = (stack.home / "data" / "store" / "tiny" / "predictions").glob("date=*/[!.]*/manifest.json")
    details = json.loads(path.read_text())["details"]
    assert path.parent.parent.name == "date=2024-01-03"
    assert details["rows"] == {"given": 60, "scored": 60, "rejected": 0}
    # The night before it, of a later date, made who serves.
    assert details["model_date"] == str(scheduled_day())
    events = api._get("/assets/events", limit=100)["asset_events"]
    told = {(event["name"], event["partition_key"]) for event in events}
    assert ("predictions_tiny", "2024-01-03") in told


def test_a_manual_run_without_a_date_takes_the_last_closed_day(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    run = api.trigger(DAG)
    deadline = time.monotonic() + RUN_SECONDS
    while not (dates := date_arguments(api, run)) and time.monotonic() < deadline:
        time.sleep(1)
    assert dates == {f"--date={TODAY - dt.timedelta(days=1)}"}
    # The night of that date was run above.
    api.fail(DAG, run.run_id)
    assert finish(run).state == "failed"


@pytest.mark.parametrize("text", ["2013-02-28 --conf spark.x=y", "$(id)", "../x", "{{ 7*7 }}", "2013-02-30"])
def test_airflow_refuses_what_is_no_date(api: AirflowApi, text: str) -> None:
    with pytest.raises(AirflowRefused):
        api.trigger(DAG, partition_key=text)
    with pytest.raises(AirflowRefused):
        api.trigger(DAG, partition_date=text)


def test_a_date_in_another_form_fails_before_anything_is_submitted(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    run = finish(api.trigger(DAG, partition_key="2024-1-5"))
    assert run.state == "failed"
    [first] = [task for task in api.tasks(DAG, run.run_id) if task.name == "wait_for_data"]
    assert first.try_number == 1
    assert "'2024-1-5' is not a partition date" in "\n".join(api.log_lines(DAG, run.run_id, first))
    assert date_arguments(api, run) == set()


def names_of(processes: list[psutil.Process]) -> set[str]:
    names = set()
    for process in processes:
        with suppress(psutil.Error):
            names.add(process.name().rstrip("0123456789."))
    return names


def test_a_killed_run_leaves_no_spark_submit(api: AirflowApi, finish: Callable[[Run], Run]) -> None:
    run = api.trigger(DAG, partition_key="2024-01-08")
    # Another run may have to end first.
    deadline = time.monotonic() + RUN_SECONDS
    names: set[str] = set()
    while not {"java", "python"} <= names and time.monotonic() < deadline:
        names = names_of(jobs_of("2024-01-08"))
        time.sleep(0.1)
    assert {"java", "python"} <= names
    api.fail(DAG, run.run_id)
    deadline = time.monotonic() + 60
    while jobs_of("2024-01-08") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert jobs_of("2024-01-08") == []
    assert finish(run).state == "failed"
