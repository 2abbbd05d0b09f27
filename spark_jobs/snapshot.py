"""Keeps each date's raw rows as they stood: Parquet, held to a contract, with profile and fingerprint."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from spark_jobs.errors import DataError
from spark_jobs.job import Job, disk_refusal, for_each_date, main, require_enough, require_valid_stages
from spark_jobs.sources.deliveries import find_delivery
from spark_jobs.sources.profile import profile, profile_sql
from spark_jobs.sources.raw import no_raw_data
from spark_jobs.sources.reader import CORRUPT, RawRows
from spark_jobs.sources.rows import schema_json, write_rows
from spark_jobs.store import Rows, steps
from spark_jobs.store.fingerprint import fingerprint, fingerprint_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from spark_jobs.sources.deliveries import Delivery
    from spark_jobs.store import Artifact

T = TypeVar("T")

log = logging.getLogger(__name__)


def run(job: Job) -> dict[date, Artifact]:
    """Snapshots every date the run needs that has none, or whose raw rows may have changed.

    Raises:
        SpecError: the stages are not what they must be.
        DataError: the run's own date has no data, a date breaks the contract, or too few dates have rows.
        EnvironmentProblem: a database cannot be asked.
    """
    require_valid_stages(job)
    source = job.pipeline.source
    fresh = set(job.window[len(job.window) - min(source.days_read_again, len(job.window)) :])
    raw = {day: find_delivery(job.pipeline, source, day, fresh=day in fresh) for day in job.dates}
    snapshots = {day: found for day, delivery in raw.items() if (found := _unchanged(job, day, delivery))}
    if raw[job.date] is None and job.date not in snapshots:
        raise no_raw_data(job.pipeline, source, job.date)
    stale = {day: delivery for day, delivery in raw.items() if delivery and day not in snapshots}
    log.info("%d dates have data, %d of them are to be snapshotted", len(snapshots) + len(stale), len(stale))
    if stale:
        _contract(job, next(iter(stale.values())))
        snapshots |= for_each_date(lambda day: _snapshot(job, day, stale[day]), stale, doing="snapshot")
    if snapshots[job.date].row_count == 0:
        raise DataError(
            f"the raw data of {job.date} has no rows",
            expected="at least one row" + ("" if source.is_jdbc else " under the header"),
            found="none",
            fix="Deliver the date's data and run again.",
        )
    require_enough(job, [day for day in job.window if day in snapshots and snapshots[day].row_count])
    return dict(sorted(snapshots.items()))


def _unchanged(job: Job, day: date, delivery: Delivery | None) -> Artifact | None:
    found = job.store.current("snapshot", day)
    if delivery is None:
        if found is not None:
            log.warning("the raw files of %s are gone; its snapshot stands", day)
        return found
    note = job.store.pointer("snapshot", day)
    schema = job.pipeline.source.fixed_schema or job.store.contract()
    if found is None or note is None or schema is None or found.manifest.rows is None:
        return None
    if not delivery.stands(note, found.row_count):
        return None
    # The same raw rows under the code, engines and spec of today: another key means another snapshot.
    today = steps.snapshot(job.pipeline, day, schema=schema, rows=found.manifest.rows.fingerprint)
    return found if today.key == found.key else None


def _contract(job: Job, delivery: Delivery) -> str:
    declared = job.pipeline.source.fixed_schema or job.store.contract()
    if declared is None:
        declared = job.store.record_contract(_foreseen(delivery, lambda: delivery.infer(job.spark())))
        log.warning("no source.schema is declared; later dates are held to the inferred one: %s", declared)
    return declared


def _snapshot(job: Job, day: date, delivery: Delivery) -> Artifact:
    schema = _contract(job, delivery)
    session = job.spark.apart()
    with job.store.attempt("snapshot", day) as attempt:
        incoming = _foreseen(delivery, lambda: delivery.read(session, schema))
        observed = _foreseen(delivery, lambda: _write(incoming, delivery, attempt.data))
        count = observed["fingerprint"]["rows"]
        delivery.check(session, incoming, {"corrupt": observed["corrupt"], "rows": count})
        content = fingerprint(observed["fingerprint"])
        seen = profile(incoming.schema, observed["profile"])
        (attempt.folder / "sketches.json").write_text(json.dumps(seen.sketches), encoding="utf-8")
        artifact = job.store.publish(
            attempt,
            steps.snapshot(job.pipeline, day, schema=schema, rows=content),
            rows=Rows(count=count, spark_schema=schema_json(incoming.schema), fingerprint=content),
            details={"raw": delivery.facts(), "profile": seen.columns},
        )
    job.store.set_current(artifact, delivery.note())
    return artifact


def _foreseen(delivery: Delivery, work: Callable[[], T]) -> T:
    """Does work of Spark; an error of it is told as the delivery understands it, a full disk's excepted."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return work()
    except (PySparkException, Py4JJavaError) as error:
        if disk_refusal(error):
            raise
        # Spark's own words may repeat what a database's driver said: they are not carried along.
        raise delivery.refused(error) from None


def _write(incoming: RawRows, delivery: Delivery, folder: Path) -> dict[str, Any]:
    aggregates = {
        "fingerprint": fingerprint_sql(incoming.schema),
        "profile": profile_sql(incoming.schema),
        "corrupt": f"count({CORRUPT})",
    }
    return write_rows(incoming.rows, folder, aggregates, files=delivery.parts, drop=(CORRUPT,))


if __name__ == "__main__":
    main(run, __doc__)
