"""Three-valued logic, comparisons, and what chooses among values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from vintage.twin.sql.expression import FLOATING, Evaluate, Expression, Row
from vintage.twin.sql.operations import of_values, operation, simple


@operation("and", "or")
def _and_or(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """Return AND or OR; the right side is evaluated only where the left side does not decide."""
    left, right = args
    decides = node.op == "or"

    def evaluate(row: Row) -> Any:
        a = left(row)
        if a is decides:
            return decides
        b = right(row)
        if b is decides:
            return decides
        return None if a is None or b is None else not decides

    return evaluate


@simple("not")
def _not(value: bool) -> bool:
    return not value


@operation("is_null")
def _is_null(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    [only] = args
    return lambda row: only(row) is None


@operation("is_nan")
def _is_nan(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    [only] = args

    def evaluate(row: Row) -> bool:
        value = only(row)
        return value is not None and value != value  # noqa: PLR0124 - a NaN alone is not equal to itself

    return evaluate


def _equal_doubles(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)  # noqa: PLR0124 - NaN is equal to NaN


def _less_doubles(a: float, b: float) -> bool:
    return a < b or (b != b and a == a)  # noqa: PLR0124 - NaN is larger than all else


_OF_DOUBLES: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "equal": _equal_doubles,
    "less": _less_doubles,
    "less_equal": lambda a, b: not _less_doubles(b, a),
    "greater": lambda a, b: _less_doubles(b, a),
    "greater_equal": lambda a, b: not _less_doubles(a, b),
}
_OF_OTHERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "equal": operator.eq,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}


def compared(op: str, kind: str) -> Callable[[Any, Any], bool]:
    """Return the function that compares two values of a type, neither a null."""
    return (_OF_DOUBLES if kind in FLOATING else _OF_OTHERS)[op]


@operation(*_OF_OTHERS)
def _comparison(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    return of_values(compared(node.op, node.args[0].type), args)


@operation("null_safe_equal")
def _null_safe_equal(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    left, right = args
    equal = compared("equal", node.args[0].type)

    def evaluate(row: Row) -> bool:
        a, b = left(row), right(row)
        return a is b if a is None or b is None else equal(a, b)

    return evaluate


@operation("in")
def _in(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    wanted, *among = args
    equal = compared("equal", node.args[0].type)

    def evaluate(row: Row) -> bool | None:
        value = wanted(row)
        if value is None:
            return None
        null = False
        for each in among:
            found = each(row)
            if found is None:
                null = True
            elif equal(value, found):
                return True
        return None if null else False

    return evaluate


@operation("case")
def _case(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """Condition, value, condition, value, …, and what holds otherwise."""
    *pairs, otherwise = args
    branches = tuple(zip(pairs[::2], pairs[1::2], strict=True))

    def evaluate(row: Row) -> Any:
        for condition, value in branches:
            if condition(row):
                return value(row)
        return otherwise(row)

    return evaluate


@operation("coalesce")
def _coalesce(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(row: Row) -> Any:
        for each in args:
            value = each(row)
            if value is not None:
                return value
        return None

    return evaluate


@operation("nanvl")
def _nanvl(_: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    left, right = args

    def evaluate(row: Row) -> Any:
        value = left(row)
        # A null is none; a NaN alone is not equal to itself.
        return right(row) if value is not None and value != value else value  # noqa: PLR0124

    return evaluate


@operation("greatest", "least")
def _greatest(node: Expression, args: tuple[Evaluate, ...]) -> Evaluate:
    """Return the largest, or smallest, of those that are no nulls; the first of equals."""
    better = compared("greater" if node.op == "greatest" else "less", node.type)

    def evaluate(row: Row) -> Any:
        best = None
        for each in args:
            value = each(row)
            if value is not None and (best is None or better(value, best)):
                best = value
        return best

    return evaluate


@operation("literal")
def _literal(node: Expression, _: tuple[Evaluate, ...]) -> Evaluate:
    value = node.value
    if node.type in FLOATING and value is not None:
        # JSON has no infinity and no NaN, and writes a whole double as it likes.
        value = float(value)
    return lambda _: value
