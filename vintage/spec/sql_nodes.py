"""The nodes of a parsed SQL text: what a function is called, where it stands, and in what it is enclosed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

# What sqlglot calls a function, where that is not what one writes in Spark.
_SPARKS: Final[Mapping[str, str]] = {
    "array_agg": "collect_list",
    "array_unique_agg": "collect_set",
    "group_concat": "listagg",
    "approx_quantile": "percentile_approx",
    "variance_pop": "var_pop",
}
# They give the same whatever order a list has.
_ORDERING: Final = frozenset(
    {
        *("array_sort", "sort_array", "array_size", "size", "cardinality", "array_max", "array_min"),
        *("array_contains", "arrays_overlap", "exists", "forall"),
    }
)
# They pass on a list's elements one by one, in the order that it has.
_PASSING: Final = frozenset(
    {"array_distinct", "array_compact", "array_remove", "array_except", "filter", "transform", "flatten"}
)


def function_name(function: exp.Func) -> str:
    """sqlglot's name of a function, in small letters."""
    from sqlglot import exp

    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    return str(name).lower()


def written_name(function: exp.Func, text: str) -> str:
    """Return the name of a function as it is written in the text that it was parsed from."""
    start, end = function.meta.get("start"), function.meta.get("end")
    if start is not None and end is not None:
        word = text[start : end + 1].lower()
        if word.replace("_", "").isalnum():
            return word
    name = function_name(function)
    return _SPARKS.get(name, name)


def line_of(node: exp.Expr) -> int | None:
    """Return the line of a node, from 1; that of its parts or neighbours where it has none."""
    around: exp.Expr | None = node
    for _ in range(2):
        if around is None:
            return None
        lines = [each.meta["line"] for each in around.walk() if "line" in each.meta]
        if lines:
            return int(around.meta.get("line") or min(lines))
        around = around.parent
    return None


def first_argument(function: exp.Func) -> exp.Expr | None:
    """Return what stands first between a function's brackets."""
    from sqlglot import exp

    first = function.this
    if isinstance(function, exp.Anonymous):
        first = function.expressions[0] if function.expressions else None
    return first if isinstance(first, exp.Expr) else None


def argument(function: exp.Func) -> str:
    """Return the first argument of a function, as SQL; `x` where it has none."""
    first = first_argument(function)
    return "x" if first is None else first.sql("spark")


def absorbed(function: exp.Func) -> bool:
    """Return whether the expression around a list ignores its order: sorts it, counts it, searches it."""
    from sqlglot import exp

    parent = function.parent
    around = exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Paren | exp.Window | exp.Dot
    while isinstance(parent, around) or (isinstance(parent, exp.Func) and function_name(parent) in _PASSING):
        # A function of two names is given the place in the list as well.
        if isinstance(parent, exp.Transform) and len(parent.expression.expressions) > 1:
            return False
        parent = parent.parent
    return isinstance(parent, exp.Func) and function_name(parent) in _ORDERING


def window_of(function: exp.Func) -> exp.Window | None:
    """Return the window that a function is over, if it is over one."""
    from sqlglot import exp

    parent = function.parent
    while isinstance(parent, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        parent = parent.parent
    return parent if isinstance(parent, exp.Window) else None


def resolved_window(window: exp.Window) -> exp.Window:
    """Return the window itself, or the one of that name: `OVER w` … `WINDOW w AS (…)`."""
    from sqlglot import exp

    name = window.alias.lower()
    select = window.find_ancestor(exp.Select)
    if not name or select is None:
        return window
    named = (each for each in select.args.get("windows") or () if each.this.name.lower() == name)
    return next(named, window)


def ordered_names(order: exp.Order) -> set[str]:
    """Return the columns of an ORDER BY, aliases resolved, in lower case; `*` is all."""
    from sqlglot import exp

    select = order.parent if isinstance(order.parent, exp.Select) else order.find_ancestor(exp.Select)
    items = select.selects if select is not None else []
    given = {item.alias.lower(): item.unalias() for item in items if item.alias}
    names: set[str] = set()
    for ordered in order.expressions:
        by = ordered.this
        if isinstance(by, exp.Var) and by.name.lower() == "all":
            return {"*"}
        if isinstance(by, exp.Literal) and by.is_int and 0 < int(by.name) <= len(items):
            item = items[int(by.name) - 1]
            names |= {item.alias_or_name.lower(), item.unalias().name.lower()}
        elif isinstance(by, exp.Column):
            names.add(by.name.lower())
            stands_for = given.get(by.name.lower())
            if isinstance(stands_for, exp.Column):
                names.add(stands_for.name.lower())
    return names
