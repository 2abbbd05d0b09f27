"""What the tests of this folder say of runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

DAG = "retrain_tiny"
RESTATEMENT = "vintage_restatement"
SCORE = "score_tiny"
RUN_SECONDS = 1200
START = dt.date(2024, 1, 1)
LATE = dt.date(2024, 1, 4)
"""Its data comes only when a test delivers it."""
RESTATED, AFTER = dt.date(2024, 1, 2), "2024-01-03"
BY_HAND = dt.date(2024, 1, 6)


def days_of(first: dt.date, count: int) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range(count)]


def made(stack: Stack, kind: str) -> set[str]:
    """The dates for which the store holds an artifact."""
    return {
        path.parent.parent.name.removeprefix("date=")
        for path in (stack.home / "data" / "store" / "tiny" / kind).glob("date=*/[!.]*/manifest.json")
    }


def date_arguments(api: AirflowApi, run: Run) -> set[str]:
    """The dates in the arguments with which a run's jobs were started."""
    words = [
        word
        for task in api.tasks(DAG, run.run_id)
        for line in api.log_lines(DAG, run.run_id, task)
        if "Spark-Submit cmd" in line or "Running command" in line
        for word in line.replace("'", " ").replace(",", " ").split()
    ]
    return {word for word in words if word.startswith("--date=")}


def jobs_of(day: str) -> list[psutil.Process]:
    """The processes that have a partition date in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word == f"--date={day}" for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found
