"""Arithmetic under ANSI rules: what overflows and what is divided by zero raises."""

from __future__ import annotations

import decimal
import math
import operator
import struct
from collections.abc import Callable
from typing import Any, Final

from vintage.twin.sql.expression import (
    FLOATING,
    MOST_DIGITS,
    WHOLE,
    Evaluate,
    Expression,
    Row,
    RowError,
    decimal_of,
    rescaled,
    scale_of,
)
from vintage.twin.sql.operations import of_values, operation, simple

_QUOTIENT: Final = decimal.Context(
    prec=MOST_DIGITS + 1, rounding=decimal.ROUND_HALF_UP, Emin=-999999, Emax=999999, traps=[]
)
"""As Spark divides decimals: to 39 digits, before it rounds to the scale of the result."""
_EXACT: Final = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}


def within(kind: str) -> Callable[[int], int]:
    """Return a function that gives back an integer, or the digits of a decimal, where a type holds it."""
    if kind in WHOLE:
        most = (1 << (WHOLE[kind] - 1)) - 1
        least = -most - 1
    else:
        precision, _ = decimal_of(kind) or (MOST_DIGITS, 0)
        most = 10**precision - 1
        least = -most

    def check(value: int) -> int:
        if least <= value <= most:
            return value
        raise RowError(f"a number is beyond {kind}")

    return check


def to_float(value: float) -> float:
    """Round a double to the nearest float."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def quotient(a: float, b: float) -> float:
    """Divide doubles as IEEE 754 has it; `b` is not 0."""
    return a / b


@operation("add", "subtract", "multiply")
def _arithmetic(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    exact = _EXACT[node.op]
    if node.type == "double":
        return of_values(exact, args)
    if node.type == "float":
        return of_values(lambda a, b: to_float(exact(a, b)), args)
    check = within(node.type)
    if node.type in WHOLE:
        return of_values(lambda a, b: check(exact(a, b)), args)
    left, right = (scale_of(each.type) for each in node.args)
    scale = scale_of(node.type)
    if node.op == "multiply":
        return of_values(lambda a, b: check(rescaled(a * b, left + right, scale)), args)
    most = max(left, right)
    a_by, b_by = 10 ** (most - left), 10 ** (most - right)
    return of_values(lambda a, b: check(rescaled(exact(a * a_by, b * b_by), most, scale)), args)


def _divided(function: Callable[[Any, Any], Any], args: tuple[Evaluate, ...]) -> Evaluate:
    """Divisor first, as Spark: what is divided is not looked at where it is a null, or raises for 0."""
    left, right = args

    def evaluate(row: Row) -> Any:
        b = right(row)
        if b is None:
            return None
        a = left(row)
        if a is None:
            return None
        if b == 0:
            raise RowError("it divides by zero")
        return function(a, b)

    return evaluate


@operation("divide")
def _divide(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    if node.type in FLOATING:
        return _divided(quotient, args)
    check, scale = within(node.type), scale_of(node.type)
    left, right = (scale_of(each.type) for each in node.args)
    unit = decimal.Decimal(1).scaleb(-scale)
    wide = decimal.Context(prec=120, rounding=decimal.ROUND_HALF_UP, traps=[])

    def divide(a: int, b: int) -> int:
        found = _QUOTIENT.divide(
            decimal.Decimal(a).scaleb(-left, wide), decimal.Decimal(b).scaleb(-right, wide)
        )
        return check(int(found.quantize(unit, context=wide).scaleb(scale, wide)))

    return _divided(divide, args)


@operation("remainder")
def _remainder(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    return _divided(_remainder_of_doubles if node.type in FLOATING else _java_remainder, args)


def _remainder_of_doubles(a: float, b: float) -> float:
    return math.nan if math.isinf(a) else math.fmod(a, b)


def _java_remainder(a: int, b: int) -> int:
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


@operation("div")
def _div(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    check = within("bigint")

    def divide(a: int, b: int) -> int:
        found = abs(a) // abs(b)
        return check(-found if (a < 0) != (b < 0) else found)

    return _divided(divide, args)


@operation("negate", "abs")
def _sign_changed(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    function: Callable[[Any], Any] = operator.neg if node.op == "negate" else abs
    if node.type in FLOATING:
        return of_values(function, args)
    check = within(node.type)
    return of_values(lambda value: check(function(value)), args)


@operation("floor", "ceil")
def _floor(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    function = math.floor if node.op == "floor" else math.ceil
    return of_values(lambda value: saturated(value, function), args)


def saturated(value: float, function: Callable[[float], int] = math.trunc) -> int:
    """Return a double as Java's `long`: NaN is 0, and what is beyond is the nearest that there is."""
    if value != value:  # noqa: PLR0124 - a NaN
        return 0
    if math.isinf(value):
        return (1 << 63) - 1 if value > 0 else -(1 << 63)
    return max(-(1 << 63), min((1 << 63) - 1, function(value)))


@simple("sqrt")
def _sqrt(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


@simple("signum")
def _signum(value: float) -> float:
    return value if value == 0 or value != value else math.copysign(1.0, value)  # noqa: PLR0124
