"""Whether a SQL expression is a floating-point number with a fraction, whose sums are rounded on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.spec.sql_nodes import function_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

_FLOATING: Final = frozenset({"DOUBLE", "FLOAT", "REAL"})
_WHOLE: Final = frozenset(
    {*("BOOLEAN", "TINYINT", "BYTE", "SMALLINT", "SHORT"), *("INT", "INTEGER", "BIGINT", "LONG")}
)
# They give a fraction of whole numbers too.
_FRACTIONS: Final = frozenset({"ln", "log", "log2", "log10", "exp", "sqrt", "cbrt", "power"})


def has_fraction(node: exp.Expr | None, types: Mapping[str, str]) -> bool:
    """Return whether it is known to be such a number; what is whole, or of an unknown type, is none.

    Args:
        node: an expression; None is none.
        types: column → Spark type in upper case, of those whose type is known.
    """
    if node is None:
        return False
    return _has_fraction(node, {name.lower(): kind for name, kind in types.items()})


def _has_fraction(node: exp.Expr, types: Mapping[str, str]) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Column):
        return types.get(node.name.lower(), "") in _FLOATING
    if isinstance(node, exp.Cast):
        return node.to.is_type("double", "float") and not _is_whole(node.this, types)
    if isinstance(node, exp.Div) or (isinstance(node, exp.Func) and function_name(node) in _FRACTIONS):
        return not _is_decimal(node, types)
    return any(_has_fraction(each, types) for each in _parts(node))


def _parts(node: exp.Expr) -> list[exp.Expr]:
    """Return what a value is computed from: of a choice the results, not the conditions."""
    from sqlglot import exp

    if isinstance(node, exp.Predicate):
        return []
    if isinstance(node, exp.Case):
        results = [each.args.get("true") for each in node.args.get("ifs") or ()]
        return [each for each in (*results, node.args.get("default")) if each is not None]
    if isinstance(node, exp.If):
        return [each for each in (node.args.get("true"), node.args.get("false")) if each is not None]
    return list(node.iter_expressions())


def _is_whole(node: exp.Expr, types: Mapping[str, str]) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Column):
        return types.get(node.name.lower(), "") in _WHOLE
    return isinstance(node.unnest(), exp.Predicate | exp.Literal)


def _is_decimal(node: exp.Expr, types: Mapping[str, str]) -> bool:
    """Return whether it is computed with decimals, which are exact."""
    from sqlglot import exp

    casts = (each.to.is_type("decimal") for each in node.find_all(exp.Cast))
    columns = (
        types.get(each.name.lower(), "").startswith(("DECIMAL", "NUMERIC"))
        for each in node.find_all(exp.Column)
    )
    return any(casts) or any(columns)
