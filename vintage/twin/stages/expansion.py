"""Features made of features: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

from math import comb

import numpy as np

from vintage.twin.arithmetic import multiply
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates, of_vectors


@evaluates("PolynomialExpansion")
def polynomial_expansion(stage: Stage) -> Evaluate:
    """Return all products of up to `degree` slots, in Spark's order: (x, x², y, x·y, y²)."""
    degree = stage.params["degree"]

    def expanded(vectors: Array) -> Array:
        width = vectors.shape[1]
        made = np.zeros((len(vectors), comb(width + degree, degree) - 1))
        _expand(vectors, width - 1, degree, np.ones(len(vectors)), made, -1)
        return made

    return of_vectors(stage, expanded)


def _expand(vectors: Array, last: int, degree: int, multiplier: Array, made: Array, start: int) -> int:
    """`PolynomialExpansion.expandDense`: writes the products of slots up to `last` from `start` on."""
    if degree == 0 or last < 0:
        if start >= 0:  # The very first product is 1, which Spark leaves out.
            made[:, start] = multiplier
    else:
        power, place = multiplier, start
        for used in range(degree + 1):
            place = _expand(vectors, last - 1, degree - used, power, made, place)
            # Spark ends at a 0, so that an infinity makes no NaN of it.
            power = np.where(power == 0, 0.0, power * vectors[:, last])
    return start + comb(last + 1 + degree, degree)


@evaluates("DCT")
def discrete_cosine_transform(stage: Stage) -> Evaluate:
    """Return the scaled DCT-II of a vector, or its inverse: a product with the cosines.

    Spark's fast transform makes NaN of an infinity, in slots that its own steps decide: here it is refused.
    """
    [(source, made)] = stage.columns()

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(source, stage.kind)
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
        frame.require(finite, stage.kind, f"{source!r} is not finite")
        cosines = _cosines(vectors.shape[1])
        found = multiply(vectors, cosines.T if stage.params["inverse"] else cosines)
        return frame.with_columns({made: Column.full(found)})

    return evaluate


def _cosines(size: int) -> Array:
    place = np.arange(size)
    scale = np.sqrt(np.where(place == 0, 1.0, 2.0) / max(size, 1))[:, None]
    return np.asarray(scale * np.cos(np.pi * (2 * place + 1) * place[:, None] / (2 * max(size, 1))))


@evaluates("PCAModel")
def principal_components(stage: Stage) -> Evaluate:
    """Return the product with each principal component."""
    components = stage.one("pc").T
    return of_vectors(stage, lambda vectors: multiply(vectors, components))


@evaluates("Interaction")
def interaction(stage: Stage) -> Evaluate:
    """Return all products of one slot of each input, the last input's fastest; categories one-hot.

    The compiler adds what Spark reads from the columns' metadata: `cardinalities`, of each input's slots the
    number of categories, 0 for a number.
    """
    sources, made = stage.params["inputCols"], stage.params["outputCol"]
    cardinalities = stage.data["cardinalities"]

    def evaluate(frame: Frame) -> Frame:
        products = np.ones((len(frame.rows), 1))
        for name, sizes in reversed(list(zip(sources, cardinalities, strict=True))):
            slots = _encoded(frame, name, sizes, stage.kind)
            # 0 counts as not there in a one-hot, but an infinity times a number that is 0 is a NaN.
            outer = slots[:, :, None] * products[:, None, :]
            products = outer.reshape(len(outer), -1)
        return frame.with_columns({made: Column.full(products)})

    return evaluate


def _encoded(frame: Frame, name: str, sizes: list[int], stage: str) -> Array:
    column = frame[name]
    frame.require(~column.null, stage, f"{name!r} is null")
    values = column.values if column.values.ndim > 1 else frame.numbers(name).values[:, None]
    parts = []
    for slot, size in enumerate(sizes):
        part = values[:, slot]
        if size:
            known = (part >= 0) & (part < size) & (part == np.trunc(part))
            frame.require(known, stage, f"slot {slot} of {name!r} is none of {size} categories")
            parts.append((part[:, None] == np.arange(size)).astype(np.float64))
        else:
            parts.append(part[:, None])
    return np.concatenate(parts, axis=1)
