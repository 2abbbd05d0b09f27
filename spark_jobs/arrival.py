"""Looks whether the rows of a date have come into the databases that a pipeline reads."""

from __future__ import annotations

import logging
from functools import partial

from spark_jobs.errors import NotDelivered
from spark_jobs.job import Job, main
from spark_jobs.sources.database import raw_table
from spark_jobs.sources.deliveries import foreseen

log = logging.getLogger(__name__)


def run(job: Job) -> None:
    """Asks each database whose rows have dates; one row is enough.

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


if __name__ == "__main__":
    main(run, __doc__)
