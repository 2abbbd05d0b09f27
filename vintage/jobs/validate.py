"""Holds each date of the window to its suite, and writes the page that leads from one date to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.flow import validate
from vintage.jobs.pages import page_of_dates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.flow.job import Job
    from vintage.store import Artifact


def run(job: Job) -> Mapping[date, Artifact]:
    """Hold the dates to the suite, unless they were held to it before.

    Raises:
        SpecError: the suite is not what it must be.
        StoreError: a date has not been snapshotted, or its snapshot is damaged.
        ValidationFailed: a critical expectation does not hold; names date, rule, column, count and examples.
    """
    with page_of_dates(job):
        return validate.run(job)
