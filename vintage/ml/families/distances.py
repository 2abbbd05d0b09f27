"""How far a clustering's metrics would vary, were the rows drawn again: from a bounded sample of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.ml.families.jackknife import GROUPS, group_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    Floats = NDArray[np.float64]

VECTOR: Final = "__vector"
"""Column of a scored holdout: the vector that squared distances are of."""
SAMPLED: Final = 4096
"""Rows that are collected at the most."""
_SALT: Final = "sample of an interval"


def left_out(
    scored: DataFrame, key: Sequence[Column], rows: int, centres: Sequence[NDArray[Any]] | None
) -> dict[str, tuple[float, ...]]:
    """`silhouette`, and `cost` where there are centres, without each group of rows in turn.

    A silhouette is of all rows together: without a group, the clusters' means move as well. So the rows of a
    sample are measured again without each group; and as a mean over n rows varies as 1/√n, what they vary by
    is that of the sample times √(sample / rows).

    Args:
        scored: `prediction` (int), VECTOR, and the key.
        key: columns that identify a row; the sample is the first of them by a hash.
        rows: how many there are.
        centres: of the clusters, by number.
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    sampled = (
        scored.select(*key, "prediction", VECTOR)
        .orderBy(F.xxhash64(F.lit(_SALT), *key), *key)
        .limit(SAMPLED)
        .select("prediction", group_of(*key).alias("group"), vector_to_array(F.col(VECTOR)).alias("vector"))
        .collect()
    )
    clusters = np.array([row["prediction"] for row in sampled])
    groups = np.array([row["group"] for row in sampled])
    points = np.array([row["vector"] for row in sampled], dtype=float)
    nearness = math.sqrt(len(sampled) / rows)
    found = {"silhouette": _without(groups, lambda kept: silhouette_of(points[kept], clusters[kept]))}
    if centres is not None:
        costs = ((points - np.array(centres)[clusters]) ** 2).sum(axis=1)
        found["cost"] = _without(groups, lambda kept: float(costs[kept].mean()) * rows)
    return {name: tuple(_nearer(values, nearness).tolist()) for name, values in found.items()}


def silhouette_of(points: Floats, clusters: NDArray[np.int_]) -> float:
    """Return the mean silhouette of rows by their squared Euclidean distances (Rousseeuw 1987).

    With the mean m of a cluster's n rows and their mean squared distance v to it, the mean squared distance
    of a row x to them is |x - m|² + v; to the others of its own cluster it is n/(n - 1) times that. A row
    that is alone in its cluster has silhouette 0.

    Args:
        points: one row each.
        clusters: the cluster of each row.

    Returns:
        NaN where all rows are of one cluster.
    """
    names, places, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(names) < 2:  # noqa: PLR2004
        return math.nan
    away = np.empty((len(points), len(names)))
    for place in range(len(names)):
        members = points[places == place]
        mean = members.mean(axis=0)
        within = ((members - mean) ** 2).sum(axis=1).mean()
        away[:, place] = ((points - mean) ** 2).sum(axis=1) + within
    each, size = np.arange(len(points)), sizes[places]
    own = away[each, places] * size / np.maximum(size - 1, 1)
    away[each, places] = math.inf
    nearest = away.min(axis=1)
    most = np.maximum(own, nearest)
    values = np.divide(nearest - own, most, out=np.zeros_like(own), where=(most > 0) & (size > 1))
    return float(values.mean())


def _without(groups: NDArray[np.int_], measure: Any) -> Floats:
    """Return a measure without each group in turn; NaN where the group has no rows, or all of them."""
    found = np.full(GROUPS, math.nan)
    for group in np.unique(groups):
        kept = groups != group
        if kept.any():
            found[group] = measure(kept)
    return found


def _nearer(values: Floats, share: float) -> Floats:
    """Return values with their distances from their mean made so much smaller."""
    known = values[np.isfinite(values)]
    middle = known.mean() if len(known) else math.nan
    return middle + (values - middle) * share
