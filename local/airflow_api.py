"""What the local commands ask of a running Airflow, through its REST API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import httpx

from local.settings import LOCK_SECONDS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from local.stack import Endpoints

DAG_SECONDS: Final = 120
# Longer than a writer of Airflow's database waits for another.
ANSWER_SECONDS: Final = 2 * LOCK_SECONDS
DONE: Final = frozenset({"success", "failed"})
WAITS_FOR_A_PERSON: Final = "awaiting_input"
TASK_DONE: Final = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


class AirflowRefused(RuntimeError):
    """Airflow refused a request, or cannot load a DAG; the text says why."""


@dataclass(frozen=True)
class Run:
    """A run of a DAG."""

    run_id: str
    state: str
    partition_key: str | None


@dataclass(frozen=True)
class Task:
    """The present try of a task of a run."""

    name: str
    state: str | None
    try_number: int
    seconds: float | None


class AirflowApi:
    """A client of one Airflow, as a context; logs in by itself."""

    def __init__(self, where: Endpoints) -> None:
        with httpx.Client(base_url=where.airflow, timeout=ANSWER_SECONDS) as client:
            answer = _checked(
                client.post("/auth/token", json={"username": where.user, "password": where.password})
            )
        self._where = where
        self._client = httpx.Client(
            base_url=f"{where.airflow}/api/v2",
            headers={"Authorization": f"Bearer {answer['access_token']}"},
            timeout=ANSWER_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def wait_for_dag(self, dag_id: str, check: Callable[[], None] = lambda: None) -> bool:
        """Wait until Airflow has loaded a DAG; whether it is paused.

        Raises:
            AirflowRefused: it has an import error instead, or never comes.
        """
        deadline = time.monotonic() + DAG_SECONDS
        while time.monotonic() < deadline:
            check()
            answer = self._client.get(f"/dags/{dag_id}")
            if answer.status_code == httpx.codes.OK:
                return bool(answer.json()["is_paused"])
            for error in self.import_errors():
                if dag_id in error or "retraining.py" in error:
                    raise AirflowRefused(f"{dag_id} cannot be loaded:\n{error}")
            time.sleep(0.3)
        raise AirflowRefused(f"Airflow did not load {dag_id} within {DAG_SECONDS} s")

    def import_errors(self) -> list[str]:
        """Return the import errors of the DAG files."""
        found = self._get("/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace']}" for error in found]

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Pause a DAG or let its runs go on."""
        _checked(self._client.patch(f"/dags/{dag_id}", json={"is_paused": paused}))

    def trigger(
        self, dag_id: str, *, run_id: str | None = None, partition_key: str | None = None, **conf: Any
    ) -> Run:
        """Start a run; `conf` holds what the trigger form would."""
        body = {"logical_date": None, "dag_run_id": run_id, "partition_key": partition_key, "conf": conf}
        return _run(_checked(self._client.post(f"/dags/{dag_id}/dagRuns", json=body)))

    def run(self, dag_id: str, run_id: str) -> Run:
        """Return a run as it is now."""
        return _run(self._get(f"/dags/{dag_id}/dagRuns/{run_id}"))

    def runs(self, dag_id: str) -> list[Run]:
        """Return the runs of a DAG, the newest first."""
        found: list[Run] = []
        while True:
            page = self._get(f"/dags/{dag_id}/dagRuns", limit=100, offset=len(found), order_by="-id")
            found += map(_run, page["dag_runs"])
            if len(found) >= page["total_entries"]:
                return found

    def fail(self, dag_id: str, run_id: str) -> None:
        """End a run as failed; Airflow kills what it has running."""
        _checked(self._client.patch(f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"}))

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """Return the tasks of a run."""
        found = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return [Task(task["task_id"], task["state"], task["try_number"], task["duration"]) for task in found]

    def where_to_answer(self, dag_id: str, run_id: str, task: Task) -> str:
        """Return the page on which a person answers what a task asks, and the login."""
        page = f"/dags/{dag_id}/runs/{quote(run_id)}/tasks/{task.name}/required_actions"
        return f"{self._where.airflow}{page} (user {self._where.user}, password {self._where.password})"

    def log_lines(self, dag_id: str, run_id: str, task: Task) -> list[str]:
        """Return the log of a task's present try, one text an entry; an exception's text follows its entry.

        A task that has not begun has none: asked for its try 0, Airflow finds no task once the first begins.
        """
        if task.try_number == 0:
            return []
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task.name}/logs/{task.try_number}"
        answer = self._client.get(path, params={"full_content": True}, headers={"Accept": "application/json"})
        content = _checked(answer)["content"]
        return [text for entry in content for text in _texts(entry)]

    def backfill(self, dag_id: str, first: dt.date, last: dt.date) -> int:
        """Run a DAG for each date from the first to the last, both included, one by one; the backfill's id.

        Airflow's own range ends at a moment: `--to-date 2013-03-02` means its midnight, which is before the
        tick of that day, and leaves the day out.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T23:59:59Z",
            "max_active_runs": 1,
            # A date that ran before runs again: it finds its finished steps, or makes what changed.
            "reprocess_behavior": "completed",
        }
        number: int = _checked(self._client.post("/backfills", json=body))["id"]
        return number

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or give it other slots."""
        pool: dict[str, Any] = {"slots": slots, "description": description, "include_deferred": False}
        answer = self._client.post("/pools", json={"name": name, **pool})
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self._client.patch(f"/pools/{name}", json={"pool": name, **pool})
        _checked(answer)

    def cancel_backfill(self, number: int) -> None:
        """End a backfill: what has not begun will not."""
        _checked(self._client.put(f"/backfills/{number}/cancel"))

    def _get(self, path: str, **params: Any) -> Any:
        return _checked(self._client.get(path, params=params))


def _run(answer: Any) -> Run:
    return Run(answer["dag_run_id"], answer["state"], answer["partition_key"])


def _texts(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [str(entry)]
    errors = entry.get("error_detail") or []
    return [entry["event"], *(f"{error['exc_type']}: {error['exc_value']}" for error in errors[:1])]


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise AirflowRefused(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        )
    return answer.json()
