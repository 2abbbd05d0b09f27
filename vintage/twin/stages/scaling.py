"""Slots of a vector, each shifted and scaled: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

import numpy as np

from vintage.twin.arithmetic import in_order
from vintage.twin.columns import Array, dense_vector
from vintage.twin.description import Stage, number
from vintage.twin.registry import Evaluate, evaluates, of_vectors


@evaluates("StandardScalerModel")
def standard_scaler(stage: Stage) -> Evaluate:
    """(x - mean) · (1 / std), each where its Param says so; a slot that does not vary becomes 0."""
    mean = stage.one("mean") if stage.params["withMean"] else None
    scale = _inverse(stage.one("std"), of_zero=0.0) if stage.params["withStd"] else None
    return of_vectors(stage, lambda vectors: _shifted(vectors, mean, scale))


@evaluates("RobustScalerModel")
def robust_scaler(stage: Stage) -> Evaluate:
    """(x - median) · (1 / range), as the StandardScaler does."""
    median = stage.one("median") if stage.params["withCentering"] else None
    scale = _inverse(stage.one("range"), of_zero=0.0) if stage.params["withScaling"] else None
    return of_vectors(stage, lambda vectors: _shifted(vectors, median, scale))


@evaluates("MaxAbsScalerModel")
def max_abs_scaler(stage: Stage) -> Evaluate:
    """x · (1 / maxAbs); a slot that was 0 throughout is left as it is."""
    scale = _inverse(stage.one("maxAbs"), of_zero=1.0)
    return of_vectors(stage, lambda vectors: vectors * scale)


def _inverse(values: Array, *, of_zero: float) -> Array:
    return np.where(values == 0, of_zero, 1.0 / np.where(values == 0, 1.0, values))


def _shifted(vectors: Array, shift: Array | None, scale: Array | None) -> Array:
    shifted = vectors if shift is None else vectors - shift
    return shifted if scale is None else shifted * scale


@evaluates("MinMaxScalerModel")
def min_max_scaler(stage: Stage) -> Evaluate:
    """(x - originalMin) · ((max - min) / range) + min; the middle of both for a slot that did not vary."""
    lowest, highest = stage.one("originalMin"), stage.one("originalMax")
    low, high = stage.number("min"), stage.number("max")
    extent = highest - lowest
    scale = np.where(extent != 0, (high - low) / np.where(extent != 0, extent, 1.0), 0.0)

    def scaled(vectors: Array) -> Array:
        found = np.where(scale != 0, (vectors - lowest) * scale + low, (low + high) / 2)
        return np.where(np.isnan(vectors), vectors, found)

    return of_vectors(stage, scaled)


@evaluates("Normalizer")
def normalizer(stage: Stage) -> Evaluate:
    """x / ‖x‖ₚ; a vector of zeros stays."""
    p = stage.number("p")

    def unit(vectors: Array) -> Array:
        norm = _norm(np.abs(vectors), p)[:, None]
        return np.where(norm != 0, vectors / np.where(norm != 0, norm, 1.0), vectors)

    return of_vectors(stage, unit)


def _norm(sizes: Array, p: float) -> Array:
    """`Vectors.norm` of absolute values, (n, d) → (n,)."""
    if p == 1:
        return in_order(sizes)
    if p == 2:  # noqa: PLR2004 - Euclid's
        return np.asarray(np.sqrt(in_order(sizes * sizes)))
    if np.isinf(p):
        # Java's `>`, which no NaN is.
        return np.asarray(np.fmax.reduce(sizes, axis=1, initial=0.0))
    return np.asarray(in_order(sizes**p) ** (1.0 / p))


@evaluates("ElementwiseProduct")
def elementwise_product(stage: Stage) -> Evaluate:
    """Return each slot times its own weight."""
    given = stage.params["scalingVec"]
    weights = dense_vector({**given, "values": [number(each) for each in given["values"]]})
    return of_vectors(stage, lambda vectors: vectors * weights)


@evaluates("IDFModel")
def inverse_document_frequency(stage: Stage) -> Evaluate:
    """Return each term's frequency times its idf."""
    idf = stage.one("idf")
    return of_vectors(stage, lambda vectors: vectors * idf)
