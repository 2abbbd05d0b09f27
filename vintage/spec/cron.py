"""The five fields of a cron line, checked by their form and ranges, and for a tick a day at most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM: Final = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[0-9]+))?")


def cron_problem(text: str) -> str | None:
    """Return why a text is no cron line, or None when it is one."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
    for written, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        for item in written.split(","):
            if not _is_item(item, low, high, words):
                return f"{written!r} as the {name}, which goes from {low} to {high}"
    for written, (name, *_) in zip(fields[:2], _FIELDS, strict=False):
        if not written.isdecimal():
            return f"{written!r} as the {name}: a partition is a day, so a run comes once a day at most"
    if fields[4] == "*" and not _some_day(fields[2], fields[3]):
        return f"day {fields[2]} of month {fields[3]}, which never comes"
    return None


def falls_on(text: str, day: date) -> bool:
    """Return whether a cron line, which `cron_problem` finds nothing wrong with, has a tick on a day.

    Where both the day of the month and that of the week are limited, either will do, as cron has it.
    """
    days, months, weekdays = text.split()[2:]
    if day.month not in _values(months, 1, 12, _FIELDS[3][3]):
        return False
    of_month = _values(days, 1, 31, {})
    # Sunday is 0 and 7.
    of_week = {each % 7 for each in _values(weekdays, 0, 7, _FIELDS[4][3])}
    either = "*" not in days + weekdays or (
        # A field with a step is limited, but for one that comes to all days.
        len(of_month) < _LENGTHS[0] and len(of_week) < len(_DAYS)
    )
    found = day.day in of_month, day.isoweekday() % 7 in of_week
    return any(found) if either else all(found)


def _values(written: str, low: int, high: int, words: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for item in written.split(","):
        reach, _, step = item.partition("/")
        first, _, last = (str(low), "-", str(high)) if reach == "*" else reach.partition("-")
        begin = int(words.get(first.lower(), first))
        end = int(words.get(last.lower(), last)) if last else (high if step else begin)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def _some_day(days: str, months: str) -> bool:
    """Return whether any of the months is long enough for any of the days."""
    earliest = min(_first(item) for item in days.split(","))
    longest = max(
        _LENGTHS[month - 1]
        for month in range(1, 13)
        if any(_covers(item, month) for item in months.split(","))
    )
    return earliest <= longest


def _first(item: str) -> int:
    head = re.split("[-/]", item, maxsplit=1)[0]
    return 1 if head == "*" else int(head)


def _covers(item: str, month: int) -> bool:
    reach, _, step = item.partition("/")
    if reach == "*":
        first, last = 1, 12
    else:
        low, _, high = reach.partition("-")
        first = _month(low)
        last = _month(high) if high else (12 if step else first)
    return first <= month <= last and (month - first) % int(step or 1) == 0


def _month(word: str) -> int:
    return int(word) if word.isdecimal() else _MONTHS.index(word.lower()) + 1


def _is_item(item: str, low: int, high: int, words: dict[str, int]) -> bool:
    match = _ITEM.fullmatch(item)
    if match is None or match["step"] == "0" or (match["first"] == "*" and match["last"]):
        return False
    bounds = [
        words.get(bound.lower(), int(bound) if bound.isdecimal() else -1)
        for bound in (match["first"], match["last"])
        if bound and bound != "*"
    ]
    return all(low <= bound <= high for bound in bounds) and bounds == sorted(bounds)
