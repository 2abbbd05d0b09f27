"""What a fitted model weighs, by the names of its features: coefficients, importances, loadings, centres."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from vintage.ml.slot_names import slot_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

MOST: Final = 200
"""Features that are reported, the largest; how many others there are is counted."""

Kind = Literal[
    "coefficients",
    "linear terms",
    "importances",
    "loadings",
    "centres",
    "topics",
    "log probabilities",
    "means",
]

BY_SPREAD: Final = frozenset({"centres", "log probabilities", "means"})
"""Of these the differences between columns tell features apart; of the others the sizes do."""

_PER_UNIT: Final = frozenset({"coefficients", "linear terms"})

_VECTORS: Final[Mapping[str, Kind]] = {
    "coefficients": "coefficients",
    "featureImportances": "importances",
    "linear": "linear terms",
}
"""Attributes of fitted models that hold one number a feature."""


@dataclass(frozen=True)
class _Weights:
    """One row a slot of the vector column, one column for each of `by`, or one where `by` is empty."""

    kind: Kind
    values: NDArray[np.float64]
    by: tuple[str, ...] = ()


def importances_of(model: PipelineModel, learnt: DataFrame) -> Mapping[str, Any] | None:
    """Return what the model weighs, the largest first.

    The model is the pipeline's last stage that predicts, or the principal components where none does. What it
    gives depends on its class:

    - `coefficients`: of linear models, per unit of the feature; by class where there is one row a class.
    - `linear terms`: those of a factorization machine, whose factors are left out.
    - `importances`: of trees and forests, as Spark or XGBoost (the mean gain) has them.
    - `loadings`: the share of each feature in each principal component.
    - `centres`: of clusters, or the means of a mixture; the features that differ most between them first.
    - `topics`: the weight of each word in a topic, of all words 1.
    - `log probabilities`, or `means` for the Gaussian type: naive Bayes' by class; sorted as centres are.

    Args:
        model: a fitted pipeline.
        learnt: the rows that it was trained on, in their canonical order, on which the last bits depend.

    Returns:
        `kind`; `features`: `feature` with `value`, or with `values`, one for each of `by` (`class 0`, …); a
        value that is no finite number is None. `left_out` counts the features beyond the 200 largest.
        `coefficients` and `linear terms` have `standardised` too, the same times the standard deviation of
        the feature, and are sorted by it: a rare category has a large coefficient and moves few rows. None
        for a model that has nothing of the kind, such as ALS or a perceptron.
    """
    stage = _deciding_stage(model)
    found = None if stage is None else _weights(stage)
    if stage is None or found is None:
        return None
    param = "inputCol" if hasattr(stage, "pc") else "featuresCol"
    column = str(stage.getOrDefault(param)) if stage.hasParam(param) else "features"
    made = model.transform(learnt)
    names = slot_names(column, len(found.values), model.stages, made.schema)
    scaled = None
    # A later stage may have dropped the features.
    if found.kind in _PER_UNIT and column in made.columns:
        scaled = replace(found, values=found.values * _deviations(made, column)[:, None])
    several = bool(found.by)
    features = [
        {
            "feature": names[slot],
            **_told(found.values[slot], several=several),
            **({} if scaled is None else {"standardised": _numbers(scaled.values[slot], several=several)}),
        }
        for slot in _largest_first(scaled or found)[:MOST]
    ]
    by = {"by": list(found.by)} if found.by else {}
    return {"kind": found.kind, **by, "features": features, "left_out": len(found.values) - len(features)}


def _deviations(rows: DataFrame, column: str) -> NDArray[np.float64]:
    """Return the standard deviation of each slot of a vector column."""
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F

    [found] = rows.select(Summarizer.std(F.col(f"`{column}`")).alias("std")).collect()
    deviations: NDArray[np.float64] = found["std"].toArray()
    return deviations


def _deciding_stage(model: PipelineModel) -> Any:
    for stage in reversed(model.stages):
        if (
            stage.hasParam("predictionCol")
            or stage.hasParam("topicDistributionCol")
            or (hasattr(stage, "pc") and stage.hasParam("inputCol"))
        ):
            return stage
    return None


def _weights(stage: Any) -> _Weights | None:
    from pyspark.ml.classification import NaiveBayesModel, OneVsRestModel

    if isinstance(stage, OneVsRestModel):
        return _one_versus_rest(stage)
    if isinstance(stage, NaiveBayesModel):
        theta = stage.theta.toArray().T
        kind: Kind = "means" if stage.getOrDefault("modelType") == "gaussian" else "log probabilities"
        return _Weights(kind, theta, _numbered("class", theta))
    if hasattr(stage, "coefficientMatrix"):
        matrix = stage.coefficientMatrix.toArray().T
        return _Weights("coefficients", matrix, _numbered("class", matrix) if matrix.shape[1] > 1 else ())
    if hasattr(stage, "get_feature_importances"):
        return _boosted(stage)
    for attribute, kind in _VECTORS.items():
        if hasattr(stage, attribute):
            return _Weights(kind, getattr(stage, attribute).toArray().reshape(-1, 1))
    return _unsupervised(stage)


def _unsupervised(stage: Any) -> _Weights | None:
    if hasattr(stage, "pc"):
        loadings = stage.pc.toArray()
        return _Weights("loadings", loadings, _numbered("component", loadings, first=1))
    centres = None
    if hasattr(stage, "clusterCenters"):
        centres = stage.clusterCenters()
    elif hasattr(stage, "gaussians"):
        centres = [each.mean.toArray() for each in stage.gaussians]
    if centres is not None:
        across = np.array(centres, dtype=float).T
        return _Weights("centres", across, _numbered("cluster", across))
    if hasattr(stage, "topicsMatrix"):
        topics = stage.topicsMatrix().toArray()
        return _Weights("topics", topics / topics.sum(axis=0), _numbered("topic", topics))
    return None


def _one_versus_rest(stage: Any) -> _Weights | None:
    """By class, where each class's own model gives one number a feature."""
    found = [_weights(each) for each in stage.models]
    known = [each for each in found if each is not None and not each.by]
    if len(known) < len(found) or len({each.kind for each in known}) != 1:
        return None
    across = np.hstack([each.values for each in known])
    return _Weights(known[0].kind, across, _numbered("class", across))


def _boosted(stage: Any) -> _Weights:
    """XGBoost names the features that it split by `f0`, `f1` … and leaves the others out."""
    gains = stage.get_feature_importances(importance_type="gain")
    values = np.zeros(int(stage.get_booster().num_features()))
    for name, gain in gains.items():
        values[int(name.removeprefix("f"))] = gain
    return _Weights("importances", values.reshape(-1, 1))


def _numbered(what: str, matrix: NDArray[np.float64], first: int = 0) -> tuple[str, ...]:
    return tuple(f"{what} {place}" for place in range(first, first + matrix.shape[1]))


def _largest_first(found: _Weights) -> list[int]:
    """Return the slots by size; of equals the first slot, and last what is no number."""
    values = found.values
    sizes = np.ptp(values, axis=1) if found.kind in BY_SPREAD else np.abs(values).max(axis=1)
    order: list[int] = np.argsort(-np.where(np.isfinite(sizes), sizes, -1.0), kind="stable").tolist()
    return order


def _told(row: Sequence[float], *, several: bool) -> dict[str, Any]:
    return {"values" if several else "value": _numbers(row, several=several)}


def _numbers(row: Sequence[float], *, several: bool) -> list[float | None] | float | None:
    values = [float(value) if math.isfinite(value) else None for value in row]
    return values if several else values[0]
