"""A model's golden batch: a few rows as it takes them and what it made of them when it was fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import StoreError
from vintage.ml import golden_table
from vintage.ml.column_flow import TO_LEARN_FROM
from vintage.ml.golden_table import GIVEN, MADE
from vintage.store.spark_paths import AS_IS, uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, Row, SparkSession

FOLDER: Final = golden_table.FOLDER
NUMBER: Final = golden_table.NUMBER
ROWS: Final = 16
NULL_ROWS: Final = 4
"""Rows that hold a null at least, where there are such; one more for a column that is null in all of them."""
PREDICTION: Final = "prediction"
RELATIVE: Final = 1e-9
ABSOLUTE: Final = 1e-12
"""Numbers are the same on the same CPU; another one, or another JVM, may round the last bits otherwise."""
TOLD: Final = 3
LONGEST: Final = 60


class Equality(IntEnum):
    """How like two values are; of several, the largest counts."""

    SAME = 0
    NEAR = 1
    OTHER = 2


@dataclass(frozen=True)
class GoldenBatch:
    """Rows and outputs, side by side by their number.

    Attributes:
        given: what the model reads, and `golden_row`.
        made: what it adds to that; fewer rows where it leaves some out.
    """

    given: DataFrame
    made: DataFrame

    def expected(self) -> list[Row]:
        """Return what the model made, in the order of the rows."""
        return _in_order(self.made)

    @property
    def inputs(self) -> DataFrame:
        """The rows as the model takes them, in their order."""
        return self.given.orderBy(NUMBER).drop(NUMBER)


def golden_batch(model: PipelineModel, rows: DataFrame, columns: Sequence[str]) -> GoldenBatch:
    """Choose rows by a hash of their content, so that the same rows give the same batch, and score them.

    Args:
        model: the fitted pipeline.
        rows: what it was fitted on: the row key, and what the stages read.
        columns: what its stages read. What is read only to learn, such as the label, is left out of the
            batch: who asks the model does not have it.
    """
    needed = _needed(model, rows, columns)
    given = _chosen(rows, needed).persist()
    made = _scored(model, given).persist()
    # Before what they are computed from may be let go of.
    given.count()
    made.count()
    return GoldenBatch(given, made)


def outputs(model: PipelineModel, batch: GoldenBatch) -> list[Row]:
    """Return what a model makes of a batch's rows, in their order; to be compared with `batch.expected()`."""
    return _in_order(_scored(model, batch.given))


def write(batch: GoldenBatch, folder: Path) -> None:
    """Write the batch as Parquet: `given/` and `made/`."""
    batch.given.write.parquet(uri(folder / GIVEN))
    batch.made.write.parquet(uri(folder / MADE))


def read(spark: SparkSession, folder: Path) -> GoldenBatch:
    """Return the batch that `write` wrote.

    Raises:
        StoreError: there is none.
    """
    require(folder)
    given, made = (
        spark.read.options(**AS_IS).parquet(uri(folder / name)).coalesce(1) for name in (GIVEN, MADE)
    )
    return GoldenBatch(given, made)


def require(folder: Path) -> None:
    """Make sure that a model has a batch, before anything is started to score it.

    Raises:
        StoreError: it has none.
    """
    if not ((folder / GIVEN).is_dir() and (folder / MADE).is_dir()):
        raise StoreError(
            "the model keeps no golden batch, so that nothing can show that it still gives what it gave",
            expected=f"rows and outputs in {folder}",
            fix="It was fitted before models kept one: run its date again with `vintage run`, and promote "
            "what that makes.",
        )


