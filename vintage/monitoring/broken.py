"""Which dates of a training window have broken data: next to nothing of a column is like on other dates."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.errors import StoreError
from vintage.monitoring.calibration import far_above
from vintage.monitoring.comparison import Pair, Pairs, measure_column
from vintage.monitoring.profiles import read_profile
from vintage.spec.names import list_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from vintage.monitoring.profiles import Profile
    from vintage.store import Artifact

LEAST_BROKEN: Final[Mapping[str, float]] = {
    "js": 0.75,
    "ks": 0.9,
    "linf": 0.5,
    "outside": 0.5,
    "new": 0.5,
    "nulls": 0.5,
}
"""What a date is at least away from the others where it is broken: a storm is odd, and no damage.

PSI is not among them: it has no most, so that a quiet week makes any storm look infinitely far.
"""
RUN: Final = 3
"""Days before and after a date that do not judge it: damage comes in runs."""
TIMES: Final = 1.5
"""Multiple of the median date, and of another one of the same weekday, that is no breakage."""
FEWEST: Final = 3
"""Dates of which the median can be told; of fewer, that differ so much, any may be the broken one."""
MOST_NAMED: Final = 3


@dataclass(frozen=True)
class BrokenDates:
    """The dates of a window whose rows are broken, or why nobody can tell.

    Attributes:
        dates: date → its columns that are out of bounds, the furthest first.
        unknown: why the window cannot be judged; empty where it can.
    """

    dates: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    unknown: str = ""

    @property
    def count(self) -> float:
        """How many dates are broken; NaN where nobody can tell, which passes no gate."""
        return math.nan if self.unknown else float(len(self.dates))

    @property
    def told(self) -> str:
        """The dates with their columns, or why nobody can tell; empty where no date is broken."""
        named = (
            f"{day} ({list_names(columns, most=MOST_NAMED)})" for day, columns in sorted(self.dates.items())
        )
        return self.unknown or ", ".join(named)


def broken_dates(window: Mapping[date, Artifact]) -> BrokenDates:
    """Hold each date of a window against the others, by the profiles beside its rows.

    Args:
        window: date → its feature rows, of training and holdout.
    """
    profiles: dict[date, Profile] = {}
    for day, rows in sorted(window.items()):
        try:
            found = read_profile(rows)
        except (StoreError, ValueError, LookupError) as error:
            return BrokenDates(unknown=f"the profile of {day} cannot be read ({error})")
        if found is None:
            return BrokenDates(unknown=f"the rows of {day} were made before profiles were kept")
        profiles[day] = found
    if len(profiles) == 1:
        return BrokenDates(unknown="a window of one date has no other to hold it against")
    return BrokenDates(dict(_broken(profiles)))


def _broken(profiles: Mapping[date, Profile]) -> Iterator[tuple[date, tuple[str, ...]]]:
    days = list(profiles)
    pairs = Pairs(tuple(_pairs(days)), (), len(profiles))
    names = list(dict.fromkeys(name for profile in profiles.values() for name in profile))
    severities = np.array([_severities(name, profiles, pairs) for name in names]).reshape(len(names), -1)
    for place, day in enumerate(days):
        of_columns = severities[:, place]
        furthest = np.argsort(-of_columns, kind="stable")
        out = tuple(names[each] for each in furthest if of_columns[each] > 1)
        if out:
            yield day, out


def _pairs(days: Sequence[date]) -> Iterator[Pair]:
    """Each date, and those that judge it: all others but its neighbours, where there are enough."""
    apart = min(RUN, (len(days) - 1) // 4)
    for place, day in enumerate(days):
        judges = (
            number for number, other in enumerate(days) if number != place and abs((other - day).days) > apart
        )
        rest = tuple(judges)
        yield Pair(rest or tuple(each for each in range(len(days)) if each != place), place)


def _severities(name: str, profiles: Mapping[date, Profile], pairs: Pairs) -> NDArray[np.float64]:
    """Return how far a column is out of bounds, one number a date: above 1 it is broken."""
    kept = list(profiles.values())
    types = [profile[name].type if name in profile else "" for profile in kept]
    [(usual, _)] = Counter(types).most_common(1)
    if len(set(types)) > 1:
        return np.array([0.0 if each == usual else np.inf for each in types])
    values = measure_column(name, kept, pairs).values
    found = [
        of_dates / _bounds(of_dates, list(profiles), LEAST_BROKEN[measure])
        for measure, of_dates in values.items()
        if measure in LEAST_BROKEN
    ]
    return np.asarray(np.max(found, axis=0))


def _bounds(values: NDArray[np.float64], days: Sequence[date], least: float) -> NDArray[np.float64]:
    """Return what each date must not exceed in a measure.

    That is a multiple of what the median date does, and of what another date of the same weekday does, since
    what comes back is a season; not within five standard deviations of the median; nor less than `least`.
    """
    if len(days) < FEWEST:
        return np.full(len(days), least)
    weekdays = np.array([day.weekday() for day in days])
    others = (weekdays[:, None] == weekdays) & ~np.eye(len(days), dtype=bool)
    season = np.where(others, values, 0.0).max(axis=1)
    usual = TIMES * np.maximum(season, np.median(values))
    return np.asarray(np.maximum(np.maximum(usual, far_above(values)), least))
