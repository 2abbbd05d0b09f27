"""An expression of Spark SQL over one row, with the types that Spark gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Row = tuple[Any, ...]
"""The values of a raw row, in the order of its columns."""
Evaluate = Callable[[Row], Any]
"""Gives an expression's value of a row; None is a null."""

WHOLE: Final[Mapping[str, int]] = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
"""Integers and their bits, from the narrowest to the widest."""
FLOATING: Final = frozenset({"float", "double"})
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
MOST_DIGITS: Final = 38
VOID: Final = "void"
"""The type of NULL."""


class RowError(Exception):
    """Spark raises on this row: an overflow, a division by zero, a text that is no number."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A node: an operation on expressions, a column or a literal.

    Values are Python's. A decimal is the integer that its digits are; a date counts days, and a timestamp
    microseconds, from 1970-01-01; a float is the double of the same value.

    Attributes:
        op: the operation, by its name among the evaluators; `column` or `literal`.
        type: Spark's type of what it gives, as its DDL names it.
        args: what it is applied to.
        value: a literal's; a column's name; what else an operation needs to know.
    """

    op: str
    type: str
    args: tuple[Expression, ...] = ()
    value: Any = None

    @property
    def columns(self) -> Iterator[str]:
        """Yield the names of the columns that it reads, each as often as it does."""
        if self.op == "column":
            yield str(self.value)
        for each in self.args:
            yield from each.columns

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        told: dict[str, Any] = {"op": self.op, "type": self.type}
        if self.args:
            told["args"] = [each.to_json() for each in self.args]
        if self.value is not None:
            told["value"] = self.value
        return told

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Expression:
        """Return what `to_json` told."""
        args = tuple(cls.of_json(each) for each in told.get("args", ()))
        return cls(told["op"], told["type"], args, told.get("value"))


def decimal_of(kind: str) -> tuple[int, int] | None:
    """Return precision and scale of a type; None of one that is no decimal."""
    found = _DECIMAL.fullmatch(kind)
    return None if found is None else (int(found[1]), int(found[2]))


def scale_of(kind: str) -> int:
    """Return how many digits of a decimal are behind the point."""
    found = _DECIMAL.fullmatch(kind)
    return 0 if found is None else int(found[2])


def is_number(kind: str) -> bool:
    """Return whether values of a type can be computed with."""
    return kind in WHOLE or kind in FLOATING or decimal_of(kind) is not None


def halves_up(numerator: int, denominator: int) -> int:
    """Return the quotient, rounded to the nearest, halves away from 0, as Java's HALF_UP."""
    quotient, rest = divmod(abs(numerator), abs(denominator))
    if 2 * rest >= abs(denominator):
        quotient += 1
    return -quotient if (numerator < 0) != (denominator < 0) else quotient


def rescaled(value: int, before: int, after: int) -> int:
    """Return a decimal's digits with another scale."""
    if after >= before:
        return int(value * 10 ** (after - before))
    return halves_up(value, 10 ** (before - after))
