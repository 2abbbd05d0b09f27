"""A tuning finds what a plain loop over the same folds finds, the same each time, and survives what fails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.ml.test_stages import pipeline_of
from vintage.errors import TrainingError
from vintage.ml import tuning
from vintage.ml.splits import TRAIN_ONLY, in_split, judging_part
from vintage.ml.tuning import best, tune
from vintage.spec.metrics import Metric

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from vintage.spec import Pipeline, Tuning

STAGES = """\
- Imputer: {inputCols: [bill], outputCols: [bill_filled]}
- VectorAssembler: {inputCols: [bill_filled, day], outputCol: features}
- LogisticRegression: {maxIter: 4}
"""
REG = "LogisticRegression.regParam"
GRID = {REG: [100.0, 0.001], "LogisticRegression.elasticNetParam": [0.5]}
FOLDS = 2


def tuned_by(grid: dict[str, list[Any]], stages: str = STAGES, **more: Any) -> Pipeline:
    search = {"method": "cross_validation", "folds": FOLDS, "grid": grid, **more}
    return pipeline_of(stages, tuning=search)


def tuning_of(pipeline: Pipeline) -> Tuning:
    assert pipeline.tuning is not None
    return pipeline.tuning


def tips(spark: SparkSession, rows: int = 120) -> DataFrame:
    """Rows of `id, bill, day, label`: the label follows both, a bill in nine is missing."""
    random = np.random.default_rng(3)
    table = []
    for number in range(rows):
        bill, day = float(random.normal(20, 5)), float(random.integers(0, 7))
        label = float(bill / 5 + day / 3 + random.normal(0, 1.5) > 5)
        table.append((number, None if number % 9 == 4 else bill, day, label))
    return spark.createDataFrame(table, "id int, bill double, day double, label double")


def parts_of(rows: DataFrame, pipeline: Pipeline) -> dict[int, int]:
    part = judging_part(pipeline, tuning_of(pipeline)).alias("part")
    return {row["id"]: row["part"] for row in rows.select("id", part).collect()}


@pytest.mark.spark
def test_folds_are_about_equal_and_do_not_depend_on_partitions(spark: SparkSession) -> None:
    rows, pipeline = spark.range(9000), tuned_by({REG: [0.1]}, folds=3)
    parts = parts_of(rows.repartition(7), pipeline)
    assert parts == parts_of(rows.coalesce(1), pipeline)
    sizes = np.bincount(list(parts.values()))
    assert len(sizes) == 3
    # Of 9000 draws of a third, the standard deviation is 45.
    assert all(abs(size - 3000) < 4 * 45 for size in sizes)
    other_seed = pipeline_of(STAGES, seed=43, tuning=tuning_of(pipeline).model_dump())
    assert parts != parts_of(rows, other_seed)


@pytest.mark.spark
def test_the_fold_of_a_row_says_nothing_of_its_side_of_the_split(spark: SparkSession) -> None:
    rows, pipeline = spark.range(9000), tuned_by({REG: [0.1]}, folds=3)
    held_out = {row["id"] for row in in_split(rows, pipeline, "test").collect()}
    parts = parts_of(rows, pipeline)
    for fold in range(3):
        members = [row for row, part in parts.items() if part == fold]
        share = sum(row in held_out for row in members) / len(members)
        # test_fraction is 0.2; the standard deviation of a share of 3000 is 0.0073.
        assert abs(share - 0.2) < 4 * 0.0073


@pytest.mark.spark
def test_a_train_validation_split_judges_with_the_rest_of_its_share(spark: SparkSession) -> None:
    search = {"method": "train_validation_split", "train_fraction": 0.7, "grid": {REG: [0.1]}}
    parts = parts_of(spark.range(9000), pipeline_of(STAGES, tuning=search))
    assert set(parts.values()) == {TRAIN_ONLY, 0}
    judging = sum(part == 0 for part in parts.values()) / 9000
    assert abs(judging - 0.3) < 4 * 0.0049


@pytest.mark.spark
def test_the_means_are_those_of_a_plain_loop_with_scikit_learn_s_metric(spark: SparkSession) -> None:
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import Imputer, VectorAssembler
    from pyspark.ml.functions import vector_to_array

    rows, pipeline = tips(spark), tuned_by(GRID)
    found = tune(rows, pipeline)
    parts = parts_of(rows, pipeline)
    expected = []
    for reg in GRID[REG]:
        for net in GRID["LogisticRegression.elasticNetParam"]:
            scores = []
            for fold in range(FOLDS):
                mine = [number for number, part in parts.items() if part == fold]
                judged = rows.where(rows.id.isin(mine))
                stages = [
                    Imputer(inputCols=["bill"], outputCols=["bill_filled"]),
                    VectorAssembler(inputCols=["bill_filled", "day"], outputCol="features"),
                    LogisticRegression(maxIter=4, regParam=reg, elasticNetParam=net),
                ]
                taught = rows.where(~rows.id.isin(mine)).coalesce(1)
                model = SparkPipeline(stages=stages).fit(taught)
                table = (
                    model.transform(judged)
                    .select("label", vector_to_array("probability")[1].alias("p"))
                    .toPandas()
                )
                scores.append(roc_auc_score(table["label"], table["p"]))
            expected.append(np.mean(scores))
    # Rows in another order: a fit's sums are rounded otherwise.
    assert [each.mean for each in found.candidates] == pytest.approx(expected, abs=1e-9)
    assert found.winner == int(np.argmax(expected))
    assert found.rows == 120


@pytest.mark.spark
@pytest.mark.long
def test_neither_order_nor_threads_change_a_bit(spark: SparkSession) -> None:
    rows = tips(spark)
    grid = {REG: [100.0, 0.1, 0.001]}
    one = tune(rows, tuned_by(grid, metric="logLoss"))
    other = tune(rows.orderBy("bill").repartition(5), tuned_by(grid, metric="logLoss", parallelism=3))
    assert one == other
    assert one.candidates[one.winner].params[REG] == 0.001
    assert one.candidates[0].mean == pytest.approx(math.log(2), abs=0.05)
    assert one.details().winner.mean == min(each.mean for each in one.candidates)


@pytest.mark.spark
def test_a_candidate_that_fails_is_reported_and_survived(spark: SparkSession) -> None:
    # Of two days one is seen by no other row, so that a fold meets it unprepared.
    stages = """\
