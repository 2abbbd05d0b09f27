"""The metrics that a gate may name, per task: Spark's own names, and which direction is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Task = Literal["classification", "regression", "clustering", "recommendation", "reduction"]

LABELLED: Final[frozenset[Task]] = frozenset({"classification", "regression"})
"""Tasks whose models learn a label; the others may have one."""

SLICED: Final[frozenset[Task]] = LABELLED
"""Tasks whose holdout is measured row by row, so that its rows can be sliced and weighed: a cluster's or a
ranking's quality is one of all rows."""

COMPARING: Final = frozenset({"stability", "subspaceChange"})
"""Metrics that compare a model with the one that served before it; without one they are not defined."""

BROKEN_DATES: Final = "brokenDates"
"""Dates of the window whose feature rows are broken: of the data behind a model, whatever its task."""


_BELOW_ONE: Final = frozenset({"r2", "silhouette", "stability"})
_UNBOUNDED: Final = frozenset(
    {"var", "rmse", "mse", "mae", "logLoss", "cost", "reconstructionError", BROKEN_DATES}
)
_ANSWERS: Final = frozenset(
    {
        *("areaUnderROC", "areaUnderPR", "accuracy", "precision", "recall", "f1", "logLoss"),
        *("weightedPrecision", "weightedRecall", "weightedFMeasure", "r2", "rmse", "mse", "mae"),
        *("precisionAtK", "recallAtK", "ndcgAtK", "meanAveragePrecision"),
    }
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that says how good a model is.

    Attributes:
        name: as a gate names it.
        larger_is_better: whether it is.
        best: what it is when every answer is right; None where it says nothing of answers.
    """

    name: str
    larger_is_better: bool = True
    best: float | None = None

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the most that it can be."""
        if self.name in _BELOW_ONE:
            return -math.inf, 1.0
        if self.name in _UNBOUNDED:
            return 0.0, math.inf
        return 0.0, 1.0


def _named(*larger: str, smaller: tuple[str, ...] = ()) -> Mapping[str, Metric]:
    metrics = [
        *(Metric(name, best=1.0 if name in _ANSWERS else None) for name in larger),
        *(Metric(name, larger_is_better=False, best=0.0 if name in _ANSWERS else None) for name in smaller),
    ]
    return {metric.name: metric for metric in metrics}


METRICS: Final[Mapping[Task, Mapping[str, Metric]]] = {
    "classification": _named(
        *("areaUnderROC", "areaUnderPR", "accuracy", "precision", "recall", "f1"),
        *("weightedPrecision", "weightedRecall", "weightedFMeasure"),
        smaller=("logLoss",),
    ),
    "regression": _named("r2", "var", smaller=("rmse", "mse", "mae")),
    "clustering": _named("silhouette", "stability", smaller=("cost",)),
    "recommendation": _named(
        *("precisionAtK", "recallAtK", "ndcgAtK", "meanAveragePrecision"),
        *("userCoverage", "itemCoverage", "catalogCoverage"),
        smaller=("rmse", "mae"),
    ),
    "reduction": _named("explainedVariance", smaller=("reconstructionError", "subspaceChange")),
}

OF_DATA: Final[Mapping[str, Metric]] = _named(smaller=(BROKEN_DATES,))
"""Metrics that a gate of any task may name beside the task's own: they say nothing of answers."""
