"""Turns each date's validated snapshot into that date's feature rows, row by row and date by date."""

from __future__ import annotations

import logging
import math
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from vintage.data.profile import write_profiled
from vintage.data.rows import LABEL, TRAINABLE, read_rows, schema_json
from vintage.data.user_function import apply_function
from vintage.errors import SpecError, ValidationFailed, first_line
from vintage.flow import snapshot, validate
from vintage.flow.graph import Flow, Step, Target, carry_out
from vintage.flow.job import ship_user_code
from vintage.session import recorded_conf
from vintage.spec import SOURCE_VIEW
from vintage.store import Rows, steps
from vintage.store.details import FeaturesDetails, LabelDetails, ValidationDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from vintage.flow.job import Job
    from vintage.spec import Pipeline
    from vintage.store import Artifact

log = logging.getLogger(__name__)

ROWS_PER_FILE = 2_000_000

FEW_LABELS: Final = 50
"""Different labels of a date up to which each is counted."""
# Zero has one sign, so that it is one label.
_LABEL: Final = f"IF({TRAINABLE} AND NOT isnan({LABEL}), {LABEL} + 0D, NULL)"
# Two more than are kept: that there are more is seen, beside the null. Of so few, the counts are exact.
LABELS_SQL: Final = (
    f"named_struct('rows', count({_LABEL}), 'mean', avg({_LABEL}), "
    f"'top', approx_top_k({_LABEL}, {FEW_LABELS + 2}))"
)


def preprocess(views: Mapping[str, DataFrame], pipeline: Pipeline, day: date) -> DataFrame:
    """Return the feature rows of one date.

    Args:
        views: what the SQL reads, by name: `source`, one row per raw row of the date, and joined sources.
        pipeline: its `preprocess` says what to compute.
        day: fills `{date}` in the SQL.

    Returns:
        The columns of the SQL, or of the function; `label` (double; null where the pipeline learns none); and
        `trainable`, whether training may use the row.

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
                expected="another name: Vintage uses it to mark trainable rows",
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
    return carry_out(Flow(job), STEP)


def _targets(flow: Flow) -> Iterator[Target]:
    pipeline = flow.job.pipeline
    _require_passed(flow)
    for day, snapshots in flow.snapshots.items():
        named = steps.features(pipeline, day, snapshots=snapshots)
        read = (*snapshots.values(), *_validations(flow, snapshots).values())
        yield Target(named, flow.job.store, read)


def _prepare(flow: Flow, _: Sequence[Target]) -> None:
    function = flow.job.pipeline.preprocess.function
    if function is not None:
        ship_user_code(flow.job, [function])


def _make(flow: Flow, target: Target) -> Artifact:
    job, day = flow.job, target.named.date
    snapshots = flow.snapshots[day]
    validated = {view: found.key for view, found in _validations(flow, snapshots).items()}
    session = job.spark.apart()
    views = {view: read_rows(session, [found]) for view, found in snapshots.items()}
    rows = preprocess(views, job.pipeline, day)
    with job.store.attempt("features", day) as attempt:
        aggregates = {
            "content": fingerprint_sql(rows.schema),
            "trainable": f"count_if({TRAINABLE})",
            "labels": LABELS_SQL,
        }
        files = 1 + snapshots[SOURCE_VIEW].row_count // ROWS_PER_FILE
        observed, seen = write_profiled(rows, attempt.data, aggregates, files=files)
        seen.write(attempt.folder)
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
            target.named,
            rows=Rows(
                count=observed["content"]["rows"],
                spark_schema=schema_json(rows.schema),
                fingerprint=fingerprint(observed["content"]),
            ),
            details=FeaturesDetails(
                trainable=observed["trainable"],
                labels=_labels(observed["labels"]),
                rows_of_repeated_keys=repeated,
                validation=validated,
            ),
            spark_conf=recorded_conf(session),
        )


def _labels(seen: Mapping[str, Any]) -> LabelDetails:
    """Return what `LABELS_SQL` saw; where labels are many, their counts are none."""
    counts = {each["item"]: each["count"] for each in seen["top"] or () if each["item"] is not None}
    mean = seen["mean"]
    return LabelDetails(
        rows=seen["rows"],
        mean=mean if mean is not None and math.isfinite(mean) else None,
        counts={str(label): counts[label] for label in sorted(counts)} if len(counts) <= FEW_LABELS else {},
    )


def _repeated(rows: DataFrame, key: Sequence[str]) -> int:
    """Return how many rows share their key with another row of the date."""
    from pyspark.sql import functions as F

    counted = rows.groupBy(*(F.col(f"`{name}`") for name in key)).count().where("count > 1")
    [found] = counted.agg(F.sum("count").alias("rows")).collect()
    return int(found["rows"] or 0)


def _validations(flow: Flow, snapshots: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """View → what its suite says of a date's snapshot."""
    return {view: flow.of(validate.STEP, view=view)[snapshots[view].date] for view in flow.suites}


def _require_passed(flow: Flow) -> None:
    """Let no date through that does not hold its suite."""
    failed = [
        (found, flow.job.pipeline.suites[view])
        for view in flow.suites
        for found in flow.of(validate.STEP, view=view).values()
        if not ValidationDetails.of(found).passed
    ]
    if failed:
        raise ValidationFailed(
            "; ".join(f"{found.date} did not pass {suite}" for found, suite in failed),
            fix=f"See {failed[0][0].place / 'index.html'}. Correct the data or the suite, or choose other "
            "dates.",
        )


STEP: Final = Step(
    "features",
    _targets,
    reads=(snapshot.STEP, validate.STEP),
    make=_make,
    prepare=_prepare,
    compared=lambda made: {"features": made.rows_fingerprint},
)
