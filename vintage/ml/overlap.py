"""Holdout rows that stand among the training rows as well: what a model reaches on them proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.ml.column_flow import LABEL
from vintage.ml.stages import over_rows, stage_columns
from vintage.spec import SplitByKey
from vintage.store.fingerprint import quoted, row_hash_sql, with_vector_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline
    from vintage.store import Artifact

_NUMBERS: Final = ("tinyint", "smallint", "int", "bigint", "string")


@dataclass(frozen=True)
class Overlap:
    """What a holdout shares with the training rows.

    Attributes:
        rows: holdout rows whose key, features and label are those of a training row.
        share: of the holdout's rows, from 0 to 1.
        dates: holdout date → training date that holds exactly the same rows.
    """

    rows: int
    share: float
    dates: Mapping[str, str]


def overlap_of(
    pipeline: Pipeline,
    holdout: DataFrame,
    count: int,
    learnt: Callable[[], DataFrame],
    *,
    train: Mapping[date, Artifact],
    test: Mapping[date, Artifact],
) -> Overlap:
    """Count what a holdout shares with the rows that the model was trained on.

    A split by key puts rows of one key on one side: it shares nothing, and no row is read.

    Args:
        pipeline: its key, and the columns that its stages read, tell whether two rows are the same.
        holdout: the rows that test the model.
        count: how many there are.
        learnt: gives the rows that it was trained on.
        train: date → their feature partition.
        test: date → the holdout's feature partition.
    """
    if isinstance(pipeline.split, SplitByKey) or count == 0:
        return Overlap(0, 0.0, {})
    contents = {
        part.manifest.rows.fingerprint: day.isoformat()
        for day, part in train.items()
        if part.manifest.rows is not None and part.row_count
    }
    dates = {
        day.isoformat(): contents[part.manifest.rows.fingerprint]
        for day, part in test.items()
        if part.manifest.rows is not None and part.manifest.rows.fingerprint in contents
    }
    rows = shared_rows(holdout, learnt(), pipeline)
    return Overlap(rows, rows / count, dates)


def shared_rows(holdout: DataFrame, train: DataFrame, pipeline: Pipeline) -> int:
    """Count the holdout rows whose key, features and label are those of a training row.

    Training rows outside the range of the holdout's keys are not read: Parquet knows the range of each file.
    """
    pipeline = over_rows(pipeline, holdout)
    wanted = {name.lower() for name in (*pipeline.preprocess.key, *stage_columns(pipeline), LABEL)}
    names = [name for name in holdout.columns if name.lower() in wanted]
    near = train
    for condition in _within(holdout, pipeline):
        near = near.where(condition)
    taught = _hashes(near, names).distinct()
    return _hashes(holdout, names).join(taught, "row", "left_semi").count()


def _hashes(rows: DataFrame, names: list[str]) -> DataFrame:
    from pyspark.sql import functions as F

    chosen = rows.select(*(quoted(name) for name in names))
    seen, _ = with_vector_contents(chosen)
    return seen.select(F.expr(row_hash_sql(chosen.schema)).alias("row"))


def _within(holdout: DataFrame, pipeline: Pipeline) -> list[Column]:
    """Make a condition for each key column that has a range: between the holdout's least and greatest."""
    from pyspark.sql import functions as F

    key = {name.lower() for name in pipeline.preprocess.key}
    found: dict[str, tuple[Column, Callable[[Any], Column]]] = {}
    for field in holdout.schema:
        if field.name.lower() in key:
            column, kind = F.col(quoted(field.name)), field.dataType.simpleString()
            if kind in _NUMBERS:
                found[field.name] = column, F.lit
            elif kind == "timestamp":
                # As numbers: Python has neither all of Spark's years nor its time zone.
                found[field.name] = F.unix_micros(column), lambda value: F.timestamp_micros(F.lit(value))
            elif kind == "date":
                found[field.name] = F.unix_date(column), lambda value: F.date_from_unix_date(F.lit(value))
    if not found:
        return []
    [row] = holdout.agg(
        *(
            F.struct(F.min(value), F.max(value), F.count_if(value.isNull())).alias(name)
            for name, (value, _) in found.items()
        )
    ).collect()
    return [
        F.col(quoted(name)).between(back(row[name][0]), back(row[name][1]))
        for name, (_, back) in found.items()
        if row[name][2] == 0
    ]
