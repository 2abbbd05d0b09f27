"""Scores a date's rows, and writes the page that leads from one date's Data Docs to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.flow import score
from vintage.jobs.pages import page_of_dates

if TYPE_CHECKING:
    from vintage.flow.job import Job
    from vintage.store import Artifact


def run(job: Job, version: str | None = None) -> Artifact:
    """Score the run's date, or find its predictions.

    Args:
        job: pipeline and date.
        version: the registered version that scores; the champion when it is not given.

    Raises:
        NothingServes: the pipeline has no champion.
        SpecError: there is no such version.
        DataError: the date has no data, or none of its rows can be scored.
        StoreError: the model is not in the store, or something of the store is damaged.
        TrackingError: MLflow cannot be reached.
    """
    with page_of_dates(job):
        return score.run(job, version)
