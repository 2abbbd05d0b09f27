"""Measures the predictions of a date once its labels are available; MLflow and the digest show them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError
from vintage.flow import quality
from vintage.flow.job import open_job
from vintage.jobs.pages import page_of_dates
from vintage.monitoring.recorded import record_quality
from vintage.registry.tracking import Tracking
from vintage.report.digest import write_digest
from vintage.store.details import QualityDetails

if TYPE_CHECKING:
    from datetime import date

    from vintage.flow.job import Job
    from vintage.monitoring.quality import QualityOfDate
    from vintage.store import Store

log = logging.getLogger(__name__)

LOOK_BACK: Final = 7
"""Days before the date whose labels are due in which a night looks again for labels that came late."""


def run(job: Job) -> QualityOfDate:
    """Measure the current predictions of the run's date, and add the date to the run `history` of MLflow.

    Raises:
        DataError: the date's rows break the contract or the suite.
        StoreError: something of the store is damaged or gone.
        TrackingError: MLflow cannot be reached.
    """
    with page_of_dates(job):
        found = quality.run(job)
    record_quality(Tracking.of(job.home), found)
    write_digest(job.store.root)
    return found


def run_due(job: Job) -> QualityOfDate:
    """Measure the run's date as `run` does, and the dates shortly before it whose labels were not all there.

    What an earlier date's rows are refused for is told in the log, and does not fail the night.

    Raises:
        DataError: the rows of the run's own date break the contract or the suite.
        StoreError: something of the store is damaged or gone.
        TrackingError: MLflow cannot be reached.
    """
    found = run(job)
    for day in incomplete_before(job.store, job.date):
        log.info("%s: its labels were not all there, looking again", day)
        try:
            run(open_job(job.home, job.store.pipeline, str(day), spark=job.spark))
        except DataError as error:
            log.warning("%s could not be measured: %s", day, error)
    return found


def incomplete_before(store: Store, day: date) -> tuple[date, ...]:
    """Return the scored dates of the days before a date that have no label for some prediction, oldest first.

    Raises:
        StoreError: what was measured of one is damaged.
    """
    return tuple(
        each
        for each in store.dates("predictions")
        if day - timedelta(days=LOOK_BACK) <= each < day and not _is_complete(store, each)
    )


def _is_complete(store: Store, day: date) -> bool:
    measured = store.current("quality", day)
    return measured is not None and not QualityDetails.of(measured).counts.unlabelled
