"""How far the metrics of classified rows would vary, were the rows drawn again: a bootstrap of cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.ml.families.cells import metrics_of
from vintage.ml.families.measured import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from vintage.ml.families.cells import Cells

    Floats = NDArray[np.float64]

REPLICATES: Final = 400
"""Resamples behind an interval."""
METHOD: Final = f"percentiles of {REPLICATES} Poisson resamples of the rows"
FEWEST_DEFINED: Final = 0.9
"""Share of the resamples that must define a metric for it to have an interval."""
MOST_CLASSES: Final = 50
"""Classes beyond which no interval is given: each resample would need a matrix of their square."""
GROUPS: Final = 1024
"""Groups of ranks to which scores are joined before they are resampled."""
_AT_ONCE: Final = 4_000_000


def intervals(cells: Cells, *, confidence: float, seed: int, groups: int = GROUPS) -> dict[str, Interval]:
    """Confidence intervals of the metrics of these rows.

    By a Poisson bootstrap (Hanley and MacGibbon 2006; Chamandy et al. 2012): a resample gives each row a
    weight that is Poisson with mean 1. Rows of one cell do the same to every metric, and the sum of n such
    weights is Poisson with mean n; so a resample is drawn for each cell at once, with no further pass over
    the rows. Of rows that are weighed, a cell's sum of weight times Poisson is drawn as a multiple of one
    Poisson number that has its mean and variance (Bohm and Zech 2014): exact where a cell's rows weigh
    alike. The interval is that of the percentiles of the resampled metric (Efron and Tibshirani 1993,
    chapter 13).

    Args:
        cells: the rows.
        confidence: share of such intervals that hold the true value, such as 0.95.
        seed: of the resamples.
        groups: to how many groups of ranks scores are joined before they are resampled.
    """
    if len(cells.classes) > MOST_CLASSES:
        return {}
    values, coarse = cells.values(), cells.coarser(groups)
    base = coarse.values()
    drawn = _resampled(coarse, seed, lambda weights: metrics_of(coarse, weights))
    return _percentiles(drawn, values, base, confidence)


def gain_intervals(
    ours: Cells, theirs: Cells, gains: Mapping[str, float], *, confidence: float, seed: int
) -> dict[str, Interval]:
    """Confidence intervals of differences between two models on the same rows, by the same bootstrap.

    Args:
        ours: the rows by the one model's answers.
        theirs: the same rows, cell by cell, by the other's.
        gains: metric → the one's value less the other's, on all the rows.
        confidence: as above.
        seed: of the resamples.
    """
    if max(len(ours.classes), len(theirs.classes)) > MOST_CLASSES:
        return {}

    def difference(weights: Floats) -> dict[str, Floats]:
        own, other = metrics_of(ours, weights), metrics_of(theirs, weights)
        return {name: own[name] - other[name] for name in own.keys() & other.keys()}

    base = difference(ours.weight[None, :])
    drawn = _resampled(ours, seed, difference)
    return _percentiles(drawn, gains, {name: float(value[0]) for name, value in base.items()}, confidence)


def _percentiles(
    drawn: Mapping[str, Floats], values: Mapping[str, float], base: Mapping[str, float], confidence: float
) -> dict[str, Interval]:
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    found = {}
    for name, each in drawn.items():
        known = each[np.isfinite(each)]
        value = values.get(name, math.nan)
        if len(known) < FEWEST_DEFINED * len(each) or not math.isfinite(value):
            continue
        low, high = np.quantile(known, tails) - base[name] + value
        found[name] = Interval(float(low), float(high))
    return found


def _resampled(
    cells: Cells, seed: int, metrics: Callable[[Floats], Mapping[str, Floats]]
) -> dict[str, Floats]:
    if not len(cells.rows):
        return {}
    random = np.random.default_rng(seed)
    parts = [metrics(weights) for weights in _weights(cells, random)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _weights(cells: Cells, random: np.random.Generator) -> Iterator[Floats]:
    left, step = REPLICATES, max(1, _AT_ONCE // len(cells.rows))
    weight, squares = cells.weight, cells.squares
    unit = np.divide(squares, weight, out=np.zeros_like(weight), where=weight > 0)
    mean = np.divide(weight, unit, out=np.zeros_like(weight), where=unit > 0)
    while left > 0:
        yield random.poisson(mean, size=(min(step, left), len(mean))).astype(float) * unit
        left -= step
