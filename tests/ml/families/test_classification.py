"""The metrics are those of scikit-learn and of Spark's own evaluators on the same predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as reference

from vintage.ml.families import EvaluationResult, classification
from vintage.ml.families.classification import measure_scored

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

Scored = tuple[np.ndarray, np.ndarray]


def binary(rows: int = 500, *, ties: bool = True) -> Scored:
    """Labels and scores that follow them a little; with ties, on a grid of 40 scores."""
    random = np.random.default_rng(7)
    labels = (random.random(rows) < 0.3).astype(float)
    scores = np.clip(random.normal(0.35 + 0.2 * labels, 0.2), 0.001, 0.999)
    return labels, np.clip(np.round(scores * 40), 1, 39) / 40 if ties else scores


def frame(spark: SparkSession, labels: np.ndarray, scores: np.ndarray) -> DataFrame:
    rows = [
        (float(label), float(score > 0.5), [1 - float(score), float(score)], float(score))
        for label, score in zip(labels, scores, strict=True)
    ]
    return spark.createDataFrame(
        rows, "label double, prediction double, probability array<double>, score double"
    )


def measured(spark: SparkSession, labels: np.ndarray, scores: np.ndarray, **options: int) -> EvaluationResult:
    return measure_scored(frame(spark, labels, scores), rows=options.get("rows", len(labels)))


@pytest.mark.parametrize("ties", [True, False])
def test_binary_metrics_are_those_of_scikit_learn(spark: SparkSession, ties: bool) -> None:
    labels, scores = binary(ties=ties)
    found = measured(spark, labels, scores)
    predicted = (scores > 0.5).astype(float)
    precision, recall, _ = reference.precision_recall_curve(labels, scores, drop_intermediate=False)
    # scikit-learn ends the curve at precision 1, Spark at the precision of the highest score.
    precision[-1] = precision[-2]
    expected = {
        "areaUnderROC": reference.roc_auc_score(labels, scores),
        "areaUnderPR": reference.auc(recall, precision),
        "accuracy": reference.accuracy_score(labels, predicted),
        "precision": reference.precision_score(labels, predicted),
        "recall": reference.recall_score(labels, predicted),
        "f1": reference.f1_score(labels, predicted),
        "logLoss": reference.log_loss(labels, scores),
        "weightedPrecision": reference.precision_score(labels, predicted, average="weighted"),
        "weightedRecall": reference.recall_score(labels, predicted, average="weighted"),
        "weightedFMeasure": reference.f1_score(labels, predicted, average="weighted"),
    }
    assert found.values == pytest.approx(expected, abs=1e-9)
    assert found.details["confusion_matrix"]["labels"] == (0.0, 1.0)
    assert np.array_equal(
        found.details["confusion_matrix"]["counts"], reference.confusion_matrix(labels, predicted)
    )
    assert (found.rows, found.refusals, found.details["ranking_error"]) == (len(labels), (), 0.0)


def test_areas_are_those_of_sparks_evaluator(spark: SparkSession) -> None:
    from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
    from pyspark.ml.functions import array_to_vector

    labels, scores = binary()
    scored = frame(spark, labels, scores).withColumn("probability_vector", array_to_vector("probability"))
    found = measure_scored(scored, rows=len(labels)).values
    for name in ("areaUnderROC", "areaUnderPR"):
        ranking = BinaryClassificationEvaluator(
            rawPredictionCol="probability_vector", metricName=name, numBins=0
        )
        assert found[name] == pytest.approx(ranking.evaluate(scored), abs=1e-12)
    loss = MulticlassClassificationEvaluator(metricName="logLoss", probabilityCol="probability_vector")
    assert found["logLoss"] == pytest.approx(loss.evaluate(scored), abs=1e-12)


def test_binned_areas_are_within_the_stated_error(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "BINS", 16)
    labels, scores = binary(ties=False)
    found = measured(spark, labels, scores, rows=classification.EXACT_ROWS + 1)
    off = abs(found.values["areaUnderROC"] - reference.roc_auc_score(labels, scores))
    assert 0 < off <= found.details["ranking_error"] < 0.2


def test_the_order_and_partitioning_of_rows_change_no_bit(spark: SparkSession) -> None:
    labels, scores = binary(ties=False)
    scored = frame(spark, labels, scores)
    assert measure_scored(scored.repartition(7), rows=500) == measure_scored(
        scored.orderBy("score").coalesce(1), rows=500
    )


def test_several_classes(spark: SparkSession) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 300).astype(float)
    chances = random.dirichlet([1, 1, 1], 300) + np.eye(3)[labels.astype(int)] * 0.5
    chances /= chances.sum(axis=1, keepdims=True)
    predicted = chances.argmax(axis=1).astype(float)
    rows = [
        (float(a), float(b), [float(each) for each in c], None)
        for a, b, c in zip(labels, predicted, chances, strict=True)
    ]
    scored = spark.createDataFrame(
        rows, "label double, prediction double, probability array<double>, score double"
    )
    found = measure_scored(scored, rows=300)
    assert np.array_equal(
        found.details["confusion_matrix"]["counts"], reference.confusion_matrix(labels, predicted)
    )
    assert found.values["f1"] == pytest.approx(reference.f1_score(labels, predicted, average="weighted"))
    assert found.values["logLoss"] == pytest.approx(reference.log_loss(labels, chances))
    assert "areaUnderROC" not in found.values


def test_one_class_has_no_ranking(spark: SparkSession) -> None:
    found = measured(spark, np.zeros(20), np.linspace(0.1, 0.9, 20))
    assert math.isnan(found.values["areaUnderROC"])
    assert math.isnan(found.values["areaUnderPR"])
    assert found.refusals == ("the holdout has one class only",)


def test_an_empty_holdout_defines_nothing(spark: SparkSession) -> None:
    found = measured(spark, np.zeros(0), np.zeros(0), rows=0)
    assert (found.rows, found.refusals) == (0, ())
    assert all(math.isnan(value) for value in found.values.values())


def test_scores_that_are_nan_define_no_ranking(spark: SparkSession) -> None:
    labels, scores = binary(50)
    found = measured(spark, labels, np.where(np.arange(50) == 3, np.nan, scores))
    assert math.isnan(found.values["areaUnderROC"])
    assert math.isnan(found.values["logLoss"])


def test_rates_by_class(spark: SparkSession) -> None:
    labels, scores = binary()
    found = measured(spark, labels, scores).details["classes"]
    rates = reference.precision_recall_fscore_support(labels, (scores > 0.5).astype(float))
    for place, name in enumerate(("precision", "recall", "f1", "rows")):
        assert [each[name] for each in found] == pytest.approx(list(rates[place]))
    assert [each["label"] for each in found] == [0.0, 1.0]


@pytest.mark.parametrize("wrong", [None, math.nan, math.inf, -1.0, 0.5, 1e300])
def test_labels_that_are_no_class_refuse(spark: SparkSession, wrong: float | None) -> None:
    labels, scores = binary(50)
    scored = frame(spark, labels, scores).union(
        spark.createDataFrame(
            [(wrong, 1.0, [0.5, 0.5], 0.5)],
            "label double, prediction double, probability array<double>, score double",
        )
    )
    found = measure_scored(scored, rows=51)
    assert found.rows == 51
    assert found.refusals == ("1 rows of the holdout have a label or a prediction that is no class",)
    assert found.values["accuracy"] == pytest.approx(((scores > 0.5) == labels).mean())
