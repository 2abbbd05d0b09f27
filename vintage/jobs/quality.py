"""Measures the predictions of a date once its labels are available; MLflow and the digest show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.flow import quality
from vintage.jobs.pages import page_of_dates
from vintage.monitoring.recorded import record_quality
from vintage.registry.tracking import Tracking
from vintage.report.digest import write_digest

if TYPE_CHECKING:
    from vintage.flow.job import Job
    from vintage.monitoring.quality import QualityOfDate


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
