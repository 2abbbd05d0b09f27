"""Runs of a real scheduler: by schedule, by hand and killed, each with its partition date."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from local.airflow_api import AirflowApi, AirflowRefused
from local.stack import Stack
from tests.integration.conftest import LAST_NIGHT, write_day
from tests.integration.scheduler.runs import (
    DAG,
    RESTATED,
    RUN_SECONDS,
    SCORE,
    date_arguments,
    jobs_of,
    made,
)
from tests.until import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def test_the_schedule_runs_the_day_before_once_its_data_has_come(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    [run] = until(
        lambda: [run for run in api.runs(DAG) if run.run_id.startswith("scheduled__")], "the schedule's run"
    )
    day = str(LAST_NIGHT)
    assert run.partition_key == day

    def states() -> dict[str, str]:
        return {task.name: task.state for task in api.tasks(DAG, run.run_id) if task.state}

    until(lambda: states().get("wait_for_data") == "deferred", states)
    # Nothing runs while it waits.
    assert states() == {"wait_for_data": "deferred"}
    write_day(stack.home, LAST_NIGHT)
    assert finish(run).state == "success"
    assert date_arguments(api, run) == {f"--date={day}"}
    assert day in made(stack, "model")


def test_a_manual_run_takes_its_partition_key(stack: Stack, api: AirflowApi, restated: Run) -> None:
    assert date_arguments(api, restated) == {f"--date={RESTATED}"}
    assert made(stack, "snapshot") >= {"2024-01-01", "2024-01-02"}


def test_each_night_s_date_is_scored_by_who_serves(
    stack: Stack, api: AirflowApi, restated: Run, finish: Callable[..., Run]
) -> None:
    [run] = until(
        lambda: [run for run in api.runs(SCORE) if run.partition_key == restated.partition_key],
        "a scoring follows each night",
    )
    assert finish(run, SCORE).state == "success"
    api.pause(SCORE, paused=True)
    [path] = (stack.home / "data" / "store" / "tiny" / "predictions").glob(
        f"date={RESTATED}/[!.]*/manifest.json"
    )
    details = json.loads(path.read_text())["details"]
    assert details["rows"] == {"given": 60, "scored": 60, "rejected": 0}
    # A night before it, of a later date, made who serves.
    assert details["model_date"] > str(RESTATED)
    events = api._get("/assets/events", limit=100)["asset_events"]
    told = {(event["name"], event["partition_key"]) for event in events}
    assert ("predictions_tiny", str(RESTATED)) in told


def test_a_manual_run_without_a_date_takes_the_last_closed_day(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    run = api.trigger(DAG)
    dates = until(lambda: date_arguments(api, run), "a job is submitted", seconds=RUN_SECONDS)
    assert dates == {f"--date={yesterday}"}
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


@pytest.mark.fault("a run that is killed in Airflow", outcome="no `spark-submit` is left")
def test_a_killed_run_leaves_no_spark_submit(api: AirflowApi, finish: Callable[[Run], Run]) -> None:
    run = api.trigger(DAG, partition_key="2024-01-08")
    # Another run may have to end first.
    until(
        lambda: names_of(jobs_of("2024-01-08")) >= {"java", "python"},
        "a job runs",
        seconds=RUN_SECONDS,
        every=0.1,
    )
    api.fail(DAG, run.run_id)
    until(lambda: not jobs_of("2024-01-08"), lambda: jobs_of("2024-01-08"))
    assert finish(run).state == "failed"
