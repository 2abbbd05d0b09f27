"""Columns of a date against a reference: how far they moved, and how far they move on calm dates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.monitoring.distances import (
    jensen_shannon,
    kolmogorov_smirnov,
    largest_difference,
    population_stability,
    shares,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from vintage.monitoring.profiles import ColumnProfile, Profile

MEASURES: Final = ("psi", "js", "ks", "linf", "outside", "new", "nulls")
"""In the order in which they are shown; which ones a column has depends on its type."""

CONVENTIONAL: Final[Mapping[str, float]] = {
    "psi": 0.2,
    "js": 0.1,
    "ks": 0.15,
    "linf": 0.15,
    "outside": 0.05,
    "new": 0.05,
    "nulls": 0.05,
}
"""Bounds until a column has a past."""

LEAST: Final[Mapping[str, float]] = {
    "psi": 0.02,
    "js": 0.005,
    "ks": 0.03,
    "linf": 0.02,
    "outside": 0.01,
    "new": 0.01,
    "nulls": 0.01,
}
"""Bounds below which nobody minds, however calm a column's past is."""

CALM_DATES: Final = 7
"""Comparisons of the past from which bounds are calibrated; with fewer the conventional ones hold."""
QUANTILE: Final = 0.99
AT_ONCE: Final = 0.95
"""Share of calm dates on which no column at all may pass its bound."""

_DECILES: Final = 10
_SIGMAS: Final = 3.3
_CHI_SQUARE_9: Final = 27.9
"""Their 99.9 % points: of the normal distribution (two-sided) and of χ² with nine degrees of freedom."""
_KOLMOGOROV: Final = 1.95


@dataclass(frozen=True)
class Pair:
    """A comparison: which of the profiles are the reference, and which one is compared with them."""

    reference: tuple[int, ...]
    found: int


@dataclass(frozen=True)
class ColumnDrift:
    """How far a column of a date is from the reference.

    Attributes:
        column: its name.
        kind: `number`, `category` or `other`.
        measures: name of `MEASURES` → value.
        bounds: name → what calm dates do not exceed.
        change: what no measure tells: `appeared`, `vanished`, or its type before and now; empty otherwise.
        new: values that the reference does not have, the commonest first.
        vanished: values of the reference that the date does not have.
    """

    column: str
    kind: str
    measures: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    change: str = ""
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    @cached_property
    def worst(self) -> str:
        """The measure that is furthest above its bound, or nearest below it; empty where there is none."""
        return max(self.measures, key=lambda name: self.measures[name] / self.bounds[name], default="")

    @property
    def severity(self) -> float:
        """Its value as a multiple of its bound: above 1 the column drifted; infinite with a `change`."""
        if self.change:
            return float("inf")
        return self.measures[self.worst] / self.bounds[self.worst] if self.worst else 0.0

    @property
    def drifted(self) -> bool:
        """Whether the column is further from the reference than it is on calm dates."""
        return self.severity > 1


def compare(
    profiles: Sequence[Profile],
    pair: Pair,
    calm: Sequence[Pair],
    *,
    overrides: Mapping[str, float] | None = None,
) -> tuple[ColumnDrift, ...]:
    """Compare a date with a reference, column by column, the furthest first.

    A bound is the 99th percentile of what the calm pairs did, not less than what as many rows differ by
    chance and than `LEAST`. All bounds are then raised together until on 95 of 100 calm dates, each judged by
    the others, no column at all passes its own: of so many columns one would otherwise always do (Westfall
    and Young, Resampling-Based Multiple Testing, 1993).

    Args:
        profiles: of all the dates that pairs name.
        pair: what is asked.
        calm: comparisons of the past, alike; with fewer than `CALM_DATES` the bounds are conventional.
        overrides: measure, or `<column>.<measure>` → a bound that is used as it is.
    """
    asked = profiles[pair.found]
    before = [profiles[place] for place in pair.reference]
    names = list(dict.fromkeys(name for profile in (asked, *before) for name in profile))
    told: list[ColumnDrift] = []
    measured: list[_Measured] = []
    for name in names:
        change = _changed(name, asked, before)
        if change:
            told.append(ColumnDrift(name, _kind(name, asked, before), change=change))
        else:
            measured.append(_measure(name, profiles, pair, calm))
    level = _level(measured) if len(calm) >= CALM_DATES else 1.0
    told += [each.drift(level, overrides or {}) for each in measured]
    return tuple(sorted(told, key=lambda each: (-each.severity, each.column)))


