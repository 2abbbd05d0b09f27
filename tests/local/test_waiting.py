"""Who waits for Airflow sees what runs, for how long, and how long it took the last time."""

from __future__ import annotations

import re

from local.airflow_api import Run, Task
from local.waiting import Waiting


class Airflow:
    """Answers as Airflow does of one DAG, the newest run first."""

    def __init__(self, *runs: Run) -> None:
        self._runs = list(runs)

    def runs(self, _dag: str) -> list[Run]:
        return self._runs

    def tasks(self, _dag: str, run: str) -> list[Task]:
        return [
            Task("snapshot", "success", 1, 12.4),
            Task("promote", run, 1, None),
            Task("fit", run, 1, 20.0),
        ]


def test_a_task_is_told_with_its_seconds_and_those_of_the_latest_run_that_succeeded() -> None:
    airflow = Airflow(Run("failed", "failed", None), Run("success", "success", None))
    waiting = Waiting(airflow, "retrain", dates=4)  # type: ignore[arg-type]
    tasks = [
        Task("snapshot", "success", 1, 3.0),
        Task("fit", "running", 1, None),
        Task("new", "queued", 0, None),
    ]
    assert re.fullmatch(
        r"fit running \d+ s \(last time 20 s\), new queued \d+ s", waiting.tasks("now", tasks)
    )
    assert re.fullmatch(r"0 of 4 dates done, \d+ s, expected 130 s", waiting.whole(0))


def test_what_never_ran_is_expected_to_take_nothing_in_particular() -> None:
    waiting = Waiting(Airflow(Run("failed", "failed", None)), "retrain", dates=2)  # type: ignore[arg-type]
    assert re.fullmatch(r"fit running \d+ s", waiting.tasks("now", [Task("fit", "running", 1, None)]))
    assert re.fullmatch(r"0 of 2 dates done, \d+ s", waiting.whole(0))
