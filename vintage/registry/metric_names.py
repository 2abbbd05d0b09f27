"""The names under which MLflow's own evaluation logs what Vintage measures as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec.metrics import Task

MLFLOW_NAMES: Final[Mapping[Task, Mapping[str, str]]] = {
    "classification": {
        "areaUnderROC": "roc_auc",
        "accuracy": "accuracy_score",
        "precision": "precision_score",
        "recall": "recall_score",
        "f1": "f1_score",
        "logLoss": "log_loss",
    },
    "regression": {
        "rmse": "root_mean_squared_error",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "r2": "r2_score",
    },
}
"""Task → our metric → MLflow's name of it, where both have one definition.

`areaUnderPR` is not there: MLflow's `precision_recall_auc` begins at precision 1.
"""


def under_mlflow_names(task: Task, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that MLflow's evaluation would log, by its names."""
    names = MLFLOW_NAMES.get(task, {})
    return {names[name]: value for name, value in metrics.items() if name in names}
