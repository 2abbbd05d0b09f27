"""How the values of a column are spread on a date and in its reference, from their profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.monitoring.profiles import pooled_quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vintage.monitoring.profiles import ColumnProfile

BINS: Final = 20
MOST_VALUES: Final = 12
_ENDS: Final = (0.005, 0.995)
"""Of numbers, the quantiles between which bins lie; what is beyond is in the first and the last."""


@dataclass(frozen=True)
class Distribution:
    """Shares of the values in bins, of the reference and of the date.

    Attributes:
        reference, found: a share for each bin.
        edges: of bins of numbers, one more than bins; empty for categories.
        values: the categories, the last of them `others` where there are more; empty for numbers.
    """

    reference: tuple[float, ...]
    found: tuple[float, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()


def distribution(
    reference: Sequence[ColumnProfile | None], found: ColumnProfile | None
) -> Distribution | None:
    """Return both distributions; None where one of the two has no values, or they are of another kind.

    Args:
        reference: the column on each date of the reference; None where it does not exist.
        found: the column on the date.
    """
    before = [each for each in reference if each is not None and each.known]
    if found is None or not found.known or {each.kind for each in before} != {found.kind}:
        return None
    match found.kind:
        case "number":
            return _of_numbers(before, found)
        case "category":
            return _of_categories(before, found)
        case _:
            return None


def _of_numbers(before: Sequence[ColumnProfile], found: ColumnProfile) -> Distribution:
    ends = np.array([pooled_quantiles(columns, _ENDS) for columns in (before, [found])])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    return Distribution(_shares(before, edges), _shares([found], edges), edges=tuple(edges.tolist()))


def _shares(columns: Sequence[ColumnProfile], edges: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the share of the columns' values in each bin; the first and the last hold what is beyond."""
    inner = edges[1:-1].tolist()
    below = np.array([column.sketch.get_cdf(inner, inclusive=True) for column in columns])
    whole = np.average(below, axis=0, weights=[column.sketch.n for column in columns])
    return tuple(np.diff(whole, prepend=0.0).tolist())


def _of_categories(before: Sequence[ColumnProfile], found: ColumnProfile) -> Distribution:
    rows = sum(each.known for each in before)
    then: dict[str, float] = {}
    for each in before:
        for value, count in (each.values or {}).items():
            then[value] = then.get(value, 0.0) + count / rows
    now = {value: count / found.known for value, count in (found.values or {}).items()}
    order = sorted({*then, *now}, key=lambda value: (-max(then.get(value, 0), now.get(value, 0)), value))
    values = order[:MOST_VALUES]
    shares = [[side.get(value, 0.0) for value in values] for side in (then, now)]
    rest = [max(0.0, 1 - sum(each)) for each in shares]
    if len(order) > MOST_VALUES or max(rest) > 1 / rows:
        return Distribution((*shares[0], rest[0]), (*shares[1], rest[1]), values=(*values, "others"))
    return Distribution(tuple(shares[0]), tuple(shares[1]), values=tuple(values))
