"""Which rows test a model and which it learns from, by a hash of the row key and never by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from vintage.spec import SplitByKey

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline, Tuning

SHARES: Final = 1_000_000
TRAIN_ONLY: Final = -1
_FOLDS: Final = "folds of a tuning"


def key_columns(pipeline: Pipeline) -> list[Column]:
    """Return the columns of the row key."""
    from pyspark.sql import functions as F

    return [F.col(f"`{name}`") for name in pipeline.preprocess.key]


def in_split(rows: DataFrame, pipeline: Pipeline, side: Literal["train", "test"]) -> DataFrame:
    """Return the rows of one side of a split by key: a hash of the row key, the same on every night.

    Args:
        rows: feature rows.
        pipeline: its `split`; by date, the rows are of one side already.
        side: `train` or `test`.
    """
    from pyspark.sql import functions as F

    if not isinstance(pipeline.split, SplitByKey):
        return rows
    share = F.pmod(F.xxhash64(F.lit(pipeline.seed), *key_columns(pipeline)), F.lit(SHARES)) / F.lit(SHARES)
    is_test = share < F.lit(pipeline.split.test_fraction)
    return rows.where(is_test if side == "test" else ~is_test)


def judging_part(pipeline: Pipeline, tuning: Tuning) -> Column:
    """In which part of a tuning a training row judges, from 0; in every other part it teaches.

    A hash of the row key, as for the holdout but with another salt: which fold a row is in says nothing of
    which side of a split it is on. Of a train/validation split, the rows that never judge are
    TRAIN_ONLY.

    Args:
        pipeline: its row key and seed.
        tuning: how many folds, or which share teaches.
    """
    from pyspark.sql import functions as F

    hashed = F.xxhash64(F.lit(_FOLDS), F.lit(pipeline.seed), *key_columns(pipeline))
    if tuning.method == "cross_validation":
        return F.pmod(hashed, F.lit(tuning.parts)).cast("int")
    teaches = F.pmod(hashed, F.lit(SHARES)) / F.lit(SHARES) < F.lit(tuning.share)
    return F.when(teaches, F.lit(TRAIN_ONLY)).otherwise(F.lit(0))
