"""Naive Bayes: `org.apache.spark.ml.classification.NaiveBayesModel`, Spark 4.1."""

from __future__ import annotations

import math

import numpy as np

from vintage.twin.arithmetic import in_order, multiply
from vintage.twin.columns import Array, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates
from vintage.twin.stages.prediction import Scores, classifier


@evaluates("NaiveBayesModel")
def naive_bayes(stage: Stage) -> Evaluate:
    """Return the log of each class's probability up to a constant."""
    kind = stage.params["modelType"].lower()
    priors, theta = stage.one("pi"), stage.one("theta")
    if kind == "gaussian":
        return classifier(stage, _gaussian(priors, theta, stage.one("sigma")), _probability)
    if kind == "bernoulli":
        absent = np.log1p(-np.exp(theta))
        constant = priors + in_order(absent)
        raw: Scores = lambda vectors: multiply(vectors, theta - absent) + constant  # noqa: E731
    elif kind == "complement":
        raw = lambda vectors: _complement(multiply(vectors, theta))  # noqa: E731
    else:
        raw = lambda vectors: multiply(vectors, theta) + priors  # noqa: E731
    evaluate = classifier(stage, raw, _probability)
    allowed = "0 or 1" if kind == "bernoulli" else "not negative"
    features = stage.params["featuresCol"]

    def of_counts(frame: Frame) -> Frame:
        vectors = frame.vectors(features, stage.kind)
        valid = np.isin(vectors, (0.0, 1.0)) if kind == "bernoulli" else vectors >= 0
        frame.require(
            np.asarray(valid.all(axis=1)), stage.kind, f"every slot of {features!r} must be {allowed}"
        )
        return evaluate(frame)

    return of_counts


def _gaussian(priors: Array, means: Array, variances: Array) -> Scores:
    constant = np.array([sum(math.log(each) for each in row) for row in variances])

    def raw(vectors: Array) -> Array:
        distance = vectors[:, None, :] - means
        return np.asarray(priors - (in_order(distance * distance / variances) + constant) / 2.0)

    return raw


def _complement(scores: Array) -> Array:
    largest = scores.max(axis=1, keepdims=True)
    return np.asarray(scores - (np.log(in_order(np.exp(scores - largest))) + largest[:, 0])[:, None])


def _probability(raw: Array) -> Array:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / in_order(powers)[:, None])
