"""What evaluates a model where MLflow, or `vintage serve`, is asked: its twin, or Spark, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vintage.store.details import EvaluationDetails, ModelDetails


@dataclass(frozen=True)
class ServedBy:
    """What evaluates a model.

    Attributes:
        by: the twin, without Spark; or Spark.
        why: how like Spark the twin is, or what keeps it from serving.
    """

    by: Literal["twin", "spark"]
    why: str

    def __str__(self) -> str:
        return f"{'its twin, without Spark' if self.by == 'twin' else 'Spark'}: {self.why}"


def served_by(model: ModelDetails, evaluation: EvaluationDetails) -> ServedBy:
    """Return what evaluates a model, by its fit and its evaluation."""
    if model.twin is None:
        return ServedBy("spark", "it was fitted before there were twins")
    if model.twin.reason:
        return ServedBy("spark", model.twin.reason)
    held = evaluation.twin
    if held is None:
        return ServedBy("spark", "its twin was not held against Spark on the holdout")
    if held.differs:
        stage = f", from the stage {held.stage} on" if held.stage else ""
        return ServedBy("spark", f"the twin differs on the holdout{stage}: {held.differs}")
    how = "to the last bit" if held.apart == 0 else f"within {held.apart:.1e}"
    return ServedBy("twin", f"{held.rows} holdout rows have the same {', '.join(held.columns)}, {how}")
