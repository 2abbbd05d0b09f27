"""Sums of errors that no order of rows changes, and the regression metrics that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from vintage.ml.families.jackknife import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Row

METRICS: Final = ("rmse", "mse", "mae", "r2", "var")
TERMS: Final = ("w", "y", "yy", "p", "pp", "e", "ee")


@dataclass(frozen=True)
class Sums:
    """Rows, and the sums of a row's terms, each times its weight w.

    The weight itself; label y, prediction p, error e (absolute), and their squares.
    """

    rows: int = 0
    terms: tuple[Fraction, ...] = (Fraction(0),) * len(TERMS)

    @classmethod
    def of(cls, counted: Sequence[Row]) -> Sums:
        """Return the sums of rows of what was counted."""
        terms = (sum((Fraction(row[name]) for row in counted), Fraction(0)) for name in TERMS)
        return cls(sum(row["rows"] for row in counted), tuple(terms))

    def __add__(self, other: Sums) -> Sums:
        both = zip(self.terms, other.terms, strict=True)
        return Sums(self.rows + other.rows, tuple(own + their for own, their in both))

    def __sub__(self, other: Sums) -> Sums:
        both = zip(self.terms, other.terms, strict=True)
        return Sums(self.rows - other.rows, tuple(own - their for own, their in both))


@dataclass(frozen=True)
class Scale:
    """The units of sums: `spread` of labels and predictions, `unit` of errors."""

    spread: float
    unit: float

    def values(self, sums: Sums) -> dict[str, float]:
        """Return the metrics of the rows; NaN where they have no weight."""
        rows, y, yy, p, pp, e, ee = sums.terms
        if not rows:
            return dict.fromkeys(METRICS, math.nan)
        spread, unit = self.spread, self.unit
        mean = y / rows
        total = yy - mean * y
        explained = pp / rows - 2 * mean * p / rows + mean * mean
        mse = float(ee / rows) * unit * unit
        return {
            "rmse": math.sqrt(ee / rows) * unit,
            "mse": mse,
            "mae": float(e / rows) * unit,
            "r2": 1.0 - float(ee / total) * (unit / spread) ** 2 if total > 0 else math.nan,
            "var": float(explained) * spread * spread,
        }

    def left_out(self, groups: Mapping[int, Sums]) -> dict[str, tuple[float, ...]]:
        """Metric → its value without each group in turn; NaN without a group that has no rows."""
        whole = sum(groups.values(), Sums())
        nothing = dict.fromkeys(METRICS, math.nan)
        rests = [
            self.values(whole - groups[place])
            if place in groups and whole.rows > groups[place].rows
            else nothing
            for place in range(GROUPS)
        ]
        return {name: tuple(rest[name] for rest in rests) for name in METRICS}


def power_of_two(size: float) -> float:
    """Return the next power of two, so that a division by it loses nothing."""
    return float(2.0 ** min(math.frexp(size)[1], 1023)) if size else 1.0
