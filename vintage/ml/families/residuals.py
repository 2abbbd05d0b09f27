"""Residuals counted in bins: their quantiles, and how they are spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.ml.families.error_sums import Sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, Row

    from vintage.ml.families.error_sums import Scale

QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
GROWTH: Final = 1.001
"""Bounds of a bin of residuals: each is so many times the one before it."""
SMALLEST: Final = 1e-9
"""Residuals below this share of the largest count as zero in the quantiles."""
COUNTED: Final = 20
"""Bars of the spread."""
PREDICTED: Final = 20
"""Bins of predictions that are reported, of about as many rows each."""
_FINE: Final = 1024
_ENDS: Final = (0.005, 0.995)


def residual_bin(residual: Column, largest: float) -> Column:
    """0 for what is all but zero; else the sign and the number of bounds up to the residual's size."""
    from pyspark.sql import functions as F

    floor = largest * SMALLEST
    if not floor:
        return F.lit(0)
    steps = F.floor(F.log(F.abs(residual) / floor) / math.log(GROWTH)).cast("int") + 1
    return F.when(F.abs(residual) <= floor, 0).otherwise(F.signum(residual).cast("int") * steps)


def quantiles_of(counted: Sequence[Row], rows: int) -> dict[str, float]:
    """Return the residual at each share of the rows, as far as its bin tells; the ends are exact."""
    bins: list[Any] = sorted(counted, key=lambda row: row["bin"])
    found: dict[str, float] = {}
    for share in QUANTILES:
        rank, passed = max(1, math.ceil(share * rows)), 0
        for row in bins:
            passed += row["rows"]
            if passed >= rank:
                found[f"{share:g}"] = float(row["least"] if share == 0 else row["most"])
                break
    return found


def spread_of(counted: Sequence[Row], rows: int) -> dict[str, list[float]]:
    """Return rows by residual, in bars of equal width: `edges` and `rows`.

    The bars reach from the quantile 0.005 to 0.995; what lies beyond counts to the first and the last.
    """
    bins: list[Any] = sorted(counted, key=lambda row: row["bin"])
    middle = np.array([(row["least"] + row["most"]) / 2 for row in bins], dtype=float)
    weights = np.array([row["rows"] for row in bins], dtype=float)
    passed = weights.cumsum()
    ends = np.searchsorted(passed, [share * rows for share in _ENDS]).clip(max=len(bins) - 1)
    low, high = (float(middle[end]) for end in ends)
    edges = np.linspace(low, high if high > low else low + 1.0, COUNTED + 1)
    place = np.clip(np.searchsorted(edges, middle, side="right") - 1, 0, COUNTED - 1)
    counts = np.bincount(place, weights=weights, minlength=COUNTED)
    return {"edges": edges.tolist(), "rows": counts.astype(int).tolist()}


def prediction_bin(prediction: Column) -> Column:
    """Return one of 1024 bins of equal width; of a prediction scaled to lie from -1 to 1."""
    from pyspark.sql import functions as F

    return F.least(F.floor((prediction + 1) * (_FINE / 2)), F.lit(_FINE - 1)).cast("int")


def by_prediction(counted: Sequence[Row], middle: float, scale: Scale) -> Iterator[dict[str, float]]:
    """Join neighbouring bins until each has its share of the rows, and tell the means of each.

    Args:
        counted: rows and sums by `predicted`.
        middle: what labels and predictions were counted from.
        scale: their units.
    """
    bins: list[Any] = sorted(counted, key=lambda row: row["predicted"])
    every, passed, told, together = sum(row["rows"] for row in bins), 0, 0, Sums()
    for row in bins:
        together += Sums.of([row])
        passed += row["rows"]
        share = passed * PREDICTED // every
        if share > told:
            told = share
            weight, y, _, p, *_, ee = together.terms
            if weight:
                yield {
                    "rows": together.rows,
                    "predicted": middle + float(p / weight) * scale.spread,
                    "actual": middle + float(y / weight) * scale.spread,
                    "rmse": math.sqrt(ee / weight) * scale.unit,
                }
            together = Sums()
