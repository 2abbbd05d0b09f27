"""Columns of a date against a reference: how far they moved, and how far they move on calm dates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.monitoring.calibration import (
    CALM_DATES,
    MOST_RAISED,
    most_without_each,
    ordinary,
    usual,
    usual_without_each,
)
from vintage.monitoring.distances import (
    jensen_shannon,
    kolmogorov_smirnov,
    largest_difference,
    population_stability,
    shares,
)
from vintage.monitoring.profiles import pooled_quantiles
from vintage.spec.monitor import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from vintage.monitoring.profiles import ColumnProfile, Profile

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

AT_ONCE: Final = 0.95
"""Share of calm dates on which no column at all may pass its bound."""

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


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        asked: for each pair that was asked its columns, the furthest first.
        calm: column → the severity of each calm pair, by the bounds that the others give.
        ordinary: whether each calm pair is no outlier, which calibrates no bound of what it moved.
    """

    asked: tuple[tuple[ColumnDrift, ...], ...]
    calm: Mapping[str, tuple[float, ...]]
    ordinary: tuple[bool, ...]


def compare(
    profiles: Sequence[Profile],
    asked: Sequence[Pair],
    calm: Sequence[Pair],
    *,
    overrides: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare dates with a reference, column by column.

    A bound is the 99th percentile of what the calm pairs did, without outliers, which are left out of the
    references of the columns that they moved as well; not less than what as many
    rows differ by chance and than `LEAST`. All bounds are then raised together until on 95 of 100 calm dates,
    each judged by the others, no column at all passes its own: of so many columns one would otherwise always
    do (Westfall and Young, Resampling-Based Multiple Testing, 1993).

    Args:
        profiles: of all the dates that pairs name.
        asked: what is asked; all with one reference.
        calm: comparisons of the past, alike; with fewer than `CALM_DATES` the bounds are conventional.
        overrides: measure, or `<column>.<measure>` with the column in small letters → a bound that is used as
            it is.
    """
    before = [profiles[place] for place in asked[0].reference]
    found = [profiles[pair.found] for pair in asked]
    names = list(dict.fromkeys(name for profile in (*found, *before) for name in profile))
    changes = {name: [_changed(name, profile, before) for profile in found] for name in names}
    pairs = Pairs(tuple(asked), tuple(calm), len(profiles))
    measured = {name: measure_column(name, profiles, pairs) for name in names if "" in changes[name]}
    kept = _ordinary(list(measured.values()), len(calm))
    without = cache(pairs.without)
    measured = {
        name: _without_odd_dates(each.without_outliers(kept), profiles, without)
        for name, each in measured.items()
    }
    level = _level(list(measured.values()), kept)

    def told(place: int) -> Iterator[ColumnDrift]:
        for name in names:
            change = changes[name][place]
            if change:
                yield ColumnDrift(name, _kind(name, found[place], before), change=change)
            else:
                yield measured[name].drift(place, level, overrides or {})

    ordered = (
        tuple(sorted(told(place), key=lambda each: (-each.severity, each.column)))
        for place in range(len(asked))
    )
    return Comparison(
        tuple(ordered),
        {name: tuple((each.severities / level).tolist()) for name, each in measured.items()},
        tuple(kept.tolist()),
    )


@dataclass(frozen=True)
class MeasuredColumn:
    """A column's measures of each pair, those that are asked first and then the calm ones.

    Attributes:
        column, kind: of the column.
        asked: how many pairs are asked.
        values: measure → one number a pair.
        chance: measure → what the rows of each pair may differ by.
        new, vanished: values, of each pair that is asked.
        kept: which of the calm pairs calibrate the bounds.
    """

    column: str
    kind: str
    asked: int
    values: Mapping[str, NDArray[np.float64]]
    chance: Mapping[str, NDArray[np.float64]]
    new: Sequence[tuple[str, ...]]
    vanished: Sequence[tuple[str, ...]]
    kept: NDArray[np.bool_]

    def without_outliers(self, kept: NDArray[np.bool_]) -> MeasuredColumn:
        """Leave dates out of the bounds; not where this column was on them as far as bounds may be raised."""
        return replace(self, kept=kept | (self.oddness <= MOST_RAISED))

    def drift(self, place: int, level: float, overrides: Mapping[str, float]) -> ColumnDrift:
        """Hold a pair that is asked against its bounds, raised by a level."""
        bounds = {}
        for name in self.values:
            own = max(self._usual[name], LEAST[name], float(self.chance[name][place])) * level
            bounds[name] = overrides.get(f"{self.column.lower()}.{name}", overrides.get(name, own))
        return ColumnDrift(
            self.column,
            self.kind,
            {name: float(values[place]) for name, values in self.values.items()},
            bounds,
            new=self.new[place],
            vanished=self.vanished[place],
        )

    @cached_property
    def severities(self) -> NDArray[np.float64]:
        """How far each calm pair goes by the bounds that all others give: of its measures the largest."""
        if self.kept.sum() < CALM_DATES:
            return np.zeros(len(self.kept))
        return self._above(usual_without_each)

    @cached_property
    def oddness(self) -> NDArray[np.float64]:
        """How far each calm pair goes by what most of the others do, the outliers among them left aside.

        Not outside of their range: of a column that grows the first and the last date always are.
        """
        if self.kept.sum() < CALM_DATES:
            return np.zeros(len(self.kept))
        return self._above(most_without_each, without="outside")

    def _above(
        self, of_others: Callable[[NDArray[np.float64]], NDArray[np.float64]], without: str = ""
    ) -> NDArray[np.float64]:
        found = []
        for name, values in self.values.items():
            if name == without:
                continue
            past = values[self.asked :]
            bounds = np.full(len(past), usual(past[self.kept]))
            bounds[self.kept] = of_others(past[self.kept])
            least = np.maximum(self.chance[name][self.asked :], LEAST[name])
            found.append(past / np.maximum(bounds, least))
        return np.asarray(np.max(found, axis=0))

    @cached_property
    def _usual(self) -> Mapping[str, float]:
        """Measure → what calm dates do not exceed, or what is conventional where there are too few."""
        if self.kept.sum() < CALM_DATES:
            return CONVENTIONAL
        return {name: usual(values[self.asked :][self.kept]) for name, values in self.values.items()}


def _ordinary(measured: Sequence[MeasuredColumn], calm: int) -> NDArray[np.bool_]:
    """Which calm pairs calibrate the bounds; all of them where none tells how far it goes."""
    worst = [each.oddness for each in measured]
    return ordinary(np.max(worst, axis=0)) if worst else np.full(calm, True)


def _level(measured: Sequence[MeasuredColumn], kept: NDArray[np.bool_]) -> float:
    """By what all bounds are raised: 1 to `MOST_RAISED`."""
    worst = np.max([each.severities[kept] for each in measured], axis=0) if measured else np.zeros(0)
    return float(np.clip(np.quantile(worst, AT_ONCE), 1.0, MOST_RAISED)) if len(worst) else 1.0


def _without_odd_dates(
    measured: MeasuredColumn, profiles: Sequence[Profile], without: Callable[[tuple[bool, ...]], Pairs]
) -> MeasuredColumn:
    """Measure a column again without the dates that calibrate none of its bounds, in any reference.

    In it they would stand for a share of the rows, and a shift towards them would look small.
    """
    if measured.kept.all():
        return measured
    again = measure_column(measured.column, profiles, without(tuple(measured.kept.tolist())))
    return replace(again, kept=measured.kept)


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


def measure_column(name: str, profiles: Sequence[Profile], pairs: Pairs) -> MeasuredColumn:
    """Return how far a column is from its reference in each pair; see `compare`."""
    columns = [profile.get(name) for profile in profiles]
    used = [column for place in pairs.used if (column := columns[place]) is not None]
    kinds = {column.kind for column in used if column.known}
    kind = kinds.pop() if len(kinds) == 1 else "other"
    known = np.array([[0, 0] if each is None else [each.known, each.nulls] for each in columns], dtype=float)
    nulls = pairs.over(known)
    found = {"nulls": largest_difference(*nulls)}
    new: Sequence[tuple[str, ...]] = [()] * len(pairs.asked)
    vanished = new
    if kind == "number":
        found |= _of_numbers(columns, pairs)
    elif kind == "category":
        measures, new, vanished = _of_categories(columns, pairs)
        found |= measures
    return MeasuredColumn(
        name,
        kind,
        len(pairs.asked),
        {measure: found[measure] for measure in MEASURES if measure in found},
        _chance(nulls[0].sum(axis=1), nulls[1].sum(axis=1), shares(nulls[0])[:, 1]),
        new,
        vanished,
        np.full(len(pairs.calm), True),
    )


@dataclass(frozen=True)
class Pairs:
    """Comparisons of the same profiles, prepared once for all columns.

    Attributes:
        asked: those that are asked.
        calm: those of the past.
        profiles: how many profiles there are.
    """

    asked: tuple[Pair, ...]
    calm: tuple[Pair, ...]
    profiles: int

    @cached_property
    def every(self) -> tuple[Pair, ...]:
        """Those that are asked, then the calm ones."""
        return (*self.asked, *self.calm)

    @cached_property
    def found(self) -> NDArray[np.intp]:
        """The place of each pair's compared profile."""
        return np.array([pair.found for pair in self.every], dtype=np.intp)

    @cached_property
    def used(self) -> NDArray[np.intp]:
        """The places of all profiles that a pair names."""
        return np.unique(np.concatenate([self.found, *map(np.array, self._references)]).astype(np.intp))

    def over(self, counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the counts of each pair's reference and date from counts of shape (profiles, bins)."""
        sums = {places: counts[list(places)].sum(axis=0) for places in self._summed}
        total = counts.sum(axis=0)
        references = [total - sums[places] if left_out else sums[places] for places, left_out in self._parts]
        return np.array(references), counts[self.found]

    def ends(
        self, lows: NDArray[np.float64], highs: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest of each pair's reference, of one number a profile."""
        low = np.where(self._inside, lows, np.inf).min(axis=1, initial=np.inf)
        high = np.where(self._inside, highs, -np.inf).max(axis=1, initial=-np.inf)
        return low, high

    def without(self, kept: tuple[bool, ...]) -> Pairs:
        """Return the pairs without the dates of calm ones that are not kept, in any reference."""
        odd = {pair.found for pair, used in zip(self.calm, kept, strict=True) if not used}

        def apart(pair: Pair) -> Pair:
            left = tuple(each for each in pair.reference if each not in odd)
            return Pair(left or pair.reference, pair.found)

        return Pairs(tuple(map(apart, self.asked)), tuple(map(apart, self.calm)), self.profiles)

    @cached_property
    def _references(self) -> tuple[tuple[int, ...], ...]:
        return tuple(pair.reference for pair in self.every)

    @cached_property
    def _parts(self) -> tuple[tuple[tuple[int, ...], bool], ...]:
        """Which profiles are added up for each pair; of a large reference those that it leaves out."""
        every = set(range(self.profiles))
        parts = []
        for reference in self._references:
            rest = tuple(sorted(every.difference(reference)))
            parts.append((rest, True) if len(rest) < len(reference) else (reference, False))
        return tuple(parts)

    @cached_property
    def _summed(self) -> frozenset[tuple[int, ...]]:
        return frozenset(places for places, _ in self._parts)

    @cached_property
    def _inside(self) -> NDArray[np.bool_]:
        inside = np.full((len(self.every), self.profiles), False)
        for row, reference in zip(inside, self._references, strict=True):
            row[list(reference)] = True
        return inside


def _of_numbers(columns: Sequence[ColumnProfile | None], pairs: Pairs) -> dict[str, NDArray[np.float64]]:
    """PSI and JS over the deciles of the reference, KS over its percentiles, the share outside of it."""
    reference = [column for place in pairs.every[0].reference if (column := columns[place]) is not None]
    numbers = [column for column in reference if column.sketch is not None]
    if not numbers:
        return {}
    quantiles = pooled_quantiles(numbers, [place / 100 for place in range(1, 100)])
    percentiles = np.unique(quantiles)
    below = _below(columns, percentiles)
    # The deciles are some of the percentiles, and all values are below the last edge.
    deciles = [*np.searchsorted(percentiles, np.unique(quantiles[9::10])), len(percentiles)]
    whole = pairs.over(np.diff(below, axis=1, prepend=0.0))
    tenth = pairs.over(np.diff(below[:, deciles], axis=1, prepend=0.0))
    return {
        "psi": population_stability(*tenth),
        "js": jensen_shannon(*tenth),
        "ks": kolmogorov_smirnov(*whole),
        "outside": _outside(columns, pairs),
    }


def _below(columns: Sequence[ColumnProfile | None], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many values are up to and including each edge, then all: of shape (profiles, edges + 1)."""
    found = np.zeros((len(columns), len(edges) + 1))
    points = edges.tolist()
    for place, column in enumerate(columns):
        if column is not None and column.sketch is not None:
            below = np.asarray(column.sketch.get_cdf(points, inclusive=True))
            found[place] = below * column.sketch.n
    return found


def _outside(columns: Sequence[ColumnProfile | None], pairs: Pairs) -> NDArray[np.float64]:
    """Return the share of values below the reference's smallest or above its largest."""
    lows, highs = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    for number, column in enumerate(columns):
        if column is not None and column.sketch is not None:
            lows[number], highs[number] = column.sketch.get_min_value(), column.sketch.get_max_value()
    low, high = pairs.ends(lows, highs)
    outside = np.zeros(len(pairs.every))
    reaches = (lows[pairs.found] < low) | (highs[pairs.found] > high)
    for place in np.flatnonzero((low <= high) & reaches).tolist():
        column = columns[pairs.every[place].found]
        if column is not None and column.sketch is not None:
            sketch = column.sketch
            outside[place] = sketch.get_rank(low[place]) + 1 - sketch.get_rank(high[place], inclusive=True)
    return outside


def _of_categories(
    columns: Sequence[ColumnProfile | None], pairs: Pairs
) -> tuple[dict[str, NDArray[np.float64]], Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]:
    """PSI, JS and L∞ over the usual values of the reference; new and vanished ones, where all are counted."""
    reference = [column for place in pairs.every[0].reference if (column := columns[place]) is not None]
    seen = Counter(value for column in reference for value in column.values or {})
    # What few dates have belongs to the rest: else a date of the reference would know its own rare values,
    # and the date that is compared would not.
    usual = [value for value, dates in seen.items() if 2 * dates >= len(reference)]
    over = pairs.over(np.array([_counted(column, usual) for column in columns]))
    measures = {
        "psi": population_stability(*over),
        "js": jensen_shannon(*over),
        "linf": largest_difference(*over),
    }
    found = [columns[pair.found] for pair in pairs.asked]
    told = [dict(column.values or {}) if column is not None else {} for column in found]
    if not all(column is None or not column.known or column.exact for column in (*reference, *found)):
        return measures, [()] * len(found), [()] * len(found)
    measures["new"] = np.array([_share_of_new(columns, pair) for pair in pairs.every])
    new = [
        tuple(value for value in sorted(values, key=lambda each: -values[each]) if value not in seen)
        for values in told
    ]
    vanished = [tuple(value for value in usual if value not in values) for values in told]
    return measures, new, vanished


def _counted(column: ColumnProfile | None, known: Sequence[str]) -> NDArray[np.float64]:
    """Return how many rows have each known value, and how many any other."""
    if column is None or column.values is None:
        return np.zeros(len(known) + 1)
    counts = [column.values.get(value, 0) for value in known]
    return np.array([*counts, max(0, column.known - sum(counts))], dtype=float)


def _share_of_new(columns: Sequence[ColumnProfile | None], pair: Pair) -> float:
    """Return the share of values that no date of the reference has; of those that are counted one by one."""
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


def _chance(
    reference: NDArray[np.float64], found: NDArray[np.float64], nulls: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the difference that samples of one distribution exceed once in a thousand; one for each pair.

    PSI is about χ² / n (Yurdakul, Statistical Properties of Population Stability Index, 2018), JS an eighth
    of it in nats.
    """
    before, after = 1 / np.maximum(reference, 1.0), 1 / np.maximum(found, 1.0)
    inverse = before + after
    psi = _CHI_SQUARE_9 * inverse
    return {
        "psi": psi,
        "js": psi / 8 / np.log(2),
        "ks": _KOLMOGOROV * inverse**0.5,
        "linf": _SIGMAS * (0.25 * inverse) ** 0.5,
        "outside": _SIGMAS * after,
        "new": _SIGMAS * after,
        "nulls": _SIGMAS * (np.maximum(nulls * (1 - nulls), before) * inverse) ** 0.5,
    }
