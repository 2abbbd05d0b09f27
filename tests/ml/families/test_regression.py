"""Errors are those of scikit-learn and of Spark's evaluator, whatever the order and size of the numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import metrics as reference

from tests.ml.families.conftest import holdout_of
from vintage.ml.families.error_sums import METRICS
from vintage.ml.families.measured import EvaluationResult
from vintage.ml.families.regression import errors_of, measure
from vintage.ml.families.residuals import GROWTH, PREDICTED, QUANTILES
from vintage.ml.guess import guess_of
from vintage.store.details import LabelDetails

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


def numbers(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    labels = random.normal(20.0, 7.0, rows)
    return labels, labels * 0.8 + random.normal(3.0, 2.0, rows)


def frame(spark: SparkSession, labels: np.ndarray, predictions: np.ndarray) -> DataFrame:
    pairs = [(float(a), float(b)) for a, b in zip(labels, predictions, strict=True)]
    return spark.createDataFrame(pairs, "label double, prediction double")


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-9, 0.0), (1e9, 0.0), (1.0, 1e6)])
def test_metrics_are_those_of_scikit_learn(spark: SparkSession, scale: float, shift: float) -> None:
    labels, predictions = (values * scale + shift for values in numbers())
    found = errors_of(frame(spark, labels, predictions))
    assert found.values == pytest.approx(
        {
            "rmse": reference.root_mean_squared_error(labels, predictions),
            "mse": reference.mean_squared_error(labels, predictions),
            "mae": reference.mean_absolute_error(labels, predictions),
            "r2": reference.r2_score(labels, predictions),
            "var": np.mean((predictions - labels.mean()) ** 2),
        },
        rel=1e-9,
    )
    assert (found.rows, found.unmeasured) == (400, 0)


def test_metrics_are_those_of_sparks_evaluator(spark: SparkSession) -> None:
    from pyspark.ml.evaluation import RegressionEvaluator

    scored = frame(spark, *numbers())
    found = errors_of(scored).values
    for name in METRICS:
        assert found[name] == pytest.approx(RegressionEvaluator(metricName=name).evaluate(scored), rel=1e-9)


def test_quantiles_of_the_residuals_are_within_a_bin(spark: SparkSession) -> None:
    labels, predictions = numbers()
    found = errors_of(frame(spark, labels, predictions)).quantiles
    residuals = labels - predictions
    assert list(found) == [f"{share:g}" for share in QUANTILES]
    for share in QUANTILES:
        exact = np.quantile(residuals, share, method="inverted_cdf")
        assert found[f"{share:g}"] == pytest.approx(exact, rel=GROWTH - 1 + 1e-9)
    assert (found["0"], found["1"]) == (residuals.min(), residuals.max())


def test_bins_of_the_predictions_hold_their_means(spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    labels, predictions = numbers()
    found = errors_of(frame(spark, labels, predictions), group=F.lit(0)).predicted
    assert len(found) == PREDICTED
    assert sum(each["rows"] for each in found) == 400
    assert all(10 <= each["rows"] <= 30 for each in found)
    order, start = np.argsort(predictions), 0
    for each in found:
        here = order[start : start + int(each["rows"])]
        start += len(here)
        assert each["predicted"] == pytest.approx(predictions[here].mean())
        assert each["actual"] == pytest.approx(labels[here].mean())
        assert each["rmse"] == pytest.approx(
            reference.root_mean_squared_error(labels[here], predictions[here])
        )


def test_guessing_predicts_the_mean_of_the_training_labels(spark: SparkSession) -> None:
    labels, predictions = numbers()
    scored = frame(spark, labels, predictions)
    tested: Any = SimpleNamespace(pipeline=SimpleNamespace(task="regression"), scored=scored)
    learnt = [LabelDetails(rows=30, mean=10.0), LabelDetails(rows=10, mean=18.0)]
    found = guess_of(tested, EvaluationResult(400, {}), learnt)
    assert found is not None
    assert found["how"] == "always 12, the mean of the training labels"
    assert found["metrics"]["mae"] == pytest.approx(np.abs(labels - 12.0).mean())
    assert found["metrics"]["r2"] == pytest.approx(reference.r2_score(labels, np.full(400, 12.0)))
    # A date that did not keep its labels leaves the mean unknown.
    assert guess_of(tested, EvaluationResult(400, {}), [*learnt, None]) is None


def test_the_order_and_partitioning_of_rows_change_no_bit(spark: SparkSession) -> None:
    scored = frame(spark, *numbers())
    assert errors_of(scored.repartition(7)) == errors_of(scored.orderBy("prediction").coalesce(1))


def test_equal_labels_define_no_r2(spark: SparkSession) -> None:
    found = errors_of(frame(spark, np.full(5, 3.0), np.array([3.0, 3.0, 3.0, 3.0, 4.0]))).values
    assert math.isnan(found["r2"])
    assert (found["mse"], found["mae"], found["var"]) == pytest.approx((0.2, 0.2, 0.2))


def test_one_row(spark: SparkSession) -> None:
    found = errors_of(frame(spark, np.array([2.0]), np.array([5.0])))
    assert (found.values["rmse"], found.values["mae"]) == (3.0, 3.0)
    assert math.isnan(found.values["r2"])
    assert set(found.quantiles.values()) == {-3.0}


def test_a_model_that_is_always_right(spark: SparkSession) -> None:
    labels, _ = numbers(20)
    found = errors_of(frame(spark, labels, labels))
    assert (found.values["rmse"], found.values["r2"]) == (0.0, 1.0)
    assert set(found.quantiles.values()) == {0.0}


def test_an_empty_holdout_defines_nothing(spark: SparkSession) -> None:
    found = measure(holdout_of(frame(spark, np.zeros(0), np.zeros(0))))
    assert (found.rows, found.refusals) == (0, ())
    assert set(found.values) == set(METRICS)
    assert all(math.isnan(value) for value in found.values.values())


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_no_number_refuses(spark: SparkSession, wrong: float) -> None:
    labels, predictions = numbers(10)
    predictions[3] = wrong
    found = measure(holdout_of(frame(spark, labels, predictions)))
    assert found.rows == 10
    assert found.refusals == (
        "1 rows of the holdout have no label, or a prediction that is no finite number",
    )
    assert all(math.isnan(value) for value in found.values.values())


def test_numbers_at_the_edge_of_a_double_are_no_traceback(spark: SparkSession) -> None:
    found = errors_of(frame(spark, np.array([1e308, -1e308]), np.array([-1e308, 1e308])))
    assert all(math.isnan(value) for value in found.values.values())
    assert found.unmeasured == 2
