"""Weighed rows are measured as scikit-learn measures them, and weights that are none refuse a model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as reference

from tests.ml.families.conftest import holdout_of
from tests.ml.test_stages import pipeline_of
from vintage.ml.families import classification, counting, regression
from vintage.ml.families.bootstrap import intervals
from vintage.ml.families.cells import Cells
from vintage.ml.families.weights import WEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from vintage.ml.families import EvaluationResult

pytestmark = pytest.mark.spark

ROWS = 500
KINDS = f"id int, label double, prediction double, {WEIGHT} double"


def weights_of(rows: int = ROWS) -> np.ndarray:
    """Some rows weigh nothing, most a fraction, a few a lot."""
    random = np.random.default_rng(2)
    return np.where(random.random(rows) < 0.1, 0.0, np.round(random.exponential(30.0, rows), 3))


def classified(
    spark: SparkSession, weights: Sequence[float | None]
) -> tuple[DataFrame, np.ndarray, np.ndarray]:
    """A scored holdout, its labels and its scores, of which some are ties."""
    random = np.random.default_rng(7)
    labels = (random.random(len(weights)) < 0.3).astype(float)
    scores = np.clip(np.round(random.normal(0.35 + 0.2 * labels, 0.2), 2), 0.01, 0.99)
    rows = [
        (place, float(label), float(score > 0.5), weight, [1 - float(score), float(score)], float(score))
        for place, (label, score, weight) in enumerate(zip(labels, scores, weights, strict=True))
    ]
    schema = f"{KINDS}, probability array<double>, score double"
    return spark.createDataFrame(rows, schema), labels, scores


def errors(spark: SparkSession, weights: Sequence[float | None]) -> tuple[DataFrame, np.ndarray, np.ndarray]:
    """A scored holdout of a regression, its labels and its predictions."""
    random = np.random.default_rng(5)
    labels = random.normal(20.0, 7.0, len(weights))
    predictions = labels * 0.8 + random.normal(3.0, 2.0, len(weights))
    rows = [
        (place, float(label), float(prediction), weight)
        for place, (label, prediction, weight) in enumerate(zip(labels, predictions, weights, strict=True))
    ]
    return spark.createDataFrame(rows, KINDS), labels, predictions


def regressed(scored: DataFrame) -> EvaluationResult:
    pipeline = pipeline_of("- LinearRegression: {}\n", task="regression", evaluate={"metric": "rmse"})
    return regression.measure(holdout_of(scored, pipeline=pipeline, thorough=True))


@pytest.mark.parametrize("exact_rows", [ROWS, 0])
def test_a_weighed_classification_is_that_of_scikit_learn(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, exact_rows: int
) -> None:
    monkeypatch.setattr(counting, "EXACT_ROWS", exact_rows)
    weights = weights_of()
    scored, labels, scores = classified(spark, weights.tolist())
    found = classification.measure_scored(scored, rows=ROWS)
    predicted = (scores > 0.5).astype(float)
    expected = {
        "areaUnderROC": reference.roc_auc_score(labels, scores, sample_weight=weights),
        "accuracy": reference.accuracy_score(labels, predicted, sample_weight=weights),
        "precision": reference.precision_score(labels, predicted, sample_weight=weights),
        "recall": reference.recall_score(labels, predicted, sample_weight=weights),
        "f1": reference.f1_score(labels, predicted, sample_weight=weights),
        "logLoss": reference.log_loss(labels, scores, sample_weight=weights),
        "weightedFMeasure": reference.f1_score(labels, predicted, sample_weight=weights, average="weighted"),
    }
    assert {name: found.values[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert (found.rows, found.refusals) == (ROWS, ())


def test_what_is_drawn_is_weighed_and_what_is_counted_is_not(spark: SparkSession) -> None:
    weights = weights_of()
    scored, labels, scores = classified(spark, weights.tolist())
    details = classification.measure_scored(scored, rows=ROWS).details
    matrix = reference.confusion_matrix(labels, scores > 0.5)
    assert details["confusion_matrix"]["counts"] == tuple(tuple(row) for row in matrix.tolist())
    roc = details["roc"]
    assert np.trapezoid(roc["y"], roc["x"]) == pytest.approx(
        reference.roc_auc_score(labels, scores, sample_weight=weights), abs=1e-9
    )
    for each in details["calibration"]:
        here = (scores >= each["low"]) & (scores < each["high"])
        assert each["rows"] == here.sum()
        assert each["observed"] == pytest.approx(np.average(labels[here], weights=weights[here]))
        assert each["predicted"] == pytest.approx(np.average(scores[here], weights=weights[here]))
    assert details["classes"][1]["recall"] == pytest.approx(
        reference.recall_score(labels, scores > 0.5, sample_weight=weights)
    )


def test_a_weighed_regression_is_that_of_scikit_learn(spark: SparkSession) -> None:
    weights = weights_of()
    scored, labels, predictions = errors(spark, weights.tolist())
    found = regressed(scored)
    mean = np.average(labels, weights=weights)
    expected = {
        "rmse": reference.root_mean_squared_error(labels, predictions, sample_weight=weights),
        "mse": reference.mean_squared_error(labels, predictions, sample_weight=weights),
        "mae": reference.mean_absolute_error(labels, predictions, sample_weight=weights),
        "r2": reference.r2_score(labels, predictions, sample_weight=weights),
        "var": np.average((predictions - mean) ** 2, weights=weights),
    }
    assert found.values == pytest.approx(expected, rel=1e-9)
    assert found.intervals["rmse"].low < expected["rmse"] < found.intervals["rmse"].high


@pytest.mark.long
def test_rows_of_one_weight_are_measured_as_if_they_had_none(spark: SparkSession) -> None:
    """To the last bit where the weight is a power of two, for weights are divided by one."""
    for weight in (0.25, 64.0):
        scored, _, _ = classified(spark, [weight] * ROWS)
        weighed, plain = (
            classification.measure_scored(frame, rows=ROWS, confidence=0.95)
            for frame in (scored, scored.drop(WEIGHT))
        )
        assert weighed.values == pytest.approx(plain.values, rel=1e-12)
        assert weighed.intervals["areaUnderROC"].low == pytest.approx(
            plain.intervals["areaUnderROC"].low, rel=1e-9
        )
        regression_rows, _, _ = errors(spark, [weight] * ROWS)
        assert regressed(regression_rows).values == pytest.approx(
            regressed(regression_rows.drop(WEIGHT)).values, rel=1e-12
        )


@pytest.mark.long
def test_the_order_and_partitioning_of_weighed_rows_change_no_bit(spark: SparkSession) -> None:
    scored, _, _ = classified(spark, weights_of().tolist())
    turned = scored.orderBy("score").repartition(7)
    first, again = (
        classification.measure_scored(each, rows=ROWS, confidence=0.95) for each in (scored, turned)
    )
    assert first == again
    scored, _, _ = errors(spark, weights_of().tolist())
    assert regressed(scored) == regressed(scored.orderBy("label").repartition(7))


@pytest.mark.parametrize("wrong", [None, -1.0, math.nan, math.inf])
def test_a_weight_that_is_none_refuses(spark: SparkSession, wrong: float | None) -> None:
    weights: list[float | None] = [1.0] * 40
    weights[3] = weights[7] = wrong
    told = "2 rows of the holdout have a weight that is null, negative or no finite number"
    assert classification.measure_scored(classified(spark, weights)[0], rows=40).refusals == (told,)
    assert regressed(errors(spark, weights)[0]).refusals == (told,)


def test_rows_that_all_weigh_nothing_define_nothing(spark: SparkSession) -> None:
    told = ("no row of the holdout has a weight above 0",)
    found = classification.measure_scored(classified(spark, [0.0] * 40)[0], rows=40, confidence=0.95)
    assert found.refusals == told
    assert math.isnan(found.values["areaUnderROC"])
    assert math.isnan(found.values["accuracy"])
    found = regressed(errors(spark, [0.0] * 40)[0])
    assert found.refusals == told
    assert math.isnan(found.values["rmse"])


def weighed_cells(seed: int, rows: int) -> Cells:
    """Rows of a known distribution, each of a weight that does not depend on it."""
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 1 / 3).astype(float)
    scores = np.clip(random.normal(0.4 + 0.2 * labels, 0.15), 0.01, 0.99)
    weight = random.exponential(1.0, rows)
    loss = -np.log(np.where(labels == 1, scores, 1 - scores)) * weight
    return Cells(
        labels, (scores > 0.5).astype(float), scores, np.ones(rows, dtype=np.int64), loss, weight, weight**2
    )


def test_nine_in_ten_weighed_samples_have_the_truth_in_their_interval() -> None:
    metrics = ("areaUnderROC", "logLoss", "accuracy")
    truth = weighed_cells(0, 400_000).values()
    held = dict.fromkeys(metrics, 0)
    for seed in range(1, 151):
        found = intervals(weighed_cells(seed, 400), confidence=0.9, seed=seed)
        for name in metrics:
            held[name] += found[name].low <= truth[name] <= found[name].high
    # Binomial: 135 of 150 are expected, give or take 3.7.
    assert {name for name, times in held.items() if not 121 <= times <= 147} == set()
