"""CAST under ANSI rules: an invalid value raises."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

from vintage.twin.sql.calendar import DAY, civil, days_of_text, text_of_date, text_of_moment
from vintage.twin.sql.expression import (
    FLOATING,
    WHOLE,
    Evaluate,
    Expression,
    RowError,
    decimal_of,
    rescaled,
    scale_of,
)
from vintage.twin.sql.numbers import saturated, to_float, within
from vintage.twin.sql.operations import of_values, operation

Cast = Callable[[Any], Any]

BLANKS: Final = "".join(map(chr, range(0x21))) + "\x7f"
"""What Spark takes off both ends of a text before it reads it."""
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DOUBLE: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?", re.ASCII)
_HEXADECIMAL: Final = re.compile(
    r"([+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?", re.ASCII
)
_JAVA_BLANKS: Final = "".join(map(chr, range(0x21)))
_JAVA_WORDS: Final = {"NaN": math.nan, "+NaN": math.nan, "-NaN": math.nan}
_WORDS: Final = {
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), math.inf),
    **dict.fromkeys(("-inf", "-infinity"), -math.inf),
    "nan": math.nan,
}
_DECIMAL: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?")
"""Java takes the digits of every script, where a character has sixteen bits."""
_TRUE: Final = frozenset({"t", "true", "y", "yes", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "0"})


@operation("cast")
def _cast(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    before, after = node.args[0].type, node.type
    if before == after:
        return args[0]
    return of_values(CASTS[_family(before), _family(after)](before, after), args)


def castable(before: str, after: str) -> bool:
    """Return whether a cast is evaluated."""
    return before == after or (_family(before), _family(after)) in CASTS


def _family(kind: str) -> str:
    if kind in WHOLE:
        return "whole"
    return "decimal" if decimal_of(kind) else kind


def _to_whole(_: str, after: str) -> Cast:
    return within(after)


def _double_to_whole(_: str, after: str) -> Cast:
    check = within(after)

    def cast(value: float) -> int:
        if after == "bigint" and math.floor(_finite(value)) <= 1 << 63:
            # Spark compares with 2⁶³ as a double, and what is as large becomes the largest.
            return saturated(value) if math.ceil(value) >= -(1 << 63) else check(math.trunc(value))
        return check(math.trunc(_finite(value)))

    return cast


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    raise RowError(f"{value} is no integer")


def _whole_to_decimal(_: str, after: str) -> Cast:
    check, by = within(after), 10 ** scale_of(after)
    return lambda value: check(value * by)


def _decimal_to_decimal(before: str, after: str) -> Cast:
    check, old, new = within(after), scale_of(before), scale_of(after)
    return lambda value: check(rescaled(value, old, new))


def _decimal_to_whole(before: str, after: str) -> Cast:
    check, by = within(after), 10 ** scale_of(before)
    return lambda value: check(abs(value) // by * (1 if value >= 0 else -1))


def _decimal_to_double(before: str, _: str) -> Cast:
    by = 10 ** scale_of(before)
    return lambda value: value / by


def _decimal_to_text(before: str, _: str) -> Cast:
    scale = scale_of(before)

    def cast(value: int) -> str:
        digits = str(abs(value)).rjust(scale + 1, "0")
        text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
        return f"-{text}" if value < 0 else text

    return cast


def _whole_to_float(_before: str, _after: str) -> Cast:
    def cast(value: int) -> float:
        # At once, for through a double it would be rounded twice: up or down from the two floats around it.
        near = to_float(float(value))
        if int(near) == value:
            return near
        around = (_neighbour(near, -1), near, _neighbour(near, 1))
        return min(around, key=lambda each: (abs(int(each) - value), _is_odd(each)))

    return cast


def _neighbour(value: float, step: int) -> float:
    [bits] = struct.unpack("i", struct.pack("f", value))
    return float(struct.unpack("f", struct.pack("i", bits + (step if value > 0 else -step)))[0])


def _is_odd(value: float) -> int:
    return int(struct.unpack("i", struct.pack("f", value))[0]) & 1


def _text_to_whole(_: str, after: str) -> Cast:
    check = within(after)

    def cast(text: str) -> int:
        text = text.strip(BLANKS)
        if not _INTEGER.fullmatch(text):
            raise RowError(f"a text is no {after}")
        return check(int(text))

    return cast


def text_to_double(text: str) -> float:
    """Read a double as Java's `Double.parseDouble` does, and Spark's words beside."""
    trimmed = text.strip(_JAVA_BLANKS)
    if _DOUBLE.fullmatch(trimmed):
        return float(trimmed.rstrip("fFdD"))
    if hexadecimal := _HEXADECIMAL.fullmatch(trimmed):
        return _of_hexadecimal(hexadecimal[1])
    found = _JAVA_WORDS.get(trimmed, _WORDS.get(trimmed.lower()))
    if found is None:
        raise RowError("a text is no double")
    return found


def _of_hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return -math.inf if text.startswith("-") else math.inf


def _text_to_decimal(_: str, after: str) -> Cast:
    check, scale = within(after), scale_of(after)
    most = len(str(10**38))

    def cast(text: str) -> int:
        found = _DECIMAL.fullmatch(text.strip(_JAVA_BLANKS))
        if found is None or not (found[2] or found[3]) or max(text) > "\uffff":
            raise RowError(f"a text is no {after}")
        digits = f"{found[2]}{found[3] or ''}"
        value, exponent = int(f"{found[1]}{digits}"), int(found[4] or 0) - len(found[3] or "")
        if value and len(str(abs(value))) + exponent > most:
            raise RowError(f"a number is beyond {after}")
        # Beyond this nothing is left of it but a 0.
        return check(rescaled(value, max(-exponent, -most), scale)) if -exponent < len(digits) + 99 else 0

    return cast


def _text_to_boolean(text: str) -> bool:
    word = text.strip(BLANKS).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise RowError("a text is no boolean")


def _moment_to_date(micros: int) -> int:
    return micros // DAY


CASTS: Final[dict[tuple[str, str], Callable[[str, str], Cast]]] = {
    ("whole", "whole"): _to_whole,
    ("whole", "double"): lambda _before, _after: float,
    ("whole", "float"): _whole_to_float,
    ("whole", "decimal"): _whole_to_decimal,
    ("whole", "string"): lambda _before, _after: str,
    ("whole", "boolean"): lambda _before, _after: bool,
    ("float", "double"): lambda _before, _after: float,
    ("double", "float"): lambda _before, _after: to_float,
    **{(kind, "whole"): _double_to_whole for kind in FLOATING},
    **{(kind, "boolean"): lambda _before, _after: lambda value: value != 0 for kind in FLOATING},
    ("decimal", "decimal"): _decimal_to_decimal,
    ("decimal", "whole"): _decimal_to_whole,
    ("decimal", "double"): _decimal_to_double,
    ("decimal", "string"): _decimal_to_text,
    ("decimal", "boolean"): lambda _before, _after: bool,
    ("boolean", "whole"): lambda _before, _after: int,
    ("boolean", "double"): lambda _before, _after: float,
    ("boolean", "string"): lambda _before, _after: lambda value: "true" if value else "false",
    ("string", "whole"): _text_to_whole,
    ("string", "double"): lambda _before, _after: text_to_double,
    ("string", "decimal"): _text_to_decimal,
    ("string", "boolean"): lambda _before, _after: _text_to_boolean,
    ("string", "date"): lambda _before, _after: days_of_text,
    ("date", "string"): lambda _before, _after: lambda days: text_of_date(*civil(days)),
    ("date", "timestamp"): lambda _before, _after: lambda days: days * DAY,
    ("timestamp", "date"): lambda _before, _after: _moment_to_date,
    ("timestamp", "string"): lambda _before, _after: text_of_moment,
}
"""What is cast to what → how. A double is not written as text: Java before 19 writes other digits."""
