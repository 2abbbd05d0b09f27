"""A perfect result, and a holdout that the model has seen, refuse it until the spec allows them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.ml.families import EvaluationResult
from vintage.ml.overlap import Overlap
from vintage.registry.gates import decide
from vintage.registry.suspicions import suspicions

NONE = Overlap(0, 0.0, {})
ESTIMATORS = {
    "classification": "- LogisticRegression: {}\n",
    "regression": "- LinearRegression: {}\n",
    "recommendation": "- ALS: {}\n",
    "clustering": "- KMeans: {}\n",
    "reduction": "- PCA: {inputCol: features, outputCol: x, k: 2}\n",
}


def reasons(
    task: str, metric: str, values: dict[str, float], overlap: Overlap = NONE, **evaluate: Any
) -> list[str]:
    pipeline = pipeline_of(ESTIMATORS[task], task=task, evaluate={"metric": metric, **evaluate})
    measured = EvaluationResult(200, values)
    found = list(suspicions(pipeline, measured, overlap))
    decision = decide((), measured, suspicions=found)
    assert decision.promote is (not found)
    assert not found or decision.reasons == tuple(found)
    return found


@pytest.mark.fault("an AUC, an accuracy or an R² of 1, an error of 0", outcome="refused; the reason says why")
@pytest.mark.parametrize(
    ("task", "metric", "values"),
    [
        ("classification", "areaUnderROC", {"areaUnderROC": 1.0}),
        ("classification", "f1", {"f1": 0.9, "areaUnderROC": 1.0, "accuracy": 0.9}),
        ("classification", "recall", {"recall": 1.0, "accuracy": 0.9}),
        ("classification", "accuracy", {"accuracy": 1.0}),
        ("classification", "logLoss", {"logLoss": 1e-12}),
        ("regression", "rmse", {"rmse": 3e-13, "r2": math.nan}),
        ("regression", "rmse", {"rmse": 0.01, "r2": 1 - 1e-12}),
        ("regression", "r2", {"r2": 1.0}),
        ("regression", "mae", {"mae": 0.0}),
        ("recommendation", "ndcgAtK", {"ndcgAtK": 1.0}),
        ("recommendation", "rmse", {"rmse": 0.0}),
    ],
)
def test_a_perfect_result_refuses_until_it_is_allowed(
    task: str, metric: str, values: dict[str, float]
) -> None:
    [reason] = reasons(task, metric, values)
    assert "which is perfect" in reason
    assert reasons(task, metric, values, allow_perfect=True) == []


@pytest.mark.parametrize(
    ("task", "metric", "values"),
    [
        ("classification", "areaUnderROC", {"areaUnderROC": 0.999999, "precision": 1.0, "recall": 1.0}),
        ("classification", "logLoss", {"logLoss": 0.001, "accuracy": math.nan}),
        ("regression", "rmse", {"rmse": 0.5, "r2": 0.99999}),
        ("regression", "var", {"var": 1.0}),
        ("recommendation", "rmse", {"rmse": 0.8, "userCoverage": 1.0}),
        # Without an answer there is none to be shown.
        ("clustering", "silhouette", {"silhouette": 1.0, "stability": 1.0, "cost": 0.0}),
        ("reduction", "explainedVariance", {"explainedVariance": 1.0, "reconstructionError": 0.0}),
    ],
)
def test_a_good_result_is_none(task: str, metric: str, values: dict[str, float]) -> None:
    assert reasons(task, metric, values) == []


@pytest.mark.fault(
    "a holdout date with the rows of a training date", outcome="refused; names both dates and the share"
)
def test_more_overlap_than_is_allowed_refuses() -> None:
    values = {"areaUnderROC": 0.8}
    assert reasons("classification", "areaUnderROC", values, Overlap(2, 0.01, {})) == []
    [reason] = reasons("classification", "areaUnderROC", values, Overlap(3, 0.015, {}))
    assert reason == (
        "3 of 200 holdout rows (1.50%) are training rows too, more than evaluate.max_overlap 0.01"
    )
    whole = Overlap(200, 1.0, {"2024-05-03": "2024-05-01"})
    [reason] = reasons("classification", "areaUnderROC", values, whole)
    assert reason.endswith("evaluate.max_overlap 0.01: 2024-05-03 has the same rows as 2024-05-01")
    assert reasons("classification", "areaUnderROC", values, whole, max_overlap=1.0) == []
