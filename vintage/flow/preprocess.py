"""Turns each date's validated snapshot into that date's feature rows, row by row and date by date."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING

from vintage.data.rows import LABEL, TRAINABLE, read_rows, schema_json, write_rows
from vintage.data.user_function import apply_function
from vintage.errors import SpecError, ValidationFailed, first_line
from vintage.flow.graph import required
from vintage.flow.job import Job, for_each_date, ship_user_code
from vintage.session import recorded_conf
from vintage.spec import SOURCE_VIEW, load_suite
from vintage.store import Rows, check_files, steps, windows
from vintage.store.details import FeaturesDetails, ValidationDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline, Suite
    from vintage.store import Artifact, Ingredients, Key

log = logging.getLogger(__name__)

ROWS_PER_FILE = 2_000_000


def preprocess(views: Mapping[str, DataFrame], pipeline: Pipeline, day: date) -> DataFrame:
    """Return the feature rows of one date.

    Args:
        views: what the SQL reads, by name: `source`, one row per raw row of the date, and joined sources.
        pipeline: its `preprocess` says what to compute.
        day: fills `{date}` in the SQL.

    Returns:
        The columns of the SQL, or of the function; `label` (double; null where the pipeline learns none); and
        `trainable`, whether one may learn from the row.

    Raises:
        SpecError: the SQL does not run on this source, or the function does not do what it is to do.
    """
    from pyspark.errors import AnalysisException, ParseException
    from pyspark.sql import functions as F

    wanted = pipeline.preprocess
    try:
        for name, frame in views.items():
            frame.createOrReplaceTempView(name)
        rows = views[SOURCE_VIEW].sparkSession.sql(wanted.sql_for(day))
        if wanted.function is not None:
            rows = apply_function(rows, pipeline, day)
        if TRAINABLE in rows.columns:
            raise SpecError(
                f"preprocess of {pipeline.name} gives a column {TRAINABLE}",
                expected="another name: Vintage keeps there whether one may learn from the row",
            )
        label = F.expr(pipeline.label or "NULL").cast("double").alias(LABEL)
        trainable = F.coalesce(F.expr(wanted.train_where or "true"), F.lit(False)).alias(TRAINABLE)
        kept = [F.col(f"`{name}`") for name in rows.columns if name != LABEL]
        return rows.select(*kept, label, trainable)
    except (AnalysisException, ParseException) as error:
        raise SpecError(
            f"preprocess of {pipeline.name} does not run on the snapshot of {day}",
            found=first_line(error),
            fix="Correct preprocess.sql, function, label or train_where.",
        ) from error


def run(job: Job) -> dict[date, Artifact]:
    """Make the feature rows of every date the run needs that has none yet; the others are found.

    Raises:
        StoreError: a date has not been snapshotted and validated, or what that made is damaged.
        ValidationFailed: a date's snapshot did not pass.
    """
    snapshots = windows.window_snapshots(job.pipeline, job.store, job.dates)
    suites = {view: load_suite(job.home, name) for view, name in job.pipeline.suites.items()}
    validations = {
        day: {view: _validation(job, view, suite, found[view]) for view, suite in suites.items()}
        for day, found in snapshots.items()
    }
    wanted = {day: steps.features(job.pipeline, day, snapshots=found) for day, found in snapshots.items()}
    done = {
        day: found for day, named in wanted.items() if (found := job.store.find("features", day, named.key))
    }
    missing = [day for day in snapshots if day not in done]
    log.info("%d dates have rows, the features of %d of them are to be made", len(snapshots), len(missing))

    function = job.pipeline.preprocess.function
    if missing:
        job.begin()
        used = {found.folder: found for day in missing for found in snapshots[day].values()}
        check_files([*used.values(), *(validations[day][view] for day in missing for view in suites)])
        if function is not None:
            ship_user_code(job, [function])

    def make_date(day: date) -> Artifact:
        validated = {view: found.key for view, found in validations[day].items()}
        return make(job, wanted[day], snapshots[day], validated)

    artifacts = done | for_each_date(make_date, missing, doing="features")
    for artifact in artifacts.values():
        job.store.set_current(artifact)
    return dict(sorted(artifacts.items()))


def make(
    job: Job, named: Ingredients, snapshots: Mapping[str, Artifact], validated: Mapping[str, Key]
) -> Artifact:
    """Make the feature rows that are named, and publish them in the job's store.

    Args:
        job: its pipeline says what to compute.
        named: what they are made from.
        snapshots: view → the snapshot that the SQL reads.
        validated: view → key of what validated it, for the record.
    """
    day = named.date
    session = job.spark.apart()
    views = {view: read_rows(session, [found]) for view, found in snapshots.items()}
    rows = preprocess(views, job.pipeline, day)
    with job.store.attempt("features", day) as attempt:
        aggregates = {"content": fingerprint_sql(rows.schema), "trainable": f"count_if({TRAINABLE})"}
        files = 1 + snapshots[SOURCE_VIEW].row_count // ROWS_PER_FILE
        observed = write_rows(rows, attempt.data, aggregates, files=files)
        repeated = _repeated(parquet(session.read, attempt.data), job.pipeline.preprocess.key)
        if repeated:
            log.warning(
                "features %s: in %d of %d rows the key %s is not theirs alone; "
                "a join that finds two rows for one doubles it: add to preprocess.key what tells them "
                "apart, or have the SQL give one row for each",
                day,
                repeated,
                observed["content"]["rows"],
                ", ".join(job.pipeline.preprocess.key),
            )
        return job.store.publish(
            attempt,
            named,
            rows=Rows(
                count=observed["content"]["rows"],
                spark_schema=schema_json(rows.schema),
                fingerprint=fingerprint(observed["content"]),
            ),
            details=FeaturesDetails(
                trainable=observed["trainable"], rows_of_repeated_keys=repeated, validation=validated
            ),
            spark_conf=recorded_conf(session),
        )


def _repeated(rows: DataFrame, key: Sequence[str]) -> int:
    """How many rows share their key with another row of the date."""
    from pyspark.sql import functions as F

    counted = rows.groupBy(*(F.col(f"`{name}`") for name in key)).count().where("count > 1")
    [found] = counted.agg(F.sum("count").alias("rows")).collect()
    return int(found["rows"] or 0)


def _validation(job: Job, view: str, suite: Suite, snapshot: Artifact) -> Artifact:
    named = steps.validation(job.pipeline, suite, snapshot.date, snapshot_key=snapshot.key)
    found = required(windows.store_of(job.store, view), named)
    if not ValidationDetails.of(found).passed:
        raise ValidationFailed(
            f"{snapshot.date} did not pass {job.pipeline.suites[view]}",
            fix=f"See {found.place / 'index.html'}.",
        )
    return found
