"""The patterns by which a reader's options say how dates and times are written: what is wrong with one."""

from __future__ import annotations

import re
from typing import Final

_OF_DATES: Final = "dateformat"
_OF_TIMES: Final = frozenset({"timestampformat", "timestampntzformat"})
# https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html: the letters with which Spark reads.
_LETTERS: Final = frozenset("GyMLdDaHhKkmsSVzOXxZ")
_MEANT: Final = {"Y": "y", "u": "y", "e": "d", "c": "d", "A": "a", "n": "S", "N": "S"}
_QUOTED: Final = re.compile(r"'(?:[^']|'')*'")


def is_pattern(name: str) -> bool:
    """Return whether an option of that name is a pattern of dates or of dates with times."""
    return name.lower() == _OF_DATES or name.lower() in _OF_TIMES


def pattern_problem(name: str, pattern: str) -> tuple[str, str]:
    """Return what was expected instead of a pattern, and a hint; empty where nothing is wrong.

    Spark takes what a pattern leaves open for the first: of `yyyy-mm-dd`, whose `mm` are minutes, each date
    is one of January.

    Args:
        name: the option's; case is ignored.
        pattern: its value.
    """
    bare = _QUOTED.sub("", pattern)
    letters = re.findall(r"[A-Za-z]", bare)
    strange = next((letter for letter in letters if letter not in _LETTERS), "")
    if strange:
        meant = f'did you mean "{_MEANT[strange]}"?' if strange in _MEANT else ""
        return f'letters with which Spark reads a date, and "{strange}" is none; others in quotes', meant
    there = set(letters)
    minutes = 'mm are minutes; did you mean "MM"?' if "m" in there else ""
    halves = name.lower() in _OF_TIMES and there & set("hK") and "a" not in there
    wrong = (
        (not there & set("yG"), "a pattern with the year, yyyy", ""),
        (not there & set("MLD"), "a pattern with the month, MM", minutes),
        (not there & set("dD"), "a pattern with the day, dd", ""),
        (
            "D" in there and there & set("MLd"),
            "the day of the month, dd; D is that of the year",
            'did you mean "dd"?',
        ),
        (
            bool(re.search(r"[A-RT-Za-z]\[?S{7,}", bare)),
            "at most SSSSSS, microseconds, where no mark stands before the fraction",
            "",
        ),
        (halves, "a pattern with a.m. or p.m., a, beside hh; HH is of 24 hours", 'did you mean "HH"?'),
    )
    return next(((expected, hint) for is_wrong, expected, hint in wrong if is_wrong), ("", ""))