- StringIndexer: {inputCol: day, outputCol: day_ix}
- VectorAssembler: {inputCols: [day_ix], outputCol: features}
- LogisticRegression: {maxIter: 3}
"""
    rows = tips(spark, 60).selectExpr("id", "IF(id = 7, 'once', 'day') AS day", "label")
    found = tune(
        rows,
        tuned_by({"StringIndexer.handleInvalid": ["error", "keep"], REG: [0.1]}, stages, metric="logLoss"),
    )
    errors = [each.error for each in found.candidates]
    assert "Unseen label: once" in errors[0]
    assert errors[1] == ""
    assert found.winner == 1
    assert found.details().candidates[0].mean is None
    assert found.details().winner.params == {"StringIndexer.handleInvalid": "keep", REG: 0.1}


@pytest.mark.spark
@pytest.mark.long
def test_a_ranking_is_judged_without_what_was_learnt(spark: SparkSession) -> None:
    # Of ten items each user rates nine; the tenth is rated as the other users of the same half do.
    table = [
        (user * 10 + item, user, item, 5.0 if (user % 2) == (item % 2) else 1.0)
        for user in range(12)
        for item in range(10)
        if (user + item) % 10
    ]
    rows = spark.createDataFrame(table, "id int, user int, item int, rating double")
    pipeline = pipeline_of(
        "- ALS: {rank: 2, maxIter: 3, numUserBlocks: 2, numItemBlocks: 2}\n",
        task="recommendation",
        evaluate={"metric": "ndcgAtK", "k": 3, "relevant": "rating >= 4"},
        tuning={"method": "cross_validation", "folds": 2, "grid": {"ALS.regParam": [50.0, 0.05]}},
    )
    found = tune(rows.withColumn("label", rows.rating), pipeline)
    assert found.winner == 1
    means = [each.mean for each in found.candidates]
    assert 0 <= means[0] < means[1] <= 1


@pytest.mark.spark
def test_when_all_fail_their_reasons_are_told(spark: SparkSession) -> None:
    rows = tips(spark, 60).selectExpr("id", "CAST(day AS STRING) AS day", "bill", "label")
    with pytest.raises(TrainingError, match=r"of 2 candidates; found .*column day.*; .*column day"):
        tune(rows, tuned_by({"VectorAssembler.handleInvalid": ["error", "keep"]}))


@pytest.mark.spark
def test_too_few_rows_for_the_folds_are_told(spark: SparkSession) -> None:
    with pytest.raises(TrainingError, match=r"too small for its tuning; expected rows of two classes.*folds"):
        tune(tips(spark, 12), tuned_by({REG: [0.1]}, folds=50))


@pytest.mark.spark
@pytest.mark.parametrize(
    "error",
    [
        OSError("No space left on device"),
        RuntimeError("java.lang.OutOfMemoryError: Java heap space"),
    ],
)
def test_what_the_machine_is_to_blame_for_is_not_survived(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    measure = tuning._measure

    def break_down(*arguments: Any) -> float:
        if arguments[0].pipeline.parameter(REG) == 0.1:
            raise error
        return measure(*arguments)

    monkeypatch.setattr(tuning, "_measure", break_down)
    with pytest.raises(type(error), match=str(error)[:20]):
        tune(tips(spark, 60), tuned_by({REG: [0.01, 0.1]}, folds=2))


def test_the_best_mean_wins_and_of_equals_the_first() -> None:
    larger, smaller = Metric("f1"), Metric("logLoss", larger_is_better=False)
    assert best([0.1, 0.5, 0.5, 0.2], larger) == 1
    assert best([0.4, 0.1, 0.1, 0.2], smaller) == 1
    assert best([math.nan, 0.1, math.inf, 0.2], larger) == 3
    assert best([math.nan, -math.inf, 0.3], smaller) == 2
    assert best([math.nan, math.nan], larger) is None


@given(st.lists(st.floats(), max_size=20), st.booleans())
def test_nothing_is_better_than_the_best(means: list[float], larger: bool) -> None:
    found = best(means, Metric("any", larger_is_better=larger))
    finite = [mean for mean in means if math.isfinite(mean)]
    assert (found is None) == (not finite)
    if found is not None:
        assert means[found] == (max if larger else min)(finite)
        assert means[found] not in means[:found]
