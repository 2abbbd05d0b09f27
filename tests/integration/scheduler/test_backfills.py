"""Backfills of a real scheduler, by the command and by the API."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest

from local.airflow_api import AirflowApi, AirflowRefused
from local.stack import Stack
from tests.integration.scheduler.runs import (
    DAG,
    date_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def backfilled(api: AirflowApi) -> list[Run]:
    """The runs of backfills; a scheduled one may come between."""
    return [run for run in api.runs(DAG) if run.run_id.startswith("backfill__")]


def create(stack: Stack, first: str, last: str, *words: str) -> str:
    """`airflow backfill create` for a range; gives what it prints."""
    answer = stack.airflow(
        *("backfill", "create", "--dag-id", DAG, "--from-date", first, "--to-date", last, *words)
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_backfill_makes_every_day_asked_for(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    create(stack, "2024-01-01", "2024-01-02T23:59:59")
    runs = backfilled(api)
    assert sorted(run.partition_key or "" for run in runs) == ["2024-01-01", "2024-01-02"]
    for run in runs:
        assert finish(run).state == "success"
        assert date_arguments(api, run) == {f"--date={run.partition_key}"}


def test_a_backfill_by_the_api_holds_both_ends(api: AirflowApi, finish: Callable[[Run], Run]) -> None:
    before = {run.run_id for run in backfilled(api)}
    # A Dag has one backfill at a time; the one before is over when the scheduler has seen that its runs are.
    deadline = time.monotonic() + 120
    while True:
        try:
            api.backfill(DAG, dt.date(2024, 1, 3), dt.date(2024, 1, 3))
            break
        except AirflowRefused:
            assert time.monotonic() < deadline
            time.sleep(1)
    [run] = [run for run in backfilled(api) if run.run_id not in before]
    assert run.partition_key == "2024-01-03"
    assert finish(run).state == "success"


@pytest.mark.parametrize(
    ("to_date", "last"),
    [("2024-01-07", "2024-01-06"), ("2024-01-07T23:59:59", "2024-01-07")],
    ids=["midnight leaves the day out", "its last second takes it in"],
)
def test_airflow_s_own_backfill_command_ends_at_a_moment(stack: Stack, to_date: str, last: str) -> None:
    told = create(stack, "2024-01-05", to_date, "--dry-run").replace("|", " ")
    keys = [f"2024-01-{day:02}" for day in range(1, 9) if f"2024-01-{day:02}  " in told]
    assert (keys[0], keys[-1]) == ("2024-01-05", last)
