"""A golden batch is the same for the same rows, keeps nulls and types, and a change of outputs is told."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from vintage.errors import StoreError
from vintage.ml import golden
from vintage.ml.golden import Equality, compare, equality_of

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

COLUMNS = ["size", "colour", "seen", "label"]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """300 rows, two of them with nulls; `seen` is a DATE, which MLflow has no type for."""
    return spark.sql("""
        SELECT IF(id IN (7, 8), NULL, CAST(id % 50 AS DOUBLE)) AS size,
               IF(id = 8, NULL, array('red', 'blue')[CAST(id % 2 AS INT)]) AS colour,
               DATE '2024-03-06' - CAST(id % 5 AS INT) AS seen,
               CAST(id % 3 = 0 AS DOUBLE) AS label, id AS other
        FROM range(300)""").cache()


@pytest.fixture(scope="module")
def model(rows: DataFrame) -> PipelineModel:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import Imputer, SQLTransformer, StringIndexer, VectorAssembler

    stages = [
        Imputer(inputCols=["size"], outputCols=["filled"]),
        StringIndexer(inputCol="colour", outputCol="colour_ix", handleInvalid="keep"),
        SQLTransformer(statement="SELECT *, CAST(day(seen) AS DOUBLE) AS day FROM __THIS__"),
        VectorAssembler(inputCols=["filled", "colour_ix", "day"], outputCol="features"),
        LogisticRegression(maxIter=3),
    ]
    return Pipeline(stages=stages).fit(rows)


@pytest.mark.spark
def test_the_same_rows_give_the_same_batch_in_any_order(rows: DataFrame, model: PipelineModel) -> None:
    batch = golden.golden_batch(model, rows, COLUMNS)
    given = batch.given.orderBy(golden.NUMBER).collect()
    assert batch.given.columns == ["size", "colour", "seen", golden.NUMBER]
    assert golden.ROWS < len(given) <= golden.ROWS + 2
    assert sum(row.size is None for row in given) == 2
    assert sum(row.colour is None for row in given) == 1
    assert given[0].seen.__class__ is dt.date
    again = golden.golden_batch(model, rows.orderBy("other", ascending=False).repartition(5), COLUMNS)
    assert again.given.orderBy(golden.NUMBER).collect() == given
    assert again.expected() == batch.expected()


@pytest.mark.spark
def test_it_is_read_as_it_was_written_and_the_model_gives_it_again(
    spark: SparkSession, rows: DataFrame, model: PipelineModel, tmp_path: Path
) -> None:
    batch = golden.golden_batch(model, rows, COLUMNS)
    folder = tmp_path / "date=2024-03-06" / "a key"
    golden.write(batch, folder)
    read = golden.read(spark, folder)
    assert compare(batch.inputs.collect(), read.inputs.collect()) == (Equality.SAME, ())
    assert compare(read.expected(), golden.outputs(model, read)) == (Equality.SAME, ())
    other = model.copy()
    other.stages[-1].setThreshold(0.0)
    equality, told = compare(read.expected(), golden.outputs(other, read))
    assert equality is Equality.OTHER
    assert told[0].startswith("row 0, prediction: expected 0.0, found 1.0")
    assert told[-1].startswith("and ")


@pytest.mark.spark
def test_a_column_that_is_mostly_null_has_a_value_in_the_batch(spark: SparkSession, rows: DataFrame) -> None:
    from pyspark.ml import PipelineModel
    from pyspark.sql import functions as F

    rare = rows.withColumn("rare", F.when(F.col("other") == 123, "yes")).drop("colour", "seen")
    batch = golden.golden_batch(PipelineModel([]), rare, ["size", "rare", "label"])
    values = [row.rare for row in batch.given.collect()]
    assert (values.count("yes"), values.count(None)) == (1, golden.ROWS)


@pytest.mark.spark
def test_a_label_that_the_model_transforms_stays_in_the_batch(rows: DataFrame) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import NaiveBayes
    from pyspark.ml.feature import Binarizer, VectorAssembler

    stages = [
        Binarizer(inputCol="label", outputCol="turned", threshold=0.5),
        VectorAssembler(inputCols=["turned"], outputCol="features"),
        NaiveBayes(),
    ]
    batch = golden.golden_batch(Pipeline(stages=stages).fit(rows), rows, ["label"])
    assert batch.given.columns == ["label", golden.NUMBER]


def test_a_model_without_one_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"keeps no golden batch.*run its date again"):
        golden.require(tmp_path)


def vector(*values: float) -> Any:
    from pyspark.ml.linalg import Vectors

    return Vectors.dense(values)


@pytest.mark.parametrize(
    ("expected", "found", "equality"),
    [
        (1.0, 1.0, Equality.SAME),
        (1, 1.0, Equality.SAME),
        (float("nan"), float("nan"), Equality.SAME),
        (1.0, 1.0 + 1e-12, Equality.NEAR),
        (1.0, 1.0 + 1e-8, Equality.OTHER),
        (0.0, 1e-15, Equality.NEAR),
        (float("inf"), 1e300, Equality.OTHER),
        (None, 0.0, Equality.OTHER),
        (None, float("nan"), Equality.OTHER),
        (True, 1, Equality.OTHER),
        ("a", "a", Equality.SAME),
        ("a", "b", Equality.OTHER),
        ([1.0, "a"], [1.0, "a"], Equality.SAME),
        ([1.0], [1.0, 2.0], Equality.OTHER),
        ({"a": 1.0}, {"a": 1.0 + 1e-13}, Equality.NEAR),
        ({"a": 1.0}, {"b": 1.0}, Equality.OTHER),
        (vector(1.0, 2.0), vector(1.0, 2.0), Equality.SAME),
        (vector(1.0, 2.0), vector(1.0, 2.0 + 1e-12), Equality.NEAR),
        (vector(1.0, 2.0), vector(1.0, 2.1), Equality.OTHER),
        (vector(1.0), vector(1.0, 2.0), Equality.OTHER),
    ],
)
def test_how_like_two_values_are(expected: Any, found: Any, equality: Equality) -> None:
    assert equality_of(expected, found) is equality
    assert equality_of(found, expected) is equality


def test_rows_that_are_missing_and_columns_that_are_gone_are_told() -> None:
    from pyspark.sql import Row

    assert compare([Row(a=1), Row(a=2)], [Row(a=1)])[1] == ("1 rows instead of 2",)
    assert compare([Row(a=1, b=2)], [Row(a=1)])[1] == ("row 0, b: expected 2, found no such column",)
