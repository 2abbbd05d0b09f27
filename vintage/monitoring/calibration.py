"""What calm dates do not exceed: quantiles of the past, without the dates that are outliers themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALM_DATES: Final = 7
"""Comparisons of the past from which bounds are calibrated; with fewer the conventional ones hold."""
QUANTILE: Final = 0.99
MOST_RAISED: Final = 2.0
"""By how much bounds are raised at most: else one odd date of one column would hide the drift of all."""
MOST_OUTLIERS: Final = 0.1
"""Share of the past that may be left out: what happens more often is no outlier."""

_DEVIATIONS: Final = 5.0
_SIGMA: Final = 1.4826
"""Median absolute deviations of a normal distribution in one standard deviation."""


def usual(values: NDArray[np.float64]) -> float:
    """Return what calm dates do not exceed."""
    return float(np.quantile(values, QUANTILE))


def usual_without_each(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value what the others do not exceed on calm dates."""
    return _quantile_of_others(values, QUANTILE * (len(values) - 2))


def most_without_each(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value the largest of the others, but for as many as may be outliers.

    Two outliers would else be the measure of each other.
    """
    return _quantile_of_others(values, float(np.ceil((1 - MOST_OUTLIERS) * (len(values) - 2))))


def _quantile_of_others(values: NDArray[np.float64], place: float) -> NDArray[np.float64]:
    """Return for each value the one at a place among all the others, interpolated between two of them."""
    order = np.argsort(values)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(values))
    below = int(place)
    above = min(below + 1, len(values) - 2)

    def of_the_others(index: int) -> NDArray[np.float64]:
        return np.asarray(np.where(index < ranks, values[order[index]], values[order[index + 1]]))

    lower, upper = of_the_others(below), of_the_others(above)
    return np.asarray(lower + (place - below) * (upper - lower))


def ordinary(severities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which dates of the past are to calibrate bounds: all but the few outliers among them.

    An outlier is further out than bounds are ever raised, and by five standard deviations, taken from the
    median absolute deviation, further than the median (Leys et al., Detecting outliers: Do not use standard
    deviation around the mean, use absolute deviation around the median, 2013). At most one date in ten is
    left out, the furthest ones.

    Args:
        severities: of each date the largest of its columns, by what most of all other dates do.
    """
    kept = np.full(len(severities), True)
    most = int(MOST_OUTLIERS * len(severities))
    if most == 0:
        return kept
    far = severities > max(far_above(severities), MOST_RAISED)
    furthest = np.argsort(-severities, kind="stable")[:most]
    kept[[place for place in furthest if far[place]]] = False
    return kept


def far_above(values: NDArray[np.float64]) -> float:
    """Return what is five standard deviations, from the median absolute deviation, above the median."""
    middle = float(np.median(values))
    return middle + _DEVIATIONS * _SIGMA * float(np.median(np.abs(values - middle)))
