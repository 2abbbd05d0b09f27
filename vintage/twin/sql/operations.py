"""Which function evaluates which operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vintage.twin.sql.expression import Evaluate, Expression, Row

Prepare = Callable[[Expression, tuple[Evaluate, ...]], Evaluate]
"""Makes of a node and the evaluators of its arguments, once, what evaluates it."""

OPERATIONS: Final[dict[str, Prepare]] = {}
"""Name of an operation → what prepares it; the modules of this package fill it."""


def operation(*names: str) -> Callable[[Prepare], Prepare]:
    """Register what prepares these operations."""

    def register(prepare: Prepare) -> Prepare:
        OPERATIONS.update(dict.fromkeys(names, prepare))
        return prepare

    return register


def of_values(function: Callable[..., Any], args: tuple[Evaluate, ...]) -> Evaluate:
    """Return an evaluator that gives a null for a null: from left to right, and no further than the first."""
    if len(args) == 1:
        [only] = args

        def of_one(row: Row) -> Any:
            value = only(row)
            return None if value is None else function(value)

        return of_one

    if len(args) == 2:  # noqa: PLR2004 - the other common case
        left, right = args

        def of_two(row: Row) -> Any:
            a = left(row)
            if a is None:
                return None
            b = right(row)
            return None if b is None else function(a, b)

        return of_two

    def of_several(row: Row) -> Any:
        values = []
        for each in args:
            value = each(row)
            if value is None:
                return None
            values.append(value)
        return function(*values)

    return of_several


def simple(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of values that are no nulls, whatever their types."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS.update(dict.fromkeys(names, lambda _, args: of_values(function, args)))
        return function

    return register
