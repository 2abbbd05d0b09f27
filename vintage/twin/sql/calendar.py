"""Dates and moments, in UTC and by the Gregorian calendar without end: days, and microseconds, from 1970."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from vintage.twin.sql.expression import Evaluate, Expression, RowError
from vintage.twin.sql.numbers import within
from vintage.twin.sql.operations import of_values, operation, simple

SECOND: Final = 1_000_000
"""Microseconds."""
DAY: Final = 86_400 * SECOND
_ERA: Final = 146_097
"""Days of 400 years."""
_DATE: Final = re.compile(
    r"([+-]?)([0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T].*)?)?)?", re.ASCII | re.DOTALL
)
_BLANKS: Final = "".join(map(chr, range(0x21))) + "\x7f"
LAST_WRITTEN: Final = 9999
_UNITS: Final = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND, "day": DAY}


def civil(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a date, of years that begin in March to have the leap day last."""
    days += 719_468
    era, within_era = divmod(days, _ERA)
    year = (within_era - within_era // 1460 + within_era // 36_524 - within_era // 146_096) // 365
    of_year = within_era - (365 * year + year // 4 - year // 100)
    place = (5 * of_year + 2) // 153
    month = place + 3 if place < 10 else place - 9  # noqa: PLR2004 - January and February are the last
    return year + era * 400 + (month <= 2), month, of_year - (153 * place + 2) // 5 + 1  # noqa: PLR2004


def days_of(year: int, month: int, day: int) -> int:
    """Return a date's days from 1970-01-01; see `civil`."""
    year -= month <= 2  # noqa: PLR2004
    era, of_era = divmod(year, 400)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1  # noqa: PLR2004
    return era * _ERA + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def days_in(year: int, month: int) -> int:
    """Return how many days a month has."""
    if month == 2:  # noqa: PLR2004 - February
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def days_of_text(text: str) -> int:
    """Read a date as `CAST(… AS DATE)` does: `y`, `y-m` or `y-m-d`, and what may stand behind a day."""
    found = _DATE.fullmatch(text.strip(_BLANKS))
    if found is None:
        raise RowError("a text is no date")
    year, month, day = int(f"{found[1]}{found[2]}"), int(found[3] or 1), int(found[4] or 1)
    if not (1 <= month <= 12 and 1 <= day <= days_in(year, month)):  # noqa: PLR2004 - months
        raise RowError("a text is no date")
    return within("int")(days_of(year, month, day))


def text_of_date(year: int, month: int, day: int) -> str:
    """Write a date as Java does."""
    sign = "-" if year < 0 else "+" if year > LAST_WRITTEN else ""
    return f"{sign}{abs(year):04}-{month:02}-{day:02}"


def text_of_moment(micros: int) -> str:
    """Write a timestamp of UTC as `CAST(… AS STRING)` does."""
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, SECOND)
    text = f"{text_of_date(*civil(days))} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text


def _weekday(days: int) -> int:
    return (days + 3) % 7


def _day_of_year(days: int) -> int:
    year, _, _ = civil(days)
    return days - days_of(year, 1, 1) + 1


def _week(days: int) -> int:
    """Return the week of ISO 8601: that of its Thursday."""
    return (_day_of_year(days - _weekday(days) + 3) - 1) // 7 + 1


def _last_day(days: int) -> int:
    year, month, _ = civil(days)
    return days_of(year, month, days_in(year, month))


_OF_DATE: Final[dict[str, Callable[[int], int]]] = {
    "year": lambda days: civil(days)[0],
    "month": lambda days: civil(days)[1],
    "day": lambda days: civil(days)[2],
    "quarter": lambda days: (civil(days)[1] - 1) // 3 + 1,
    "day_of_week": lambda days: (_weekday(days) + 1) % 7 + 1,
    "weekday": _weekday,
    "day_of_year": _day_of_year,
    "week": _week,
    "last_day": _last_day,
    "unix_date": lambda days: days,
}
_OF_MOMENT: Final[dict[str, Callable[[int], int]]] = {
    "hour": lambda micros: micros // (3600 * SECOND) % 24,
    "minute": lambda micros: micros // (60 * SECOND) % 60,
    "second": lambda micros: micros // SECOND % 60,
    "unix_seconds": lambda micros: micros // SECOND,
    "unix_micros": lambda micros: micros,
}
for _name, _function in (*_OF_DATE.items(), *_OF_MOMENT.items()):
    simple(_name)(_function)


@operation("date_add", "date_subtract")
def _date_add(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    sign = 1 if node.op == "date_add" else -1
    return of_values(lambda days, more: _wrapped(days + sign * more), args)


def _wrapped(days: int) -> int:
    """As Java adds integers, where Spark does not look."""
    return (days + (1 << 31)) % (1 << 32) - (1 << 31)


@operation("date_difference")
def _date_difference(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    return of_values(lambda end, start: _wrapped(end - start), args)


@operation("date_trunc")
def _date_trunc(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """To the begin of a unit, which the node names."""
    by = _UNITS.get(node.value)
    if by is not None:
        return of_values(lambda micros: micros - micros % by, args)
    begin = _BEGINS[node.value]
    return of_values(lambda micros: begin(micros // DAY) * DAY, args)


def _begin_of_month(days: int) -> int:
    year, month, _ = civil(days)
    return days_of(year, month, 1)


def _begin_of_quarter(days: int) -> int:
    year, month, _ = civil(days)
    return days_of(year, (month - 1) // 3 * 3 + 1, 1)


_BEGINS: Final[dict[Any, Callable[[int], int]]] = {
    "week": lambda days: days - _weekday(days),
    "month": _begin_of_month,
    "quarter": _begin_of_quarter,
    "year": lambda days: days_of(civil(days)[0], 1, 1),
}
UNITS: Final = frozenset({*_UNITS, *_BEGINS})
"""What a moment can be truncated to."""
