"""Which handler compiles which node of sqlglot; what has none is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from vintage.ml.row_sql.coercion import NotSure, cast
from vintage.spec.sql_nodes import function_name
from vintage.twin.sql.expression import VOID, Expression

if TYPE_CHECKING:
    from collections.abc import Iterable

Compile = Callable[[Any], Expression]
_Handler = Callable[[Any, Compile], Expression]

_HANDLERS: Final[dict[type[exp.Expr], tuple[frozenset[str], _Handler]]] = {}
_SAID_BY_THE_PARSER: Final = frozenset({"typed", "safe", "flatten", "ignore_nulls", "coalesce"})
"""Notes of sqlglot's, which every Spark text gets."""
TWO: Final = ("this", "expression")


def compiled(node: exp.Expr, column: Callable[[exp.Column], Expression]) -> Expression:
    """Compile an expression.

    Args:
        node: as sqlglot parses it.
        column: what a column stands for.

    Raises:
        NotSure: a part of it is not known to give what Spark gives; names the part.
    """

    def compile_node(each: exp.Expr) -> Expression:
        if isinstance(each, exp.Column):
            return column(each)
        if type(each) not in _HANDLERS:
            raise NotSure(_unknown(each))
        reads, handler = _HANDLERS[type(each)]
        further = [
            name
            for name, value in each.args.items()
            if value and name not in reads and name not in _SAID_BY_THE_PARSER
        ]
        if further:
            raise NotSure(f"{each.sql('spark')} is of a form that is left to Spark")
        return handler(each, compile_node)

    return compile_node(node)


def _unknown(node: exp.Expr) -> str:
    if isinstance(node, exp.Window | exp.AggFunc):
        return f"{node.sql('spark')} is over several rows"
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
        return "a subquery reads other rows"
    if isinstance(node, exp.Func):
        return f"{function_name(node)}() is left to Spark"
    return f"{node.sql('spark')} is left to Spark"


def handles(*kinds: type[exp.Expr], reads: Iterable[str] = ("this",)) -> Callable[[_Handler], _Handler]:
    """Register what compiles these nodes, and the arguments that it looks at: others are refused."""

    def register(handler: _Handler) -> _Handler:
        _HANDLERS.update(dict.fromkeys(kinds, (frozenset(reads), handler)))
        return handler

    return register


def exactly(value: Expression, kind: str) -> Expression:
    """Return an argument as it is, of its type; Spark would convert others by itself."""
    if value.type in {kind, VOID} or (kind == "int" and value.type in {"tinyint", "smallint"}):
        return cast(value, kind)
    raise NotSure(f"{value.type.upper()} for {kind.upper()} is converted by Spark itself; write the CAST")


def negated(node: Expression) -> Expression:
    """Return the opposite of a condition."""
    return Expression("not", "boolean", (node,))
