"""What a fit needs of its rows: one order on every machine, and enough in them to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vintage.data.rows import LABEL
from vintage.errors import TrainingError
from vintage.ml.row_checks import MOST_CLASSES, aggregates, refuse_wrong, row_checks
from vintage.ml.splits import key_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline


@dataclass(frozen=True)
class TrainingRows:
    """What was found in the training rows: how many, and how many of each label where labels are few."""

    count: int
    label_min: float | None
    label_max: float | None


def canonical(rows: DataFrame, pipeline: Pipeline, columns: Sequence[str]) -> DataFrame:
    """Return the rows in the one order that a fit may see: hashed by key onto partitions, sorted in each.

    Rows of one key are distinguished by the hash of all their values, so that only rows equal in every column
    could change places.

    Args:
        rows: feature rows.
        pipeline: its row key and number of partitions; one where it has none.
        columns: what the stages read; nothing else is kept.
    """
    from pyspark.sql import functions as F

    key = key_columns(pipeline)
    kept = [F.col(f"`{name}`") for name in dict.fromkeys([*pipeline.preprocess.key, *columns])]
    chosen = rows.select(*kept)
    tie_breaker = F.xxhash64(*(F.col(f"`{name}`") for name in chosen.columns))
    return chosen.repartition(pipeline.partitions or 1, *key).sortWithinPartitions(*key, tie_breaker)


def check_training_rows(rows: DataFrame, pipeline: Pipeline, columns: Sequence[str]) -> TrainingRows:
    """Look in one pass whether the rows can give a model at all.

    Args:
        rows: the training rows, `label` among their columns.
        pipeline: for the messages.
        columns: what the stages read.

    Raises:
        TrainingError: no rows; a label that is null, no finite number or, of a classification, no class; one
            class only, or a class without rows; NaN or infinite values where no stage takes them; a user or
            an item that ALS does not take; a column that is null throughout.
    """
    from pyspark.sql import functions as F

    watched = [name for name in dict.fromkeys(columns) if name in rows.columns and name != LABEL]
    counts = [F.count(F.col(f"`{name}`")).alias(f"n{index}") for index, name in enumerate(watched)]
    # A model without a label, such as a clustering, has stages that read none.
    learnt = LABEL in rows.columns
    label = F.col(LABEL) if learnt else F.lit(None).cast("double")
    labels = [F.count(label).alias("labelled"), F.min(label).alias("low"), F.max(label).alias("high")]
    checks = row_checks(rows, pipeline)
    seen = (
        rows.agg(
            F.count(F.lit(1)).alias("rows"), _classes(label), *labels, *counts, *aggregates(checks, pipeline)
        )
        .collect()[0]
        .asDict()
    )
    if seen["rows"] == 0:
        raise TrainingError(
            f"the training set of {pipeline.name} is empty",
            expected="rows for which preprocess.train_where holds",
            found="none in any training date",
            fix="Look at train_where and at the dates of the window.",
        )
    if learnt and pipeline.label is not None and seen["labelled"] < seen["rows"]:
        raise TrainingError(
            f"the label of {pipeline.name} is null in the training set",
            expected=f"a number from `{pipeline.label}` in each of {seen['rows']} rows",
            found=f"{seen['rows'] - seen['labelled']} nulls",
            fix="Leave those rows out with preprocess.train_where.",
        )
    refuse_wrong(checks, seen, pipeline)
    if pipeline.task == "classification" and seen["low"] == seen["high"]:
        raise TrainingError(
            f"the training set of {pipeline.name} has one class only",
            expected="at least two values of the label",
            found=f"{seen['low']:g} in all {seen['rows']} rows",
            fix="Widen the window, or correct preprocess.label.",
        )
    if pipeline.task == "classification" and seen["classes"] < seen["high"] + 1:
        raise TrainingError(
            f"the labels of the training set of {pipeline.name} are not 0 to k-1",
            expected=f"rows of each class from 0 to {seen['high']:g}",
            found=f"{seen['classes']} different labels, from {seen['low']:g} to {seen['high']:g}",
            fix="Number the classes from 0 in preprocess.label, or widen the window until each has rows.",
        )
    empty = [name for index, name in enumerate(watched) if seen[f"n{index}"] == 0]
    if empty:
        raise TrainingError(
            f"columns of the training set of {pipeline.name} are null in every row",
            expected="values in each column that a stage reads",
            found=", ".join(empty),
            fix="Take them out of the stages, or look at the raw data.",
        )
    return TrainingRows(seen["rows"], seen["low"], seen["high"])


def _classes(label: Column) -> Column:
    """Return how many different classes there are: labels are bits of one bitmap."""
    from pyspark.sql import functions as F

    is_class = (label >= 0) & (label < MOST_CLASSES)
    place = F.bitmap_bit_position(F.when(is_class, label).cast("bigint") + 1)
    return F.bitmap_count(F.bitmap_construct_agg(place)).alias("classes")
