"""What rows must not hold is refused before the fit, by column, count and value; a failing stage is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.errors import TrainingError
from vintage.flow.fit import fit
from vintage.ml.fitting import fit_stages, naming_the_stage
from vintage.ml.stages import build_stages, stage_columns
from vintage.ml.training import check_training_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

STAGES = """\
- StringIndexer: {inputCol: colour, outputCol: colour_ix}
- VectorAssembler: {inputCols: [size, colour_ix], outputCol: features}
- LogisticRegression: {maxIter: 2}
"""
SCHEMA = "id int, colour string, size double, label double"
GOOD = [(number, "red" if number % 2 else "blue", float(number), float(number % 2)) for number in range(8)]


def refused(spark: SparkSession, rows: list[tuple[Any, ...]], stages: str = STAGES, **more: Any) -> str:
    pipeline = pipeline_of(stages, **more)
    frame = spark.createDataFrame(rows, more.pop("schema", SCHEMA))
    with pytest.raises(TrainingError) as error:
        check_training_rows(frame, pipeline, stage_columns(pipeline))
    return str(error.value)


def checked(frame: DataFrame, stages: str, task: str = "classification") -> None:
    pipeline = pipeline_of(stages, task=task)
    check_training_rows(frame, pipeline, stage_columns(pipeline))


def with_value(place: int, value: Any) -> list[tuple[Any, ...]]:
    return [*GOOD, (*GOOD[0][:place], value, *GOOD[0][place + 1 :])]


def test_good_rows_pass(spark: SparkSession) -> None:
    checked(spark.createDataFrame(GOOD, SCHEMA), STAGES)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (math.nan, "column label .* has NaN or infinite values.*1 of 9 rows, such as NaN where id=0"),
        (math.inf, "column label .* has NaN or infinite values.*1 of 9 rows, such as Infinity"),
        (-1.0, r"column label .* has values that are no class.*0, 1, … k-1.*such as -1\.0"),
        (0.5, r"column label .* has values that are no class.*such as 0\.5"),
        (1e9, "column label .* has values that are no class"),
        (3.0, r"labels .* are not 0 to k-1.*each class from 0 to 3.*3 different labels, from 0 to 3"),
    ],
)
def test_labels_that_are_no_classes(spark: SparkSession, label: float, told: str) -> None:
    import re

    assert re.search(told, refused(spark, with_value(3, label)))


def test_labels_that_begin_with_one(spark: SparkSession) -> None:
    rows = [(*row[:3], row[3] + 1) for row in GOOD]
    assert "2 different labels, from 1 to 2" in refused(spark, rows)


def test_a_regression_takes_any_finite_label(spark: SparkSession) -> None:
    stages = STAGES.replace("LogisticRegression", "LinearRegression")
    checked(spark.createDataFrame(with_value(3, -0.5), SCHEMA), stages, "regression")
    assert "NaN or infinite" in refused(spark, with_value(3, -math.inf), stages, task="regression")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_features_that_are_no_numbers(spark: SparkSession, value: float) -> None:
    told = refused(spark, with_value(2, value))
    assert told.startswith("column size of the training set of tips has NaN or infinite values; expected")
    assert "1 of 9 rows" in told


def test_an_imputer_takes_nan_and_no_infinity(spark: SparkSession) -> None:
    stages = "- Imputer: {inputCols: [size], outputCols: [filled]}\n" + STAGES.replace("[size,", "[filled,")
    checked(spark.createDataFrame(with_value(2, math.nan), SCHEMA), stages)
    assert "column size of the training set of tips has infinite values" in refused(
        spark, with_value(2, math.inf), stages
    )


def test_vectors_dense_and_sparse_that_hold_nan(spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors

    stages = "- LogisticRegression: {featuresCol: pixels}\n"
    good = [(number, Vectors.dense([1.0, number]), float(number % 2)) for number in range(4)]
    checked(spark.createDataFrame(good, ["id", "pixels", "label"]), stages)
    for bad in (Vectors.dense([1.0, math.nan]), Vectors.sparse(2, {1: math.inf})):
        frame = spark.createDataFrame([*good, (9, bad, 1.0)], ["id", "pixels", "label"])
        with pytest.raises(TrainingError, match=r"column pixels .* has NaN or infinite values.*1 of 5 rows"):
            checked(frame, stages)


@pytest.mark.parametrize(
    ("kind", "user", "told"),
    [
        ("int", None, "column user .* is no id that ALS takes .userCol.*1 of 3 rows, such as null"),
        ("double", 1.5, "column user .* is no id .*such as 1.5"),
        ("bigint", 2**31, "column user .* from -2147483648 to 2147483647.*such as 2147483648"),
        ("double", math.nan, "column user .* has NaN or infinite values.*such as NaN"),
    ],
)
def test_ids_that_als_does_not_take(spark: SparkSession, kind: str, user: Any, told: str) -> None:
    stages = "- ALS: {userCol: user, itemCol: item, ratingCol: rating}\n"
    number = float if kind == "double" else int
    rows = [(1, number(1), 1, 5.0), (2, number(2), 2, 3.0)]
    schema = f"id int, user {kind}, item int, rating double"
    checked(spark.createDataFrame(rows, schema), stages, "recommendation")
    frame = spark.createDataFrame([*rows, (3, user, 2, 3.0)], schema)
    with pytest.raises(TrainingError, match=told):
        checked(frame, stages, "recommendation")


def test_ids_that_are_texts(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("ann", 1, 5.0)], "user string, item int, rating double")
    with pytest.raises(TrainingError, match=r"cannot read column user as its userCol.*StringIndexer"):
        checked(frame, "- ALS: {userCol: user, itemCol: item, ratingCol: rating}\n", "recommendation")


def test_more_categories_than_bins(spark: SparkSession) -> None:
    stages = STAGES.replace("LogisticRegression: {maxIter: 2}", "DecisionTreeClassifier: {maxBins: 5}")
    rows = [(number, f"c{number:02}", 1.0, float(number % 2)) for number in range(40)]
    pipeline = pipeline_of(stages)
    with pytest.raises(
        TrainingError,
        match=r"stage 2, DecisionTreeClassifier, of tips has too few bins for feature colour_ix; "
        r"expected at most maxBins = 5 .*found 40 values.*Raise maxBins to 40",
    ):
        fit_stages(build_stages(pipeline), spark.createDataFrame(rows, SCHEMA), pipeline)


def test_a_null_that_a_stage_refuses_names_it_though_a_later_one_met_it(spark: SparkSession) -> None:
    frame = spark.createDataFrame(with_value(1, None), SCHEMA)
    with pytest.raises(
        TrainingError,
        match=r"stage 0, StringIndexer, of tips fails on the training set; "
        r"found column colour: 1 rows with null .*handleInvalid",
    ):
        fit(frame, pipeline_of(STAGES))
    frame = spark.createDataFrame(with_value(2, None), SCHEMA)
    with pytest.raises(TrainingError, match=r"stage 1, VectorAssembler, of tips fails .*null"):
        fit(frame, pipeline_of(STAGES))


def test_a_fit_that_fails_says_why(spark: SparkSession) -> None:
    stages = STAGES.replace("maxIter: 2", "maxIter: 2, thresholds: [0.5, 0.2, 0.3]")
    with pytest.raises(TrainingError, match=r"stage 2, LogisticRegression, of tips fails .*numClasses"):
        fit(spark.createDataFrame(GOOD, SCHEMA), pipeline_of(stages))


def test_categories_that_the_model_never_saw_are_named(spark: SparkSession) -> None:
    pipeline = pipeline_of(STAGES)
    model = fit_stages(build_stages(pipeline), spark.createDataFrame(GOOD, SCHEMA), pipeline)
    later = spark.createDataFrame([*GOOD, (77, "green", 1.0, 1.0), (78, "pink", 1.0, 1.0)], SCHEMA)
    with (
        pytest.raises(
            TrainingError,
            match=r"stage 0, StringIndexer, of tips fails on the holdout; "
            r"found column colour: 2 rows with 'green', 'pink'",
        ),
        naming_the_stage(model, later, pipeline),
    ):
        model.transform(later).collect()


def test_stages_fitted_one_by_one_are_those_that_spark_fits(spark: SparkSession) -> None:
    from pyspark.ml import Pipeline

    pipeline = pipeline_of(STAGES)
    frame = spark.createDataFrame(GOOD, SCHEMA).coalesce(1)
    ours = fit_stages(build_stages(pipeline), frame, pipeline)
    theirs = Pipeline(stages=build_stages(pipeline)).fit(frame)
    assert ours.stages[-1].coefficients == theirs.stages[-1].coefficients
    assert ours.stages[0].labels == theirs.stages[0].labels
