"""Arithmetic in the order in which Spark's JVM does it."""

from __future__ import annotations

import numpy as np

from vintage.twin.columns import Array


def in_order(terms: Array) -> Array:
    """Sum along the last axis from the first term to the last, (…, d) → (…).

    numpy's own sum adds in pairs, and would round otherwise. So does Spark's BLAS for dense vectors, in two
    lanes with fused products: there the last bits may differ.
    """
    if terms.shape[-1] == 0:
        return np.zeros(terms.shape[:-1])
    # Java begins with 0.0, which makes a 0.0 of a -0.0.
    return np.asarray(np.add.accumulate(terms, axis=-1)[..., -1] + 0.0)


def dot(vectors: Array, weights: Array) -> Array:
    """Return the product of each vector with the same weights, (n, d) and (d,) → (n,)."""
    return in_order(vectors * weights)


def multiply(vectors: Array, matrix: Array) -> Array:
    """Return the product of a matrix with each vector, (n, d) and (k, d) → (n, k)."""
    return np.stack([dot(vectors, row) for row in matrix], axis=1) if len(matrix) else vectors[:, :0]


def argmax(scores: Array) -> Array:
    """Return the place of each row's largest number as a double, (n, k) → (n,), as `Vector.argmax` finds it.

    The first of equals, and never a NaN but that of the first place, which nothing is larger than.
    """
    place, best = np.zeros(len(scores)), scores[:, 0].copy()
    for number in range(1, scores.shape[1]):
        larger = scores[:, number] > best
        place[larger] = number
        best[larger] = scores[larger, number]
    return place


def logistic(margin: Array) -> Array:
    """1 / (1 + exp(-margin))."""
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def normalized(scores: Array) -> Array:
    """`ProbabilisticClassificationModel.normalizeToProbabilities`: each row over its sum, if not 0."""
    total = in_order(scores)[:, None]
    return np.where(total != 0, scores / np.where(total != 0, total, 1.0), scores)


def softmax(margins: Array) -> Array:
    """`org.apache.spark.ml.impl.Utils.softmax`: an infinite margin takes all."""
    infinite: Array = np.asarray(margins == np.inf)
    # As Java's `>`: a NaN is never the largest.
    largest = np.fmax.reduce(np.where(infinite, -np.inf, margins), axis=1, initial=np.finfo(np.float64).min)
    powers = np.exp(margins - largest[:, None])
    found = powers * (1.0 / in_order(powers))[:, None]
    first: Array = np.argmax(infinite, axis=1)
    takes_all = np.arange(margins.shape[1]) == first[:, None]
    any_infinite: Array = np.any(infinite, axis=1, keepdims=True)
    # Spark multiplies the others by 0, which makes a NaN of a further infinity.
    return np.asarray(np.where(any_infinite, np.where(takes_all, 1.0, 0.0 * margins), found))
