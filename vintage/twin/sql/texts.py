"""Functions of strings, which count characters as Spark does: by code points."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from vintage.twin.sql.expression import Evaluate, Expression, Row, RowError
from vintage.twin.sql.operations import of_values, operation, simple

_SPACE: Final = " "
_LONGEST: Final = (1 << 31) - 1


_GOT_CAPITALS: Final = frozenset("\u019b\u0264")
"""Letters that Unicode 16 gave capitals, which Spark knows and not every Python does."""


def _known(text: str) -> str:
    if not text.isascii():
        for sign in text:
            if sign in _GOT_CAPITALS or unicodedata.category(sign) == "Cn":
                raise RowError(f"the case of U+{ord(sign):04X} is not known here")
    return text


@simple("upper")
def _upper(text: str) -> str:
    return _known(text).upper()


@simple("lower")
def _lower(text: str) -> str:
    return _known(text).lower()


@operation("trim", "trim_left", "trim_right")
def _trim(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    function = {"trim": str.strip, "trim_left": str.lstrip, "trim_right": str.rstrip}[node.op]
    return of_values(lambda text: function(text, _SPACE), args)


simple("length")(len)
simple("starts_with")(str.startswith)
simple("ends_with")(str.endswith)


@simple("contains")
def _contains(text: str, part: str) -> bool:
    return part in text


@simple("position")
def _position(text: str, part: str) -> int:
    """Return where a part begins, counted from 1; 0 where it does not exist."""
    return text.find(part) + 1


@simple("replace")
def _replace(text: str, part: str, other: str) -> str:
    return text.replace(part, other) if part else text


@operation("substring")
def _substring(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """From a place that counts from 1, or from the end where it is below 0; so long, or to the end."""

    def cut(text: str, place: int, length: int = _LONGEST) -> str:
        start = place - 1 if place > 0 else len(text) + place if place < 0 else 0
        end = min(start + length, _LONGEST)
        return text[max(start, 0) : max(end, 0)] if end > start else ""

    return of_values(cut, args)


@simple("left")
def _left(text: str, length: int) -> str:
    return text[:length] if length > 0 else ""


@simple("right")
def _right(text: str, length: int) -> str:
    return text[-length:] if length > 0 else ""


@operation("concat")
def _concat(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    return of_values(lambda *texts: "".join(texts), args)


@operation("concat_ws")
def _concat_ws(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """Put a separator between those that are no nulls."""
    separator, *parts = args

    def evaluate(row: Row) -> str | None:
        between, found = separator(row), [each(row) for each in parts]
        return None if between is None else between.join(text for text in found if text is not None)

    return evaluate


@simple("split_part")
def _split_part(text: str, delimiter: str, place: int) -> str:
    if place in {0, -_LONGEST - 1}:
        raise RowError("split_part counts from 1, or from -1 at the end")
    parts = text.split(delimiter) if delimiter else [text]
    index = place - 1 if place > 0 else len(parts) + place
    return parts[index] if 0 <= index < len(parts) else ""


@operation("like")
def _like(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """Match a pattern, which is the node's: `%` stands for anything, `_` for a character."""
    pattern = re.compile(_regular(str(node.value)), re.DOTALL)
    return of_values(lambda text: pattern.fullmatch(text) is not None, args)


def _regular(pattern: str) -> str:
    signs: dict[Any, str] = {"%": ".*", "_": "."}
    return "".join(signs.get(sign) or re.escape(sign) for sign in pattern)
