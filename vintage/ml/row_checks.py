"""What training rows must not hold, by column: all of it counted in one aggregation, each with an example."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import LABEL
from vintage.errors import TrainingError
from vintage.ml.column_flow import stage_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline, Stage

LARGEST_ID: Final = 2**31 - 1
MOST_CLASSES: Final = 32_768
"""Classes that one bitmap of Spark's holds."""

_BINNERS: Final = frozenset({"Bucketizer", "QuantileDiscretizer"})


@dataclass(frozen=True)
class RowCheck:
    """What no training row may hold.

    Attributes:
        wrong: whether a row does.
        shown: its value, for the message.
        column: whose value it is.
        what: what is wrong with it, after the column's name.
        expected: what would be right.
        fix: what to do.
    """

    wrong: Column
    shown: Column
    column: str
    what: str
    expected: str
    fix: str


def row_checks(rows: DataFrame, pipeline: Pipeline) -> tuple[RowCheck, ...]:
    """Return the checks for these columns, stages and this task."""
    return (
        *_label_checks(rows, pipeline),
        *_number_checks(rows, pipeline),
        *_id_checks(rows, pipeline),
    )


def aggregates(checks: tuple[RowCheck, ...], pipeline: Pipeline) -> list[Column]:
    """For each check, how many rows are wrong (`w0`, …), and the key and value of one as texts (`x0`, …)."""
    from pyspark.sql import functions as F

    key = [
        F.col(f"`{name}`").cast("string").alias(f"k{place}")
        for place, name in enumerate(pipeline.preprocess.key)
    ]
    return [
        column
        for index, check in enumerate(checks)
        for column in (
            F.count_if(F.coalesce(check.wrong, F.lit(False))).alias(f"w{index}"),
            F.min(F.when(check.wrong, F.struct(*key, check.shown.cast("string").alias("value")))).alias(
                f"x{index}"
            ),
        )
    ]


def refuse_wrong(checks: tuple[RowCheck, ...], seen: Mapping[str, Any], pipeline: Pipeline) -> None:
    """Raise the first check that rows failed.

    Raises:
        TrainingError: names column, count and an example.
    """
    for index, check in enumerate(checks):
        if seen[f"w{index}"]:
            *key, value = ("null" if text is None else text for text in seen[f"x{index}"])
            where = ", ".join(
                f"{name}={text}" for name, text in zip(pipeline.preprocess.key, key, strict=True)
            )
            raise TrainingError(
                f"column {check.column} of the training set of {pipeline.name} {check.what}",
                expected=check.expected,
                found=f"{seen[f'w{index}']} of {seen['rows']} rows, such as {value} where {where}",
                fix=check.fix,
            )


def _label_checks(rows: DataFrame, pipeline: Pipeline) -> Iterator[RowCheck]:
    from pyspark.sql import functions as F

    if LABEL not in rows.columns or pipeline.label is None:
        return
    label = F.col(LABEL)
    yield RowCheck(
        _not_finite(label),
        label,
        LABEL,
        "has NaN or infinite values",
        f"a number from `{pipeline.label}` in each row",
        "Correct preprocess.label, or leave those rows out with preprocess.train_where.",
    )
    if pipeline.task == "classification":
        yield RowCheck(
            (label < 0) | (label != F.floor(label)) | (label >= MOST_CLASSES),
            label,
            LABEL,
            "has values that are no class",
            f"whole numbers 0, 1, … k-1, fewer than {MOST_CLASSES}",
            "Number the classes from 0 in preprocess.label, for example with CASE WHEN.",
        )


def _number_checks(rows: DataFrame, pipeline: Pipeline) -> Iterator[RowCheck]:
    """NaN and infinite values in numbers and vectors, unless a stage that reads them says what to do."""
    from pyspark.sql import functions as F

    kinds = dict(rows.dtypes)
    for name in dict.fromkeys(name for stage in pipeline.stages for name in _reads(stage)):
        readers = [stage for stage in pipeline.stages if name in _reads(stage)]
        kind = kinds.get(name, "")
        if name == LABEL or any(_takes_anything(stage) for stage in readers):
            continue
        column = F.col(f"`{name}`")
        takes_nan = all(_takes_nan(stage) for stage in readers)
        if kind in {"double", "float"}:
            wrong = F.abs(column) == F.lit(math.inf) if takes_nan else _not_finite(column)
        elif kind == "vector":
            values = F.unwrap_udt(column)["values"]
            wrong = F.exists(values, _not_finite)
        else:
            continue
        shown = F.lit("a vector with one") if kind == "vector" else column
        yield RowCheck(
            wrong,
            shown,
            name,
            "has infinite values" if takes_nan else "has NaN or infinite values",
            "numbers; null or NaN where an Imputer reads the column",
            "Turn them into nulls or leave the rows out, in preprocess.sql or preprocess.train_where.",
        )


def _id_checks(rows: DataFrame, pipeline: Pipeline) -> Iterator[RowCheck]:
    """Users and items that ALS takes: whole numbers of 32 bits."""
    from pyspark.sql import functions as F

    kinds = dict(rows.dtypes)
    for stage in pipeline.stages:
        if stage.type != "ALS":
            continue
        for param in ("userCol", "itemCol"):
            name = str(stage.params.get(param, param.removesuffix("Col")))
            if name not in kinds:
                continue
            column = F.col(f"`{name}`")
            expected = f"whole numbers from {-LARGEST_ID - 1} to {LARGEST_ID}"
            fix = "Number them with a StringIndexer, and give ALS its output."
            if kinds[name] in {"string", "boolean", "date", "timestamp", "binary", "vector"}:
                raise TrainingError(
                    f"ALS of {pipeline.name} cannot read column {name} as its {param}",
                    expected=expected,
                    found=kinds[name],
                    fix=fix,
                )
            number = column.cast("double")
            whole = (number == F.floor(number)) & number.between(-LARGEST_ID - 1, LARGEST_ID)
            yield RowCheck(
                column.isNull() | ~whole, column, name, f"is no id that ALS takes ({param})", expected, fix
            )
        rating = str(stage.params.get("ratingCol", "rating"))
        if rating in kinds:
            yield RowCheck(
                F.col(f"`{rating}`").isNull(),
                F.col(f"`{rating}`"),
                rating,
                "is null where ALS reads a rating",
                "a number in each row",
                "Leave those rows out with preprocess.train_where.",
            )


def _not_finite(value: Column) -> Column:
    from pyspark.sql import functions as F

    return F.isnan(value) | (F.abs(value) == F.lit(math.inf))


def _reads(stage: Stage) -> list[str]:
    return [column.name for column in stage_flow(stage).reads]


def _takes_nan(stage: Stage) -> bool:
    """Return whether a stage has an answer to NaN: fills it, bins it, or leaves its rows out."""
    handles = stage.params.get("handleInvalid")
    return (
        (stage.type == "Imputer" and "missingValue" not in stage.params)
        or (stage.type in _BINNERS and handles in {"keep", "skip"})
        or (stage.type in {"VectorAssembler", "RFormula"} and handles == "skip")
    )


def _takes_anything(stage: Stage) -> bool:
    """Return whether what a stage does with a column is the user's own affair."""
    return stage.type == "SQLTransformer" or "." in stage.type
