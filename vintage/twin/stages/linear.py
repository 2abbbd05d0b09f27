"""Linear models: `org.apache.spark.ml.classification` and `.regression`, Spark 4.1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from vintage.twin.arithmetic import dot, logistic, multiply, softmax
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates
from vintage.twin.stages.prediction import beside, classifier, regressor, two_sided


def _product(stage: Stage, name: str) -> Callable[[Array], Array]:
    """Return what multiplies vectors by a model's weights: (n, d) → (n,), or (n, k) of a matrix of k rows.

    Of sparse weights Spark multiplies those that are stored: another slot may hold an infinity or a NaN.
    """
    weights, stored = stage.one(name), stage.data.get(f"{name}.stored")
    if stored is None:
        return lambda vectors: (multiply if weights.ndim > 1 else dot)(vectors, weights)
    if weights.ndim == 1:
        slots, kept = stored[0], weights[stored[0]]
        return lambda vectors: dot(vectors[:, slots], kept)
    rows = [(slots, row[slots]) for row, slots in zip(weights, stored[0], strict=True)]
    return lambda vectors: np.stack([dot(vectors[:, slots], kept) for slots, kept in rows], axis=1)


@evaluates("LogisticRegressionModel")
def logistic_regression(stage: Stage) -> Evaluate:
    """Of two classes the margin decides, over log(t / (1 - t)); of several the softmax of the margins."""
    product, intercepts = _product(stage, "coefficientMatrix"), stage.one("interceptVector")
    if stage.one("isMultinomial"):
        return classifier(stage, lambda vectors: product(vectors) + intercepts, softmax)
    threshold = _log_odds(_threshold(stage))
    return classifier(
        stage,
        lambda vectors: two_sided(product(vectors)[:, 0] + intercepts[0]),
        lambda raw: beside(logistic(raw[:, 0])),
        lambda raw: (raw[:, 1] > threshold).astype(np.float64),
    )


def _threshold(stage: Stage) -> float:
    """`LogisticRegressionParams.getThreshold`."""
    if stage.params.get("thresholds") is None:
        return stage.number("threshold")
    first, second = stage.numbers("thresholds")
    return float(1.0 / (1.0 + first / second))


def _log_odds(probability: float) -> float:
    if probability in (0.0, 1.0):
        return math.inf if probability else -math.inf
    return math.log(probability / (1.0 - probability))


@evaluates("LinearSVCModel")
def linear_svc(stage: Stage) -> Evaluate:
    """Return the sign of the margin, or another threshold of it."""
    product, intercept = _product(stage, "coefficients"), stage.one("intercept")
    threshold = stage.number("threshold")
    return classifier(
        stage,
        lambda vectors: two_sided(product(vectors) + intercept),
        None,
        lambda raw: (raw[:, 1] > threshold).astype(np.float64),
    )


@evaluates("LinearRegressionModel")
def linear_regression(stage: Stage) -> Evaluate:
    """coefficients · x + intercept."""
    product, intercept = _product(stage, "coefficients"), stage.one("intercept")
    return regressor(stage, lambda vectors: product(vectors) + intercept)


@evaluates("AFTSurvivalRegressionModel")
def survival_regression(stage: Stage) -> Evaluate:
    """exp(coefficients · x + intercept), and quantiles of the Weibull distribution with that scale."""
    product, intercept, scale = _product(stage, "coefficients"), stage.one("intercept"), stage.one("scale")
    made = stage.params["predictionCol"]
    quantiles_column = stage.params.get("quantilesCol")
    quantiles = np.exp(np.log(-np.log1p(-stage.numbers("quantileProbabilities"))) * scale)
    predict = regressor(stage, lambda vectors: np.exp(product(vectors) + intercept))

    def evaluate(frame: Frame) -> Frame:
        frame = predict(frame)
        if not quantiles_column:
            return frame
        return frame.with_columns({quantiles_column: Column.full(frame[made].values[:, None] * quantiles)})

    return evaluate


_EPSILON: Final = 1e-16
"""`GeneralizedLinearRegression.epsilon`."""
_MOST: Final = np.finfo(np.float64).max


def _gaussian_cdf(value: Array) -> Array:
    return np.array([0.5 * (1.0 + math.erf(each / math.sqrt(2.0))) for each in value.tolist()])


_UNLINK: Final[Mapping[str, Callable[[Array], Array]]] = {
    "identity": lambda eta: eta,
    "logit": logistic,
    "log": np.exp,
    "inverse": lambda eta: 1.0 / eta,
    "probit": _gaussian_cdf,
    "cloglog": lambda eta: 1.0 - np.exp(-1.0 * np.exp(eta)),
    "sqrt": lambda eta: eta * eta,
}
_LINK_OF: Final[Mapping[str, str]] = {
    "gaussian": "identity",
    "binomial": "logit",
    "poisson": "log",
    "gamma": "inverse",
}
_LINK_OF_POWER: Final[Mapping[float, str]] = {0.0: "log", 1.0: "identity", -1.0: "inverse", 0.5: "sqrt"}
_FAMILY_OF_POWER: Final[Mapping[float, str]] = {0.0: "gaussian", 1.0: "poisson", 2.0: "gamma"}


@evaluates("GeneralizedLinearRegressionModel")
def generalized_linear_regression(stage: Stage) -> Evaluate:
    """Return the family's mean at the link's inverse of coefficients · x + intercept + offset."""
    product, intercept = _product(stage, "coefficients"), stage.one("intercept")
    family, unlink = _family_and_unlink(stage)
    names = stage.params
    offset = names.get("offsetCol") or ""

    def evaluate(frame: Frame) -> Frame:
        eta = product(frame.vectors(names["featuresCol"], stage.kind)) + intercept
        unknown = np.zeros(len(eta), dtype=bool)
        if offset:
            # Without its offset a row has no prediction.
            given = frame.numbers(offset)
            eta, unknown = eta + given.values, given.null
        made = {names["predictionCol"]: _projected(unlink(eta), family), names.get("linkPredictionCol"): eta}
        return frame.with_columns({name: Column(values, unknown) for name, values in made.items() if name})

    return evaluate


def _family_and_unlink(stage: Stage) -> tuple[str, Callable[[Array], Array]]:
    family = stage.params["family"].lower()
    if family != "tweedie":
        return family, _UNLINK[(stage.params.get("link") or _LINK_OF[family]).lower()]
    variance = stage.number("variancePower")
    power = 1.0 - variance if stage.params.get("linkPower") is None else stage.number("linkPower")
    family = _FAMILY_OF_POWER.get(variance, "tweedie")
    if power in _LINK_OF_POWER:
        return family, _UNLINK[_LINK_OF_POWER[power]]
    return family, lambda eta: eta ** (1.0 / power)


def _projected(mean: Array, family: str) -> Array:
    """`Family.project`: a mean that its family can have."""
    if family == "gaussian":
        return np.where(np.isinf(mean), np.sign(mean) * _MOST, mean)
    if family == "binomial":
        return np.where(mean < _EPSILON, _EPSILON, np.where(mean > 1 - _EPSILON, 1 - _EPSILON, mean))
    return np.where(mean < _EPSILON, _EPSILON, np.where(np.isinf(mean), _MOST, mean))
