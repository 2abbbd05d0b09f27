"""The types that Spark's ANSI mode gives to expressions, and the casts that it adds by itself."""

from __future__ import annotations

from typing import Final

from vintage.twin.sql.casts import castable
from vintage.twin.sql.expression import (
    FLOATING,
    MOST_DIGITS,
    VOID,
    WHOLE,
    Expression,
    decimal_of,
    is_number,
    rescaled,
)

_DIGITS: Final = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}
"""Of the decimal that Spark makes of an integer."""
_LEAST_SCALE: Final = 6
"""Of a quotient of decimals."""


class NotSure(Exception):
    """An expression is not known to give what Spark gives; the reason is a sentence."""


def null(kind: str) -> Expression:
    """Return NULL of a type."""
    return Expression("literal", kind)


def cast(node: Expression, kind: str) -> Expression:
    """Return an expression as another type.

    Raises:
        NotSure: that cast is not evaluated.
    """
    if node.type == kind:
        return node
    if node.type == VOID:
        return null(kind)
    if not castable(node.type, kind):
        raise NotSure(f"a cast of {node.type.upper()} to {kind.upper()} is left to Spark")
    if _is_whole_literal(node) and decimal_of(kind):
        # As Spark's optimizer: nothing is left to do for a row.
        _, scale = decimal_of(kind) or (0, 0)
        return Expression("literal", kind, value=rescaled(node.value, 0, scale))
    return Expression("cast", kind, (node,))


def common(*kinds: str) -> str:
    """Return the type that Spark gives to values of several types: of branches, lists and comparisons.

    Raises:
        NotSure: they have none, or Spark would convert a text by itself.
    """
    found = VOID
    for kind in kinds:
        found = _common(found, kind)
    return found


def _common(a: str, b: str) -> str:
    if b in {a, VOID}:
        return a
    if a == VOID:
        return b
    if {a, b} == {"date", "timestamp"}:
        return "timestamp"
    if not (is_number(a) and is_number(b)):
        raise NotSure(f"{a.upper()} beside {b.upper()} is converted by Spark itself; write the CAST")
    if a in FLOATING or b in FLOATING:
        return "double"
    if a in WHOLE and b in WHOLE:
        return a if WHOLE[a] > WHOLE[b] else b
    (p1, s1), (p2, s2) = as_decimal(a), as_decimal(b)
    scale = max(s1, s2)
    return _decimal(max(p1 - s1, p2 - s2) + scale, scale)


def as_decimal(kind: str) -> tuple[int, int]:
    """Return precision and scale of the decimal that holds every value of a type that is no floating one."""
    return decimal_of(kind) or (_DIGITS[kind], 0)


def _decimal(precision: int, scale: int) -> str:
    if precision > MOST_DIGITS:
        raise NotSure(f"a decimal of {precision} digits is cut by Spark to {MOST_DIGITS}; write a CAST")
    return f"decimal({precision},{scale})"


def _is_whole_literal(node: Expression) -> bool:
    return node.op == "literal" and node.type in WHOLE and node.value is not None


def with_decimals(*nodes: Expression) -> tuple[Expression, ...]:
    """Make decimals of integers that stand beside a decimal; of a literal one of as many digits as it has."""
    if not any(decimal_of(each.type) for each in nodes) or any(each.type in FLOATING for each in nodes):
        return nodes
    return tuple(_as_decimal(each) for each in nodes)


def _as_decimal(node: Expression) -> Expression:
    if node.type not in WHOLE:
        return node
    digits = len(str(abs(node.value))) if _is_whole_literal(node) else _DIGITS[node.type]
    return cast(node, f"decimal({digits},0)")


def arithmetic(op: str, left: Expression, right: Expression) -> Expression:
    """Return a sum, difference, product, quotient or remainder.

    Raises:
        NotSure: an argument is no number, or a decimal gets too long.
    """
    for each in (left, right):
        if each.type != VOID and not is_number(each.type):
            raise NotSure(f"{each.type.upper()} is no number; Spark would convert it by itself")
    left, right = with_decimals(left, right)
    if not (decimal_of(left.type) and decimal_of(right.type)):
        kind = common(left.type, right.type)
        if kind == VOID or (op == "divide" and not decimal_of(kind)):
            kind = "double"
        elif op == "div":
            kind = "bigint"
        return Expression(op, kind, (cast(left, kind), cast(right, kind)))
    (p1, s1), (p2, s2) = as_decimal(left.type), as_decimal(right.type)
    if op in {"add", "subtract"}:
        scale = max(s1, s2)
        kind = _decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
    elif op == "multiply":
        kind = _decimal(p1 + p2 + 1, s1 + s2)
    elif op == "divide":
        scale = max(_LEAST_SCALE, s1 + p2 + 1)
        kind = _decimal(p1 - s1 + s2 + scale, scale)
    else:
        raise NotSure("a remainder, or a whole quotient, of decimals is left to Spark")
    return Expression(op, kind, (left, right))
