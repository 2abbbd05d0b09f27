"""A backfill of dates whose windows overlap, two ways, and the hand-written script once for each date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.chain import JOBS, Bench, Timing

if TYPE_CHECKING:
    from pathlib import Path

# A model of a later date serves, as it does when the past is filled in: the backfill moves nobody. Its window
# has no date in common with those of the backfill.
SERVES: Final = date(2013, 3, 31)
_READ: Final = re.compile(r" snapshot (\d{4}-\d{2}-\d{2}): ")


@dataclass(frozen=True)
class Backfilled:
    """What a backfill took, and how often it read the raw data of each date."""

    timings: tuple[Timing, ...]
    reads: Counter[str]

    @classmethod
    def of(cls, bench: Bench, works: Iterable[Callable[[], Timing]]) -> Backfilled:
        """Run one process after the other, and read what each has logged."""
        timings, reads = [], Counter[str]()
        for work in works:
            timings.append(work())
            reads.update(
                _READ.findall((bench.folder / "log.txt").read_text(encoding="utf-8", errors="replace"))
            )
        return cls(tuple(timings), reads)

    @property
    def seconds(self) -> float:
        """Of all processes together."""
        return sum(each.seconds for each in self.timings)

    @property
    def peak_mib(self) -> int:
        """The most memory that one of them held."""
        return round(max(each.peak_mib for each in self.timings))

    def check(self, dates: list[date], window: int) -> None:
        """Look whether the raw data of each date of the windows was read once, and of no other."""
        first = dates[0] - timedelta(days=window - 1)
        wanted = {str(first + timedelta(days=number)) for number in range((dates[-1] - first).days + 1)}
        if self.reads != Counter(wanted):
            raise SystemExit(f"not every raw date was read once: {self.reads}")


def backfills(
    scratch: Path, raw: Path, last: date, days: int, submitted: int
) -> dict[str, tuple[Backfilled, Backfilled]]:
    """Backfills the `days` dates up to `last` of an empty store, one after the other.

    Args:
        scratch: where to work.
        raw: the raw flights, one folder a day.
        last: the last date.
        days: how many dates.
        submitted: how many of them, the last, are also done by jobs that are submitted.

    Returns:
        For `vintage backfill`, all in one session, and for six jobs submitted for each date, as Airflow does
        it: that, and the script, which reads its whole window for each date.
    """
    dates = [last - timedelta(days=back) for back in reversed(range(days))]
    bench = Bench(scratch / "backfill", raw)
    # The log tells which raw dates are read.
    bench.environment["VINTAGE_LOG_LEVEL"] = "INFO"
    bench.chain(SERVES)
    bench.keep()
    works: dict[str, tuple[list[date], list[Callable[[], Timing]]]] = {
        "one session": (dates, [partial(bench.session, dates[0], dates[-1])]),
        "six jobs submitted for each": (
            dates[-submitted:],
            [partial(bench.job, job, day) for day in dates[-submitted:] for job in JOBS],
        ),
    }
    ours = {}
    for way, (of, work) in works.items():
        ours[way] = Backfilled.of(bench, work)
        ours[way].check(of, bench.window)
        bench.restore()
    scripts = {day: bench.script(day, str(day)) for day in dates}
    return {
        way: (
            ours[way],
            Backfilled(
                tuple(scripts[day] for day in of),
                Counter(str(day - timedelta(days=back)) for day in of for back in range(bench.window)),
            ),
        )
        for way, (of, _) in works.items()
    }