def compare(expected: Sequence[Row], found: Sequence[Row]) -> tuple[Equality, tuple[str, ...]]:
    """Return how like two lists of rows are, and what differs, in words: row, column, expected, found."""
    if len(expected) != len(found):
        return Equality.OTHER, (f"{len(found)} rows instead of {len(expected)}",)
    equality, told = Equality.SAME, []
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        theirs: Mapping[str, Any] = other.asDict()
        for name, value in one.asDict().items():
            like = equality_of(value, theirs[name]) if name in theirs else Equality.OTHER
            equality = max(equality, like)
            if like is Equality.OTHER:
                got = _shown(theirs[name]) if name in theirs else "no such column"
                told.append(f"row {number}, {name}: expected {_shown(value)}, found {got}")
    more = [f"and {len(told) - TOLD} more"] if len(told) > TOLD else []
    return equality, (*told[:TOLD], *more)


def equality_of(expected: Any, found: Any) -> Equality:
    """Return how like two values of a column are; numbers, vectors and nested values by their numbers."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return Equality.SAME if expected is found else Equality.OTHER
    if isinstance(expected, int | float) and isinstance(found, int | float):
        if expected == found or (math.isnan(expected) and math.isnan(found)):
            return Equality.SAME
        near = math.isclose(expected, found, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        return Equality.NEAR if near else Equality.OTHER
    ours, theirs = _parts(expected), _parts(found)
    if ours is not None and theirs is not None:
        if len(ours) != len(theirs):
            return Equality.OTHER
        return max(map(equality_of, ours, theirs), default=Equality.SAME)
    return Equality.SAME if expected == found else Equality.OTHER


def _parts(value: Any) -> list[Any] | None:
    """Return what a vector, list, row or map consists of; None for what has no parts."""
    if hasattr(value, "toArray"):
        return list(value.toArray().ravel().tolist())
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return [part for each in sorted(value.items(), key=repr) for part in each]
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _scored(model: PipelineModel, given: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    made = model.transform(given)
    names = [name for name in made.columns if name == NUMBER or name not in given.columns]
    # Without what Spark ML notes of a column: the name of each feature, as often as there are columns.
    return made.select(*(F.col(f"`{name}`").alias(name, metadata={}) for name in names)).coalesce(1)


def _in_order(rows: DataFrame) -> list[Row]:
    found = rows.collect()
    if NUMBER in rows.columns:
        # A join, such as that of ALS, may change the order; an SQLTransformer may drop the number.
        found.sort(key=lambda row: row[NUMBER])
    return found


def _chosen(rows: DataFrame, needed: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions as F

    content = [F.col(f"`{name}`") for name in rows.columns]
    numbered = rows.select(*(f"`{name}`" for name in needed), F.xxhash64(*content).alias(NUMBER))
    lacks = [F.col(f"`{name}`").isNull() for name in needed]
    # Of each row only its number and what is null in it.
    told = numbered.select(NUMBER, F.array(*lacks).alias("lacks")).orderBy(NUMBER)
    found = told.limit(ROWS).collect()
    found += told.where(F.exists("lacks", lambda lack: lack)).limit(NULL_ROWS).collect()
    for place in range(len(needed)):
        # Of a column that is null in all of them, pandas, and MLflow with it, would not know the type.
        if all(row["lacks"][place] for row in found):
            found += told.where(~F.col("lacks")[place]).limit(1).collect()
    chosen = sorted({row[NUMBER] for row in found})
    kept = numbered.where(F.col(NUMBER).isin(chosen)).dropDuplicates([NUMBER])
    return kept.coalesce(1)


def _needed(model: PipelineModel, rows: DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the columns without which the fitted model does not transform."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    kept = list(columns)
    for name in dict.fromkeys(_learnt_from(model)):
        without = [each for each in kept if each != name]
        if name not in kept or not without:
            continue
        try:
            model.transform(rows.select(*(f"`{each}`" for each in without)).limit(1)).collect()
        except (PySparkException, Py4JJavaError):
            continue
        kept = without
    return kept


def _learnt_from(model: PipelineModel) -> Iterator[str]:
    for stage in model.stages:
        for name in TO_LEARN_FROM:
            if stage.hasParam(name) and stage.isDefined(name):
                yield stage.getOrDefault(name)
