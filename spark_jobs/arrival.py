"""Looks whether the rows of a date have come into the databases that a pipeline reads."""

from __future__ import annotations

import logging

from spark_jobs.errors import NotDelivered
from spark_jobs.job import Job, main
from spark_jobs.sources.database import raw_table

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
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    for source in job.pipeline.views.values():
        if not source.awaited:
            continue
        table = raw_table(job.pipeline, source, job.date, fresh=True)
        try:
            there = table.has_rows(job.spark())
        except (PySparkException, Py4JJavaError) as error:
            # Spark's own words may repeat what a database's driver said: they are not carried along.
            raise table.refused(error) from None
        if not there:
            raise NotDelivered(f"{table.place} has no rows of {job.date} yet", expected="one at least")
        log.info("%s has rows of %s", table.place, job.date)


if __name__ == "__main__":
    main(run, __doc__)
