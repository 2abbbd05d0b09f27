"""How a scheduled night waits for the raw files of its date, in Airflow's triggerer and no worker's slot."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from vintage.airflow.spark_submit import partition_of
from vintage.errors import DataError
from vintage.spec import parse_partition_date
from vintage.spec.date_in_text import filled, is_dated
from vintage.spec.raw_paths import data_files
from vintage.spec.stray_files import UNFINISHED, strays_at
from vintage.spec.wait import told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from airflow.sdk import Context

    from vintage.spec import Home, Pipeline

TASK: Final = "wait_for_data"
SCHEDULED: Final = "scheduled"
# The triggerer keeps the time; this ends a task whose triggerer has died.
_GRACE: Final = dt.timedelta(hours=1)


def wait_for_data(pipeline: Pipeline, home: Home) -> WaitForData | None:
    """Return the task that waits for all files of a run's date; None where there is nothing to wait for.

    A source without dates is not waited for: nobody can tell that the date's rows are there. For those of a
    database a task of its own waits: `waiting_rows`.
    """
    declared = [source.path or "" for source in pipeline.views.values()]
    paths = [path for path in declared if is_dated(path)]
    if not paths or not pipeline.wait.timeout:
        return None
    return WaitForData(
        task_id=TASK,
        paths=[path if ":/" in path else str(home.path.absolute() / path) for path in paths],
        timeout_seconds=pipeline.wait.timeout.total_seconds(),
        poke_seconds=pipeline.wait.each_look.total_seconds(),
        execution_timeout=pipeline.wait.timeout + _GRACE,
        # Waiting takes nothing from the runs beside it.
        max_active_tis_per_dag=None,
    )


class WaitForData(BaseOperator):
    """Ends when each source has files for the run's date, or fails when they do not come in time.

    A run by hand and a backfill wait for nothing: the snapshot job tells at once what is missing, and knows
    of dates whose files are gone and whose snapshot stands.
    """

    # Nothing of a trigger reaches a path but a date.
    template_fields: Sequence[str] = ()

    def __init__(
        self, *, paths: list[str], timeout_seconds: float, poke_seconds: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.paths = paths
        self.timeout_seconds = timeout_seconds
        self.poke_seconds = poke_seconds

    def execute(self, context: Context) -> None:
        """Look, and let the triggerer look on.

        Raises:
            AirflowFailException: the run has no valid date.
        """
        date = parse_partition_date(partition_of(context["dag_run"], context["params"]))
        paths = [filled(path, date) for path in self.paths]
        absent = [path for path in paths if not delivered(path)]
        if not absent:
            self.log.info("the raw files of %s are present", date)
            return
        for path in absent:
            self.log.info("nothing yet at %s", path)
        if context["dag_run"].run_type != SCHEDULED:
            self.log.info("only a scheduled run waits for them")
            return
        trigger = FilesTrigger(paths, time.time() + self.timeout_seconds, self.poke_seconds)
        self.defer(trigger=trigger, method_name="execute_complete", kwargs={"date": date.isoformat()})

    def execute_complete(self, context: Context, event: dict[str, Any], date: str) -> None:
        """Finish the task with what the triggerer found.

        Raises:
            AirflowFailException: the files did not come; says which, and how long was waited.
        """
        if event["absent"]:
            expected = f"files at {', '.join(event['absent'])}"
            raise AirflowFailException(str(late(date, expected, self.timeout_seconds)))
        self.log.info("the raw files of %s are present", date)


class FilesTrigger(BaseTrigger):
    """Fires when there are files at each path, and they were the same when they were looked at before.

    Args:
        paths: files, folders or patterns.
        until: when it fires all the same, in seconds since 1970; a triggerer that takes over keeps to it.
        poke_seconds: how long it sleeps in between.
    """

    def __init__(self, paths: list[str], until: float, poke_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.paths = paths
        self.until = until
        self.poke_seconds = poke_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class, and what it is made with."""
        made_with = {"paths": self.paths, "until": self.until, "poke_seconds": self.poke_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", made_with

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: `absent`, the paths at which nothing has come."""
        before: list[Any] = []
        while True:
            seen = await asyncio.to_thread(lambda: [delivered(path) for path in self.paths])
            if all(seen) and seen == before:
                yield _event([])
                return
            if time.time() >= self.until:
                absent = [path for path, files in zip(self.paths, seen, strict=True) if not files]
                yield _event(absent)
                return
            before = seen
            await asyncio.sleep(min(self.poke_seconds, max(0.0, self.until - time.time())))


def _event(absent: list[str]) -> TriggerEvent:
    return TriggerEvent({"absent": absent})  # type: ignore[no-untyped-call]


def delivered(path: str) -> list[tuple[str, int, int]]:
    """Name, bytes and modification time of the files at a path; none while one is empty or being written."""
    files = data_files(path)[1]
    if any(kind == UNFINISHED for _, kind in strays_at(path, files)):
        return []
    found = [_seen(file) for file in files]
    return [] if any(file is None or not file[1] for file in found) else [file for file in found if file]


def late(date: str, expected: str, seconds: float) -> DataError:
    """Return the error of data that did not come in time."""
    return DataError(
        f"the raw data of {date} has not come within {told(dt.timedelta(seconds=seconds))}",
        expected=expected,
        found="none",
        fix="Deliver them and clear this task, which then waits anew, or raise wait.timeout of the pipeline.",
    )


def _seen(file: Path) -> tuple[str, int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        # It was renamed since it was listed.
        return None
    return str(file), status.st_size, status.st_mtime_ns
