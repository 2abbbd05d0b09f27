"""Metrics that carry MLflow's own names have the values that MLflow's own evaluation gives them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vintage.ml.families.cells import Cells
from vintage.registry.metric_names import MLFLOW_NAMES, under_mlflow_names
from vintage.spec import METRICS

LABELS = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]
CHANCES = [0.1, 0.8, 0.4, 0.3, 0.9, 0.6, 0.2, 0.7, 0.55, 0.45]


def test_two_classes_are_measured_as_mlflow_does() -> None:
    from mlflow.models.evaluation.evaluators.classifier import _get_binary_classifier_metrics
    from sklearn.metrics import roc_auc_score

    predicted = [int(chance > 0.5) for chance in CHANCES]
    losses = [
        -math.log(chance if label else 1 - chance) for label, chance in zip(LABELS, CHANCES, strict=True)
    ]
    cells = Cells(
        label=np.array(LABELS, dtype=float),
        prediction=np.array(predicted, dtype=float),
        score=np.array(CHANCES),
        rows=np.ones(len(LABELS), dtype=np.int64),
        loss=np.array(losses),
        weight=np.ones(len(LABELS)),
        squares=np.ones(len(LABELS)),
    )
    theirs = _get_binary_classifier_metrics(
        y_true=np.array(LABELS),
        y_pred=np.array(predicted),
        y_proba=np.array([[1 - chance, chance] for chance in CHANCES]),
        labels=[0, 1],
    )
    # MLflow adds it beside the curve that it draws.
    theirs["roc_auc"] = roc_auc_score(LABELS, CHANCES)
    ours = under_mlflow_names("classification", cells.values())
    assert set(ours) == set(MLFLOW_NAMES["classification"].values())
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name]), name


def test_the_regression_names_are_mlflows() -> None:
    from mlflow.models.evaluation.evaluators.regressor import _get_regressor_metrics

    theirs = _get_regressor_metrics(np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]), None)
    assert set(MLFLOW_NAMES["regression"].values()) <= set(theirs)


def test_only_metrics_that_there_are_have_another_name() -> None:
    for task, names in MLFLOW_NAMES.items():
        assert set(names) <= set(METRICS[task])
        assert not set(names.values()) & set(METRICS[task])
    assert under_mlflow_names("regression", {"rmse": 1.0, "var": 2.0}) == {"root_mean_squared_error": 1.0}
    assert under_mlflow_names("clustering", {"silhouette": 0.5}) == {}
