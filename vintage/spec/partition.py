"""Partition dates: what is one, which closed last, how a window and a split choose among them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from vintage.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_partition_date(text: str) -> dt.date:
    """Return the date that a text names, strictly YYYY-MM-DD.

    Raises:
        SpecError: the text has another form, or the calendar has no such day.
    """
    if _ISO_DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise SpecError(
        f"{text!r} is not a partition date",
        expected="a day of the calendar as YYYY-MM-DD, such as 2013-02-28",
    )


def last_closed_date(run_after: dt.datetime) -> dt.date:
    """Return the last day, in UTC, that had ended at that moment: the one before it.

    Raises:
        SpecError: the moment has no time zone.
    """
    if run_after.tzinfo is None:
        raise SpecError(
            f"moment {run_after.isoformat()} has no time zone",
            expected="a time with a time zone, such as UTC",
        )
    return run_after.astimezone(dt.UTC).date() - dt.timedelta(days=1)


def require_begun(date: dt.date, now: dt.datetime) -> None:
    """Hold a partition date to days that have begun, wherever on earth it was named.

    A champion of a date to come would keep every night up to then from becoming one.

    Args:
        date: the partition date.
        now: the moment, with a time zone.

    Raises:
        SpecError: the day is in the future.
    """
    # Where a day begins first, it is 14 hours later than in UTC.
    begun = now.astimezone(dt.timezone(dt.timedelta(hours=14))).date()
    if date > begun:
        raise SpecError(
            f"date {date} is in the future",
            expected=f"a day that has begun; in UTC it is {now.astimezone(dt.UTC).date()}",
        )


def window_ending_at(date: dt.date, *, days: int, start_date: dt.date) -> tuple[dt.date, ...]:
    """Return the `days` calendar days that end with `date`, oldest first, without those before `start_date`.

    Raises:
        SpecError: `date` itself is before `start_date`.
    """
    if date < start_date:
        raise SpecError(f"date {date} is before the pipeline's start_date", expected=f"{start_date} or later")
    first = max(start_date.toordinal(), date.toordinal() - days + 1)
    return tuple(dt.date.fromordinal(day) for day in range(first, date.toordinal() + 1))


def spans(dates: Collection[dt.date]) -> str:
    """Return dates for a message, three or more that follow each other as their first and last.

    Args:
        dates: in their order.
    """
    runs: list[list[dt.date]] = []
    for day in dates:
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = (f"{run[0]} to {run[-1]}" if run[2:] else ", ".join(map(str, run)) for run in runs)
    return f"{', '.join(shown)} ({len(dates)} dates)" if len(dates) > len(runs) else ", ".join(shown)


def split_last_days(
    dates: Iterable[dt.date], date: dt.date, *, test_days: int
) -> tuple[tuple[dt.date, ...], tuple[dt.date, ...]]:
    """Cut dates up to `date` into those before its last `test_days` calendar days, and those within."""
    kept = sorted({day for day in dates if day <= date})
    border = date.toordinal() - test_days
    train = tuple(day for day in kept if day.toordinal() <= border)
    test = tuple(day for day in kept if day.toordinal() > border)
    return train, test
