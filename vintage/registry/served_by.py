"""What evaluates a model where MLflow, or `vintage serve`, is asked: its twin, or Spark, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vintage.store.details import EvaluationDetails, ModelDetails, RawDetails, RawParityDetails


@dataclass(frozen=True)
class ServedBy:
    """What evaluates a model.

    Attributes:
        by: the twin, without Spark; or Spark.
        why: how like Spark the twin is, or what keeps it from serving.
        rows: what a request holds: the raw columns, or those after preprocess.
        why_rows: what shows that raw columns give the same, or what keeps them from being taken.
    """

    by: Literal["twin", "spark"]
    why: str
    rows: Literal["raw", "features"] = "features"
    why_rows: str = ""

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
        return ServedBy("spark", "its twin was not compared with Spark on the holdout")
    if held.differs:
        stage = f", from the stage {held.stage} on" if held.stage else ""
        return ServedBy("spark", f"the twin differs on the holdout{stage}: {held.differs}")
    how = "to the last bit" if held.apart == 0 else f"within {held.apart:.1e}"
    why = f"{held.rows} holdout rows have the same {', '.join(held.columns)}, {how}"
    return ServedBy("twin", why, *_rows(model.twin.raw, evaluation.raw))


def _rows(made: RawDetails | None, held: RawParityDetails | None) -> tuple[Literal["raw", "features"], str]:
    """Return what a request holds, and why, of a model that its twin serves."""
    if made is None:
        return "features", "the model was fitted before twins took raw rows"
    if made.reason:
        return "features", made.reason
    if held is None:
        return "features", "the twin's features were not compared with those of the holdout"
    if held.differs:
        return "features", f"the raw rows of the holdout give other features: {held.differs}"
    return "raw", f"{held.rows} raw rows of the holdout's dates give the features that Spark made of them"
