"""Evaluates the model of a date, writes the report of it, and has MLflow show both."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vintage.flow import evaluate
from vintage.lineage.graph import lineage_of
from vintage.registry.recording import record_evaluation
from vintage.registry.tracking import Tracking
from vintage.report.html import write_report
from vintage.store.reports import report_page

if TYPE_CHECKING:
    from vintage.flow.job import Job
    from vintage.store import Artifact

log = logging.getLogger(__name__)


def run(job: Job) -> Artifact:
    """Evaluate the model of the run's date, or find its evaluation; one without a report gets it.

    Raises:
        StoreError: the model has not been fitted, or it or the features are damaged.
        TrackingError: MLflow cannot be reached.
    """
    artifact = evaluate.run(job)
    if not report_page(job.store, artifact).exists():
        log.info("report: %s", write_report(job.store, artifact).html)
        tracking = Tracking.of(job.home)
        record_evaluation(tracking, job.store, lineage_of(job.store, artifact).model, artifact)
    return artifact