@dataclass(frozen=True)
class _Measured:
    """A column's measures: of the pair that is asked, and of each calm one; and what chance may do."""

    column: str
    kind: str
    asked: Mapping[str, float]
    calm: Mapping[str, NDArray[np.float64]]
    chance: Mapping[str, float]
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    def drift(self, level: float, overrides: Mapping[str, float]) -> ColumnDrift:
        bounds = {
            name: overrides.get(f"{self.column}.{name}", overrides.get(name, level * self._bound(name)))
            for name in self.asked
        }
        return ColumnDrift(self.column, self.kind, self.asked, bounds, new=self.new, vanished=self.vanished)

    def severities(self) -> NDArray[np.float64]:
        """How far each calm pair goes by the bounds that all others give: of its measures the largest."""
        found: NDArray[np.float64] = np.max(
            [
                past / np.maximum(_quantiles_without_each(past), self._least(name))
                for name, past in self.calm.items()
            ],
            axis=0,
        )
        return found

    def _bound(self, name: str) -> float:
        past = self.calm[name]
        own = CONVENTIONAL[name] if len(past) < CALM_DATES else float(np.quantile(past, QUANTILE))
        return max(own, self._least(name))

    def _least(self, name: str) -> float:
        return max(LEAST[name], self.chance[name])


def _level(measured: Sequence[_Measured]) -> float:
    """By what all bounds are raised; 1 or more."""
    if not measured:
        return 1.0
    return max(1.0, float(np.quantile(np.max([each.severities() for each in measured], axis=0), AT_ONCE)))


def _quantiles_without_each(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value the quantile of all the others, interpolated between two of them."""
    order = np.argsort(values)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(values))
    place = QUANTILE * (len(values) - 2)
    below = int(place)
    above = min(below + 1, len(values) - 2)

    def of_the_others(index: int) -> NDArray[np.float64]:
        return np.asarray(np.where(index < ranks, values[order[index]], values[order[index + 1]]))

    lower, upper = of_the_others(below), of_the_others(above)
    return np.asarray(lower + (place - below) * (upper - lower))


def _changed(name: str, asked: Profile, before: Sequence[Profile]) -> str:
    had = [profile[name] for profile in before if name in profile]
    if name not in asked:
        return "vanished"
    if not had:
        return "appeared"
    last = had[-1].type
    return "" if asked[name].type == last else f"{last} → {asked[name].type}"


def _kind(name: str, asked: Profile, before: Sequence[Profile]) -> str:
    found = [profile[name].kind for profile in (asked, *reversed(before)) if name in profile]
    return found[0]


def _measure(name: str, profiles: Sequence[Profile], pair: Pair, calm: Sequence[Pair]) -> _Measured:
    pairs = [pair, *calm]
    columns = [profile.get(name) for profile in profiles]
    used = {place for each in pairs for place in (*each.reference, each.found)}
    kinds = {column.kind for place in used if (column := columns[place]) is not None and column.known}
    rows = _over(pairs, np.array([[0 if each is None else each.rows] for each in columns], dtype=float))
    nulls = _over(
        pairs,
        np.array([[0, 0] if each is None else [each.known, each.nulls] for each in columns], dtype=float),
    )
    found = {"nulls": largest_difference(*nulls)}
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    kind = kinds.pop() if len(kinds) == 1 else "other"
    if kind == "number":
        found |= _of_numbers(columns, pairs)
    elif kind == "category":
        measures, new, vanished = _of_categories(columns, pairs)
        found |= measures
    ordered = {measure: found[measure] for measure in MEASURES if measure in found}
    return _Measured(
        name,
        kind,
        {measure: float(values[0]) for measure, values in ordered.items()},
        {measure: values[1:] for measure, values in ordered.items()},
        _chance(float(rows[0][0, 0]), float(rows[1][0, 0]), float(shares(nulls[0])[0, 1])),
        new,
        vanished,
    )


def _over(
    pairs: Sequence[Pair], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of shape (profiles, bins) → those of each pair's reference and of what is compared with it."""
    total = counts.sum(axis=0)
    every = set(range(len(counts)))
    references = []
    for pair in pairs:
        inside = set(pair.reference)
        if len(inside) * 2 > len(every):
            # What is left out is less to add up.
            references.append(total - counts[sorted(every - inside)].sum(axis=0))
        else:
            references.append(counts[list(pair.reference)].sum(axis=0))
    return np.array(references), counts[[pair.found for pair in pairs]]


def _of_numbers(
    columns: Sequence[ColumnProfile | None], pairs: Sequence[Pair]
) -> dict[str, NDArray[np.float64]]:
    """PSI and JS over the deciles of the reference, KS over its percentiles, the share outside of it."""
    reference = [column for place in pairs[0].reference if (column := columns[place]) is not None]
    sketches = [column.sketch for column in reference if column.sketch is not None]
    if not sketches:
        return {}
    merged = type(sketches[0])(sketches[0].k)
    for sketch in sketches:
        merged.merge(sketch)
    percentiles = np.unique(merged.get_quantiles([place / 100 for place in range(1, 100)]))
    deciles = np.unique(merged.get_quantiles([place / _DECILES for place in range(1, _DECILES)]))
    whole = _over(pairs, np.array([_binned(column, percentiles) for column in columns]))
    tenth = _over(pairs, np.array([_binned(column, deciles) for column in columns]))
    return {
        "psi": population_stability(*tenth),
        "js": jensen_shannon(*tenth),
        "ks": kolmogorov_smirnov(*whole),
        "outside": np.array(list(_outside(columns, pairs))),
    }


def _binned(column: ColumnProfile | None, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many values lie in each bin, up to and including its edge."""
    if column is None or column.sketch is None:
        return np.zeros(len(edges) + 1)
    below = np.array(column.sketch.get_cdf(edges.tolist(), inclusive=True))
    return np.diff(below, prepend=0.0) * float(column.sketch.n)


def _outside(columns: Sequence[ColumnProfile | None], pairs: Sequence[Pair]) -> Iterator[float]:
    """The share of values below the reference's smallest or above its largest."""
    ends = [
        (np.inf, -np.inf)
        if column is None or column.sketch is None
        else (column.sketch.get_min_value(), column.sketch.get_max_value())
        for column in columns
    ]
    for pair in pairs:
        column = columns[pair.found]
        low = min((ends[place][0] for place in pair.reference), default=np.inf)
        high = max((ends[place][1] for place in pair.reference), default=-np.inf)
        within = low <= ends[pair.found][0] and ends[pair.found][1] <= high
        if column is None or column.sketch is None or low > high or within:
            yield 0.0
        else:
            yield column.sketch.get_rank(low) + 1 - column.sketch.get_rank(high, inclusive=True)


def _of_categories(
    columns: Sequence[ColumnProfile | None], pairs: Sequence[Pair]
) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...], tuple[str, ...]]:
    """PSI, JS and L∞ over the usual values of the reference; new and vanished ones, where all are counted."""
    reference = [column for place in pairs[0].reference if (column := columns[place]) is not None]
    seen = Counter(value for column in reference for value in column.values or {})
    # What few dates have belongs to the rest: else a date of the reference would know its own rare values,
    # and the date that is compared would not.
    known = [value for value, dates in seen.items() if 2 * dates >= len(reference)]
    found = columns[pairs[0].found]
    told = dict(found.values or {}) if found is not None else {}
    over = _over(pairs, np.array([_counted(column, known) for column in columns]))
    measures = {
        "psi": population_stability(*over),
        "js": jensen_shannon(*over),
        "linf": largest_difference(*over),
    }
    if not all(column.exact for column in (*reference, *([found] if found else []))):
        return measures, (), ()
    measures["new"] = np.array([_share_of_new(columns, pair) for pair in pairs])
    new = tuple(value for value in sorted(told, key=lambda each: -told[each]) if value not in seen)
    vanished = tuple(known[place] for place in np.argsort(-over[0][0, :-1]) if known[place] not in told)
    return measures, new, vanished


