"""Clusters: `org.apache.spark.ml.clustering`, Spark 4.1."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vintage.twin.arithmetic import argmax, in_order, multiply
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates


def _cluster(stage: Stage, clusters: Array) -> Column:
    return Column.full(clusters.astype(np.int32))


@evaluates("KMeansModel")
def k_means(stage: Stage) -> Evaluate:
    """Return the nearest centre."""
    order = np.argsort(stage.data["clusterIdx"])
    centres = np.stack(list(stage.data["clusterCenter"]))[order]
    names, cosine = stage.params, stage.params["distanceMeasure"] == "cosine"

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(names["featuresCol"], stage.kind)
        _require_norm(frame, vectors, stage.kind, cosine=cosine)
        clusters = argmax(-_distances(vectors, centres, cosine=cosine))
        return frame.with_columns({names["predictionCol"]: _cluster(stage, clusters)})

    return evaluate


def _require_norm(frame: Frame, vectors: Array, stage: str, *, cosine: bool) -> None:
    frame.require(np.asarray(~np.isnan(vectors).any(axis=1)), stage, "a vector with a NaN has no norm")
    if cosine:
        # Squares of the smallest numbers are 0.
        directed = np.asarray(in_order(vectors * vectors) > 0)
        frame.require(directed, stage, "cosine distance has no direction of zeros")


def _distances(vectors: Array, centres: Array, *, cosine: bool) -> Array:
    """(n, d) and (k, d) → (n, k)."""
    if cosine:
        norms = np.sqrt(in_order(vectors * vectors))[:, None] * np.sqrt(in_order(centres * centres))
        return np.asarray(1.0 - multiply(vectors, centres) / norms)
    return np.stack([in_order((vectors - centre) ** 2) for centre in centres], axis=1)


@evaluates("BisectingKMeansModel")
def bisecting_k_means(stage: Stage) -> Evaluate:
    """From the root to a leaf, each time to the nearer child."""
    order = np.argsort(stage.data["index"])
    index = np.asarray(stage.data["index"])[order]
    centres = np.stack(list(stage.data["center"]))[order]
    children = [np.searchsorted(index, stage.ragged("children")[row]) for row in order]
    parents = {int(child) for each in children for child in each}
    [root] = [node for node in range(len(index)) if node not in parents]
    leaves = _leaf_order(root, children)
    names, cosine = stage.params, stage.params["distanceMeasure"] == "cosine"

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(names["featuresCol"], stage.kind)
        _require_norm(frame, vectors, stage.kind, cosine=cosine and root not in leaves)
        clusters = np.zeros(len(vectors))
        waiting = [(root, np.arange(len(vectors)))]
        while waiting:
            node, rows = waiting.pop()
            if node in leaves:
                clusters[rows] = leaves[node]
                continue
            nearest = argmax(-_distances(vectors[rows], centres[children[node]], cosine=cosine))
            waiting += [(int(child), rows[nearest == place]) for place, child in enumerate(children[node])]
        return frame.with_columns({names["predictionCol"]: _cluster(stage, clusters)})

    return evaluate


def _leaf_order(root: int, children: list[Array]) -> dict[int, int]:
    """Return a leaf's cluster is its place among the leaves from the left."""
    leaves: dict[int, int] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if len(children[node]):
            waiting += [int(child) for child in reversed(children[node])]
        else:
            leaves[node] = len(leaves)
    return leaves


_EPSILON = float(np.finfo(np.float64).eps)


@evaluates("GaussianMixtureModel")
def gaussian_mixture(stage: Stage) -> Evaluate:
    """Return each Gaussian's part of the density at a point, and the largest."""
    gaussians = [
        (weight, _density(mean, sigma))
        for weight, mean, sigma in zip(
            *(stage.one(name) for name in ("weights", "mus", "sigmas")), strict=True
        )
    ]
    names = stage.params

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(names["featuresCol"], stage.kind)
        parts = np.stack([_EPSILON + weight * density(vectors) for weight, density in gaussians], axis=1)
        probability = parts / in_order(parts)[:, None]
        made = {
            names["predictionCol"]: _cluster(stage, argmax(probability)),
            names["probabilityCol"]: Column.full(probability),
        }
        return frame.with_columns({name: column for name, column in made.items() if name})

    return evaluate


def _density(mean: Array, sigma: Array) -> Callable[[Array], Array]:
    """`MultivariateGaussian.pdf`, whose covariance may have no inverse."""
    variances, directions = np.linalg.eigh(sigma)
    there = variances > _EPSILON * variances.max() * len(variances)
    constant = -0.5 * (len(mean) * math.log(2.0 * math.pi) + np.log(variances[there]).sum())
    root = np.where(there, 1.0 / np.sqrt(np.where(there, variances, 1.0)), 0.0)[:, None] * directions.T

    def density(vectors: Array) -> Array:
        apart = multiply(vectors - mean, root)
        return np.asarray(np.exp(constant - 0.5 * in_order(apart * apart)))

    return density
