"""Looks whether the rows of a date have come into the databases that a pipeline reads."""

from __future__ import annotations

import logging
from functools import partial

from vintage.data.database import raw_table
from vintage.data.deliveries import foreseen
from vintage.errors import NotDelivered
from vintage.flow.job import Job

log = logging.getLogger(__name__)


def run(job: Job) -> None:
    """Ask each database whose rows have dates; one row is enough.

    Args:
        job: pipeline and date.

    Raises:
        NotDelivered: one of them has no row of the date.
        EnvironmentProblem: a database cannot be asked.
        DataError: a database cannot answer.
    """
    for source in job.pipeline.views.values():
        if not source.awaited:
            continue
        table = raw_table(job.pipeline, source, job.date, fresh=True)
        there = foreseen(table, partial(table.has_rows, job.spark()))
        if not there:
            raise NotDelivered(f"{table.place} has no rows of {job.date} yet", expected="one at least")
        log.info("%s has rows of %s", table.place, job.date)