def _counted(column: ColumnProfile | None, known: Sequence[str]) -> NDArray[np.float64]:
    """How many rows have each known value, and how many any other."""
    if column is None or column.values is None:
        return np.zeros(len(known) + 1)
    counts = [column.values.get(value, 0) for value in known]
    return np.array([*counts, max(0, column.known - sum(counts))], dtype=float)


def _share_of_new(columns: Sequence[ColumnProfile | None], pair: Pair) -> float:
    """The share of values that no date of the reference has; of those that are counted one by one."""
    found = columns[pair.found]
    if found is None or not found.values or not found.known:
        return 0.0
    known = {
        value
        for place in pair.reference
        if (column := columns[place]) is not None
        for value in column.values or {}
    }
    return sum(count for value, count in found.values.items() if value not in known) / found.known


def _chance(reference: float, found: float, nulls: float) -> dict[str, float]:
    """What samples of so many rows of one distribution differ by, once in a thousand.

    PSI is about χ² / n (Yurdakul, Statistical Properties of Population Stability Index, 2018), JS an eighth
    of it in nats.
    """
    inverse = 1 / max(reference, 1.0) + 1 / max(found, 1.0)
    psi = _CHI_SQUARE_9 * inverse
    return {
        "psi": psi,
        "js": psi / 8 / np.log(2),
        "ks": _KOLMOGOROV * inverse**0.5,
        "linf": _SIGMAS * (0.25 * inverse) ** 0.5,
        "outside": _SIGMAS / max(found, 1.0),
        "new": _SIGMAS / max(found, 1.0),
        "nulls": _SIGMAS * (max(nulls * (1 - nulls), 1 / max(reference, 1.0)) * inverse) ** 0.5,
    }
