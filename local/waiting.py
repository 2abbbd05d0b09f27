"""What a person who waits for Airflow sees: what runs, for how long, and how long it took the last time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.airflow_api import AirflowApi, Task

UNDER_WAY: Final = frozenset({"running", "queued"})


class Waiting:
    """Knows since when tasks run, and how long they took in the latest run that succeeded.

    Args:
        api: of the Airflow.
        dag_id: whose runs are waited for.
        dates: how many.
    """

    def __init__(self, api: AirflowApi, dag_id: str, dates: int = 1) -> None:
        latest = next((run for run in api.runs(dag_id) if run.state == "success"), None)
        tasks = api.tasks(dag_id, latest.run_id) if latest else []
        self._took = {task.name: task.seconds for task in tasks if task.seconds is not None}
        self._dates = dates
        self._began = time.monotonic()
        self._since: dict[tuple[str, str], float] = {}

    @property
    def seconds(self) -> float:
        """Since the waiting began."""
        return time.monotonic() - self._began

    def tasks(self, run_id: str, tasks: Iterable[Task]) -> str:
        """Return which tasks of a run are under way, each with its seconds now and the last time."""
        told = []
        for task in tasks:
            if task.state in UNDER_WAY:
                since = self._since.setdefault((run_id, task.name), time.monotonic())
                took = self._took.get(task.name)
                last = f" (last time {took:.0f} s)" if took is not None else ""
                told.append(f"{task.name} {task.state} {time.monotonic() - since:.0f} s{last}")
        return ", ".join(told)

    def whole(self, done: int) -> str:
        """Return how many dates are done, and the seconds that took and all of them are expected to take.

        Args:
            done: how many dates are.
        """
        each = self.seconds / done if done else sum(self._took.values())
        expected = f", expected {each * self._dates:.0f} s" if each else ""
        return f"{done} of {self._dates} dates done, {self.seconds:.0f} s{expected}"
