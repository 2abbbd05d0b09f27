"""From scores to the columns of a classifier: `org.apache.spark.ml.classification`, Spark 4.1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vintage.twin.arithmetic import argmax
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate

Scores = Callable[[Array], Array]
"""From vectors (n, d) to scores of classes (n, k)."""


def regressor(stage: Stage, predict: Callable[[Array], Array]) -> Evaluate:
    """Return the one column of a regression model, of its features."""
    features, made = stage.params["featuresCol"], stage.params["predictionCol"]

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(features, stage.kind)
        return frame.with_columns({made: Column.full(predict(vectors))}) if made else frame

    return evaluate


def classifier(
    stage: Stage,
    raw: Scores,
    probability: Scores | None,
    predict: Callable[[Array], Array] | None = None,
) -> Evaluate:
    """Return the columns of a classification model: those that have a name.

    Args:
        stage: the model.
        raw: from the features.
        probability: from the raw prediction; None for a model that has none.
        predict: the class from the raw prediction, where the model does not take the largest.
    """
    features, names = stage.params["featuresCol"], stage.params

    def evaluate(frame: Frame) -> Frame:
        scores = raw(frame.vectors(features, stage.kind))
        found = {names["rawPredictionCol"]: scores}
        if probability is not None:
            found[names["probabilityCol"]] = probability(scores)
        if predict is not None:
            found[names["predictionCol"]] = predict(scores)
        elif stage.params.get("thresholds") is not None and probability is not None:
            found[names["predictionCol"]] = argmax(_over(probability(scores), stage.numbers("thresholds")))
        elif probability is not None and names["probabilityCol"] and not names["rawPredictionCol"]:
            found[names["predictionCol"]] = argmax(probability(scores))
        else:
            found[names["predictionCol"]] = argmax(scores)
        return frame.with_columns({name: Column.full(values) for name, values in found.items() if name})

    return evaluate


def _over(probability: Array, thresholds: Array) -> Array:
    """`probability2prediction`: a threshold of 0 takes all, unless its class has the probability 0."""
    scaled = probability / thresholds
    return np.where(np.isnan(scaled), -np.inf, scaled)


def two_sided(margin: Array) -> Array:
    """Return the raw prediction of two classes, (n,) → (n, 2)."""
    return np.stack([-margin, margin], axis=1)


def beside(first: Array) -> Array:
    """Return the probabilities of two classes from that of class 0, (n,) → (n, 2)."""
    return np.stack([first, 1.0 - first], axis=1)
