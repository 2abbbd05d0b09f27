"""Holdout rows that the model learnt from are counted by key, features and label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.ml.overlap import Overlap, overlap_of, shared_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STAGES = "- VectorAssembler: {inputCols: [a, b], outputCol: features}\n- LogisticRegression: {}\n"
SCHEMA = "id INT, seen TIMESTAMP, day DATE, part STRING, a DOUBLE, b DOUBLE, note STRING, label DOUBLE"

# Key, features, label; `note` is none of them.
ROWS = [
    (
        number,
        f"2024-05-01 00:00:{number:02}",
        "2024-05-01",
        "x",
        0.5 * number,
        None,
        "then",
        float(number % 2),
    )
    for number in range(8)
]


def frame(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    from pyspark.sql import functions as F

    text = SCHEMA.replace("TIMESTAMP", "STRING").replace("DATE", "STRING")
    made = spark.createDataFrame(rows, text)
    return made.withColumn("seen", F.col("seen").cast("timestamp")).withColumn(
        "day", F.col("day").cast("date")
    )


def changed(**values: Any) -> list[tuple[Any, ...]]:
    """The rows with some columns set anew."""
    names = [column.split()[0] for column in SCHEMA.split(", ")]
    return [tuple((dict(zip(names, row, strict=True)) | values).values()) for row in ROWS]


@pytest.mark.spark
def test_the_same_key_features_and_label_make_a_row_the_same(spark: SparkSession) -> None:
    pipeline = pipeline_of(
        STAGES,
        preprocess={"sql": "SELECT * FROM source", "key": ["id", "seen", "day", "part"]},
        split={"by": "date", "test_days": 1},
    )
    train = frame(spark, ROWS)
    for rows, expected in (
        (ROWS, 8),
        (changed(note="now"), 8),
        (ROWS[:3] * 2 + changed(id=99)[3:], 6),
        (changed(label=5.0), 0),
        (changed(a=None), 0),
        # A null is another value than what stands beside it.
        (changed(a=None, b=1.0), 0),
        # Keys that lie beside those of the training rows, and one that is null.
        (changed(day="2024-05-02"), 0),
        (changed(seen="2024-05-02 00:00:00"), 0),
        (changed(part=None), 0),
    ):
        assert shared_rows(frame(spark, rows), train, pipeline) == expected, rows
    nulls = changed(part=None)
    assert shared_rows(frame(spark, nulls), frame(spark, nulls), pipeline) == 8


def test_a_split_by_key_reads_no_row() -> None:
    pipeline = pipeline_of(STAGES)
    assert overlap_of(pipeline, None, 5, lambda: 1 / 0, train={}, test={}) == Overlap(0, 0.0, {})  # type: ignore[arg-type, return-value]
