"""How far a metric would vary, were the rows drawn again: by leaving out one group of rows after another."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.ml.families.measured import Comparison, Gain, Interval
from vintage.spec import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column
    from pyspark.sql._typing import ColumnOrName

    from vintage.ml.families import EvaluationResult, Family, Holdout

GROUPS: Final = 50
METHOD: Final = f"jackknife over {GROUPS} groups of rows"
FEWEST: Final = 10
"""Groups with rows that an interval needs."""
_SALT: Final = "groups of an interval"


def group_of(*columns: ColumnOrName) -> Column:
    """Return the group of a row, from 0: a hash of its key's columns, with a salt of its own."""
    from pyspark.sql import functions as F

    return F.pmod(F.xxhash64(F.lit(_SALT), *columns), F.lit(GROUPS)).cast("int")


def interval(value: float, left_out: Sequence[float], confidence: float) -> Interval | None:
    """Return the interval of a metric by the delete-a-group jackknife (Kott 2001).

    With G groups and the metric m_g of the rows without group g, the variance is (G - 1) / G times the sum of
    (m_g - mean)^2; the interval is that of Student's t with G - 1 degrees of freedom.

    Args:
        value: the metric of all rows.
        left_out: the metric without each group in turn; NaN for a group that has no rows.
        confidence: share of such intervals that hold the true value.

    Returns:
        None where fewer than FEWEST groups have rows, or the metric is not defined.
    """
    from scipy import stats

    known = np.array(left_out, dtype=float)
    known = known[np.isfinite(known)]
    if len(known) < FEWEST or not math.isfinite(value):
        return None
    variance = (len(known) - 1) / len(known) * float(((known - known.mean()) ** 2).sum())
    reach = float(stats.t.ppf((1 + confidence) / 2, len(known) - 1)) * math.sqrt(variance)
    return Interval(value - reach, value + reach)


def intervals(
    values: Mapping[str, float], left_out: Mapping[str, Sequence[float]], confidence: float
) -> dict[str, Interval]:
    """Metric → its interval, of those that have one.

    Args:
        values: metric → its value on all rows.
        left_out: metric → its values without each group in turn.
        confidence: as of `interval`.
    """
    found = {name: interval(values[name], each, confidence) for name, each in left_out.items()}
    return {name: each for name, each in found.items() if each is not None}


def compare_apart(family: Family, holdout: Holdout, measured: EvaluationResult) -> Comparison:
    """Return what the baseline reaches on the rows of a holdout, measured by itself, and the gains on it.

    Where the family gives the metrics without each group of rows, the same groups are left out of both
    models, so that a gain's interval is that of two answers to the same rows.
    """
    pipeline, baseline = holdout.pipeline, holdout.baseline
    if baseline is None:
        raise LookupError("there is no baseline to compare with")
    scored = family.score(holdout.rows, baseline, pipeline).persist()
    try:
        theirs = family.measure(replace(holdout, scored=scored, model=baseline, baseline=None))
    finally:
        scored.unpersist()
    gains = {}
    for name in sorted(measured.values.keys() & theirs.values.keys()):
        value = measured.values[name] - theirs.values[name]
        pairs = zip(measured.left_out.get(name, ()), theirs.left_out.get(name, ()), strict=False)
        spread = interval(value, [own - other for own, other in pairs], pipeline.evaluate.confidence)
        gains[name] = Gain(value, spread).in_direction(METRICS[pipeline.task][name])
    return Comparison(min(measured.rows, theirs.rows), theirs.values, gains)
