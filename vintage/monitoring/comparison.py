"""Columns of a date against a reference: how far they moved, and how far they move on calm dates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
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
    measured = {name: measure_column(name, profiles, asked, calm) for name in names if "" in changes[name]}
    kept = _ordinary(list(measured.values()), len(calm))
    measured = {
        name: _without_odd_dates(each.without_outliers(kept), profiles, asked, calm)
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
    measured: MeasuredColumn, profiles: Sequence[Profile], asked: Sequence[Pair], calm: Sequence[Pair]
) -> MeasuredColumn:
    """Measure a column again without the dates that calibrate none of its bounds, in any reference.

    In it they would stand for a share of the rows, and a shift towards them would look small.
    """
    odd = {pair.found for pair, used in zip(calm, measured.kept, strict=True) if not used}
    if not odd:
        return measured

    def apart(pair: Pair) -> Pair:
        left = tuple(each for each in pair.reference if each not in odd)
        return Pair(left or pair.reference, pair.found)

    again = measure_column(measured.column, profiles, [*map(apart, asked)], [*map(apart, calm)])
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


def measure_column(
    name: str, profiles: Sequence[Profile], asked: Sequence[Pair], calm: Sequence[Pair]
) -> MeasuredColumn:
    """Return how far a column is from its reference in each pair; see `compare`."""
    pairs = [*asked, *calm]
    columns = [profile.get(name) for profile in profiles]
    used = {place for each in pairs for place in (*each.reference, each.found)}
    kinds = {column.kind for place in used if (column := columns[place]) is not None and column.known}
    kind = kinds.pop() if len(kinds) == 1 else "other"
    known = np.array([[0, 0] if each is None else [each.known, each.nulls] for each in columns], dtype=float)
    nulls = _over(pairs, known)
    found = {"nulls": largest_difference(*nulls)}
    new: Sequence[tuple[str, ...]] = [()] * len(asked)
    vanished = new
    if kind == "number":
        found |= _of_numbers(columns, pairs)
    elif kind == "category":
        measures, new, vanished = _of_categories(columns, pairs, len(asked))
        found |= measures
    return MeasuredColumn(
        name,
        kind,
        len(asked),
        {measure: found[measure] for measure in MEASURES if measure in found},
        _chance(nulls[0].sum(axis=1), nulls[1].sum(axis=1), shares(nulls[0])[:, 1]),
        new,
        vanished,
        np.full(len(calm), True),
    )


def _over(
    pairs: Sequence[Pair], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the counts of each pair's reference and date from counts of shape (profiles, bins)."""
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
    numbers = [column for column in reference if column.sketch is not None]
    if not numbers:
        return {}
    quantiles = pooled_quantiles(numbers, [place / 100 for place in range(1, 100)])
    percentiles = np.unique(quantiles)
    deciles = np.unique(quantiles[9::10])
    whole = _over(pairs, np.array([_binned(column, percentiles) for column in columns]))
    tenth = _over(pairs, np.array([_binned(column, deciles) for column in columns]))
    return {
        "psi": population_stability(*tenth),
        "js": jensen_shannon(*tenth),
        "ks": kolmogorov_smirnov(*whole),
        "outside": np.array(list(_outside(columns, pairs))),
    }


def _binned(column: ColumnProfile | None, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many values lie in each bin, up to and including its edge."""
    if column is None or column.sketch is None:
        return np.zeros(len(edges) + 1)
    below = np.array(column.sketch.get_cdf(edges.tolist(), inclusive=True))
    return np.diff(below, prepend=0.0) * float(column.sketch.n)


def _outside(columns: Sequence[ColumnProfile | None], pairs: Sequence[Pair]) -> Iterator[float]:
    """Yield the share of values below the reference's smallest or above its largest."""
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
    columns: Sequence[ColumnProfile | None], pairs: Sequence[Pair], asked: int
) -> tuple[dict[str, NDArray[np.float64]], Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]:
    """PSI, JS and L∞ over the usual values of the reference; new and vanished ones, where all are counted."""
    reference = [column for place in pairs[0].reference if (column := columns[place]) is not None]
    seen = Counter(value for column in reference for value in column.values or {})
    # What few dates have belongs to the rest: else a date of the reference would know its own rare values,
    # and the date that is compared would not.
    usual = [value for value, dates in seen.items() if 2 * dates >= len(reference)]
    over = _over(pairs, np.array([_counted(column, usual) for column in columns]))
    measures = {
        "psi": population_stability(*over),
        "js": jensen_shannon(*over),
        "linf": largest_difference(*over),
    }
    found = [columns[pair.found] for pair in pairs[:asked]]
    told = [dict(column.values or {}) if column is not None else {} for column in found]
    if not all(column is None or not column.known or column.exact for column in (*reference, *found)):
        return measures, [()] * asked, [()] * asked
    measures["new"] = np.array([_share_of_new(columns, pair) for pair in pairs])
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
