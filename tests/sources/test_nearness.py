"""How far apart numbers of the same rows are; what is missing or of another kind is infinitely far."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from spark_jobs.sources.nearness import greatest_difference

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA = "id INT, name STRING, prediction DOUBLE, probability ARRAY<DOUBLE>"


def frame(spark: SparkSession, *rows: tuple[object, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), SCHEMA)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((1, "a", 2.0, [0.5, 0.5]), 0.0),
        ((1, "a", 2.0 * (1 + 1e-12), [0.5, 0.5]), 1e-12),
        ((1, "a", 2.0, [0.5, 0.5 * (1 + 1e-10)]), 1e-10),
        ((1, "a", 2.0, [0.5, 0.4]), 0.2),
        ((1, "b", 2.0, [0.5, 0.5]), math.inf),
        ((2, "a", 2.0, [0.5, 0.5]), math.inf),
        ((1, "a", None, [0.5, 0.5]), math.inf),
        ((1, "a", math.nan, [0.5, 0.5]), math.inf),
        ((1, "a", 2.0, [0.5]), math.inf),
        ((1, "a", 2.0, None), math.inf),
    ],
)
def test_the_greatest_difference_of_rows(
    spark: SparkSession, row: tuple[object, ...], expected: float
) -> None:
    kept = ((7, "z", math.nan, None), (8, None, None, [math.nan, 0.0]), (None, "y", -0.0, []))
    then, now = frame(spark, (1, "a", 2.0, [0.5, 0.5]), *kept), frame(spark, *kept, row)
    assert greatest_difference(then, now, ["id"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.spark
def test_a_row_more_or_another_column_is_infinitely_far(spark: SparkSession) -> None:
    then = frame(spark, (1, "a", 2.0, [0.5]))
    assert (
        greatest_difference(then, frame(spark, (1, "a", 2.0, [0.5]), (1, "a", 2.0, [0.5])), ["id"])
        == math.inf
    )
    assert greatest_difference(then, then.drop("name"), ["id"]) == math.inf
