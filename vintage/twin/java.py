"""What Java does otherwise than Python: texts of numbers, and the length and the cutting of strings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from vintage.twin.columns import Column

_PLAIN: Final = (1e-3, 1e7)
"""Between these Java writes a double without an exponent."""


def text_of(column: Column) -> Column:
    """Return a column cast to strings, as Spark's `CAST(… AS STRING)` does."""
    if column.values.dtype == object:
        return column
    write = _WRITERS.get(column.values.dtype.kind, str)
    return Column(np.array([write(value) for value in column.values], dtype=object), column.null)


def text_of_double(value: np.floating) -> str:
    """`Double.toString` and `Float.toString`: the shortest digits that give the number again.

    Java before 19 writes a digit more of a few numbers.
    """
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "-Infinity" if value < 0 else "Infinity"
    if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1]:
        return np.format_float_positional(value, unique=True, trim="0")
    shortest = np.format_float_scientific(value, unique=True, trim="0")
    if shortest.partition("e")[0].endswith(".0"):
        # Of one digit: the nearest of two is as good.
        shortest = np.format_float_scientific(value, unique=False, precision=1)
    digits, exponent = shortest.split("e")
    return f"{digits}E{int(exponent)}"


_WRITERS: Final[dict[str, Callable[..., str]]] = {
    "f": text_of_double,
    "b": lambda value: "true" if value else "false",
}


def length(text: str) -> int:
    """`String.length`: characters beyond the first 65,536 count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(pattern: re.Pattern[str], text: str) -> list[str]:
    """`Pattern.split`: without empty strings at the end, nor one before a match of nothing at the start."""
    if not text:
        return [""]
    parts, start = [], 0
    for match in pattern.finditer(text):
        if match.end() == 0:
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    parts.append(text[start:])
    if start == 0:
        return [text]
    while parts and not parts[-1]:
        parts.pop()
    return parts
