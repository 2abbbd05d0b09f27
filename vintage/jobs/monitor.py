"""Monitors date after date from what is stored, without Spark; each finds what those before it came to."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vintage.errors import StoreError, VintageError
from vintage.flow import monitor
from vintage.flow.job import open_job
from vintage.monitoring.drift import Drift
from vintage.monitoring.recorded import record_drift
from vintage.monitoring.weighed import with_importance
from vintage.registry.tracking import Tracking
from vintage.report.drift_page import write_drift
from vintage.store import Store
from vintage.store.details import MonitorDetails

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vintage.flow.job import Job
    from vintage.spec import Home, Pipeline
    from vintage.store import Artifact

log = logging.getLogger(__name__)


class MonitoredColumn(BaseModel):
    """A column that drifted, as in the monitor's manifest."""

    model_config = ConfigDict(frozen=True)

    rows: str
    column: str
    told: str
    dates: tuple[dt.date, ...]
    alarm: bool


class Monitored(BaseModel):
    """What the monitoring of a date came to.

    Attributes:
        pipeline, date: whose rows.
        key: of the monitor; null when the date failed.
        state: `calm`, `warn`, `alarm` or `unknown`; null when the date failed.
        watched: the dates that an alarm counts.
        drifted: the columns that drifted, each with the dates among those on which it did.
        missing: kind of rows → why it was not compared.
        error: why the date failed; empty when it did not.
        exit_code: of that error; 0 when it did not fail.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    date: dt.date
    key: str | None = None
    state: str | None = None
    watched: tuple[dt.date, ...] = ()
    drifted: tuple[MonitoredColumn, ...] = ()
    missing: dict[str, str] = {}
    error: str = ""
    exit_code: int = 0


def run(job: Job) -> Artifact:
    """Monitor the run's date as the step does; the pipeline's page, the digest and MLflow show it.

    The page is that of the latest monitored date. MLflow records it where there is one.

    Raises:
        StoreError: the date was not snapshotted, no version ever served, or something of the store is
            damaged.
        TrackingError: MLflow cannot be reached.
    """
    artifact = _recorded(job)
    show_latest(job.store, [artifact])
    return artifact


def show_latest(store: Store, monitors: Iterable[Artifact]) -> None:
    """Write the pipeline's page and the digest anew, where one of these monitors is that of the latest date.

    Raises:
        StoreError: something of the store is damaged.
    """
    latest = max(store.dates("monitor"), default=None)
    for artifact in monitors:
        if artifact.date == latest and (drift := _drift_in(artifact)).parts:
            write_drift(store, with_importance(drift, store))


def _recorded(job: Job) -> Artifact:
    """Monitor the run's date, and tell MLflow."""
    artifact = monitor.run(job)
    tracking = Tracking.of(job.home)
    if tracking.exists:
        record_drift(tracking, _drift_in(artifact))
    return artifact


def _drift_in(artifact: Artifact) -> Drift:
    return Drift.model_validate_json((artifact.data / monitor.DRIFT).read_bytes())


def monitored_of(artifact: Artifact) -> Monitored:
    """Return what a monitor says of its date."""
    details = MonitorDetails.of(artifact)
    return Monitored(
        pipeline=artifact.manifest.pipeline,
        date=artifact.date,
        key=artifact.key,
        state=details.state,
        watched=details.watched,
        drifted=tuple(MonitoredColumn(**dict(column)) for column in details.drifted),
        missing=dict(details.missing),
    )


def dates_to_monitor(store: Store, first: dt.date | None, last: dt.date | None) -> tuple[dt.date, ...]:
    """Return the dates of a range that have rows, oldest first; the latest alone where no range is given.

    Raises:
        StoreError: there is none.
    """
    taken = store.dates("snapshot")
    if first is None and last is None:
        found = taken[-1:]
    else:
        found = tuple(day for day in taken if (first or day) <= day <= (last or day))
    if not found:
        told = f" from {first} to {last}" if taken else ""
        raise StoreError(
            f"{store.pipeline} has no snapshot{told}",
            expected=f"dates from {taken[0]} to {taken[-1]}" if taken else "a finished run",
            fix="What has no rows in the store is not monitored: run or score the dates first, with "
            f"`vintage run {store.pipeline} --date {last or 'YYYY-MM-DD'}`.",
        )
    return found


def monitor_dates(
    home: Home, pipeline: Pipeline, first: dt.date | None = None, last: dt.date | None = None
) -> Iterator[Monitored]:
    """Monitor the dates of a range that have rows, oldest first; one that fails does not stop the others.

    MLflow is told of each, as the step tells it. The pages are written once, after the last date.

    Raises:
        StoreError: there is none, or something that the pages show is damaged.
    """
    store = Store(home.store, pipeline.name)
    made = []
    for day in dates_to_monitor(store, first, last):
        try:
            made.append(_recorded(open_job(home, pipeline.name, str(day))))
            yield monitored_of(made[-1])
        except VintageError as error:
            log.warning("%s failed: %s", day, error)
            yield Monitored(pipeline=pipeline.name, date=day, error=str(error), exit_code=error.exit_code)
    show_latest(store, made)
