"""Compiles functions of numbers, strings and dates; see `handlers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from vintage.ml.row_sql.coercion import NotSure, cast
from vintage.ml.row_sql.handlers import TWO, Compile, exactly, handles, negated
from vintage.spec.sql_nodes import function_name
from vintage.twin.sql.calendar import UNITS
from vintage.twin.sql.expression import FLOATING, VOID, WHOLE, Expression

_OF_TEXTS: Final[Mapping[type[exp.Expr], tuple[str, str, tuple[str, ...]]]] = {
    exp.Upper: ("upper", "string", ("string",)),
    exp.Lower: ("lower", "string", ("string",)),
    exp.Length: ("length", "int", ("string",)),
    exp.StartsWith: ("starts_with", "boolean", ("string", "string")),
    exp.EndsWith: ("ends_with", "boolean", ("string", "string")),
    exp.Contains: ("contains", "boolean", ("string", "string")),
    exp.StrPosition: ("position", "int", ("string", "string")),
    exp.Replace: ("replace", "string", ("string", "string", "string")),
    exp.Substring: ("substring", "string", ("string", "int", "int")),
    exp.Left: ("left", "string", ("string", "int")),
    exp.Right: ("right", "string", ("string", "int")),
    exp.SplitPart: ("split_part", "string", ("string", "string", "int")),
}
"""Function → operation, the type that it gives, and those that it takes."""
_OF_DATES: Final[Mapping[type[exp.Expr], tuple[str, str]]] = {
    exp.Year: ("year", "int"),
    exp.Month: ("month", "int"),
    exp.Day: ("day", "int"),
    exp.DayOfMonth: ("day", "int"),
    exp.DayOfWeek: ("day_of_week", "int"),
    exp.DayOfYear: ("day_of_year", "int"),
    exp.WeekOfYear: ("week", "int"),
    exp.Quarter: ("quarter", "int"),
    exp.LastDay: ("last_day", "date"),
    exp.UnixDate: ("unix_date", "int"),
}
_OF_MOMENTS: Final[Mapping[type[exp.Expr], tuple[str, str]]] = {
    exp.Hour: ("hour", "int"),
    exp.Minute: ("minute", "int"),
    exp.Second: ("second", "int"),
    exp.UnixSeconds: ("unix_seconds", "bigint"),
    exp.UnixMicros: ("unix_micros", "bigint"),
}
_OF_DOUBLES: Final[Mapping[type[exp.Expr], str]] = {exp.Sqrt: "sqrt", exp.Sign: "signum", exp.Ln: "ln"}


@handles(exp.Floor, exp.Ceil)
def _floor(node: exp.Func, compile_node: Compile) -> Expression:
    value = compile_node(node.this)
    if value.type in WHOLE:
        return cast(value, "bigint")
    if value.type not in FLOATING:
        raise NotSure(f"{function_name(node)}() of {value.type.upper()} is left to Spark")
    return Expression(function_name(node), "bigint", (cast(value, "double"),))


@handles(*_OF_DOUBLES)
def _of_double(node: exp.Func, compile_node: Compile) -> Expression:
    value = compile_node(node.this)
    if value.type == "string":
        raise NotSure("STRING is no number; Spark would convert it by itself")
    return Expression(_OF_DOUBLES[type(node)], "double", (cast(value, "double"),))


@handles(
    *_OF_TEXTS,
    reads=("this", "expression", "substr", "start", "length", "replacement", "delimiter", "part_index"),
)
def _of_texts(node: exp.Func, compile_node: Compile) -> Expression:
    op, kind, kinds = _OF_TEXTS[type(node)]
    args = [compile_node(node.args[name]) for name in node.arg_types if node.args.get(name) is not None]
    if op == "replace" and len(args) == 2:  # noqa: PLR2004 - what it looks for is left out
        args.append(Expression("literal", "string", value=""))
    if len(args) > len(kinds):
        raise NotSure(f"{node.sql('spark')} is of a form that is left to Spark")
    return Expression(op, kind, tuple(map(exactly, args, kinds)))


@handles(exp.Trim, reads=("this", "position"))
def _trim(node: exp.Trim, compile_node: Compile) -> Expression:
    op = {"LEADING": "trim_left", "TRAILING": "trim_right"}.get(node.args.get("position") or "", "trim")
    return Expression(op, "string", (exactly(compile_node(node.this), "string"),))


@handles(exp.Concat, exp.ConcatWs, reads=("expressions",))
def _concat(node: exp.Func, compile_node: Compile) -> Expression:
    args = tuple(exactly(compile_node(each), "string") for each in node.expressions)
    return Expression("concat_ws" if isinstance(node, exp.ConcatWs) else "concat", "string", args)


@handles(exp.DPipe, reads=TWO)
def _pipes(node: exp.DPipe, compile_node: Compile) -> Expression:
    args = tuple(exactly(compile_node(each), "string") for each in (node.this, node.expression))
    return Expression("concat", "string", args)


@handles(exp.Like, reads=(*TWO, "negate"))
def _like(node: exp.Like, compile_node: Compile) -> Expression:
    if not (isinstance(node.expression, exp.Literal) and node.expression.is_string):
        raise NotSure("a LIKE whose pattern is no literal is left to Spark")
    value = exactly(compile_node(node.this), "string")
    made = Expression("like", "boolean", (value,), node.expression.name)
    return negated(made) if node.args.get("negate") else made


@handles(exp.TsOrDsToDate)
def _to_date(node: exp.TsOrDsToDate, compile_node: Compile) -> Expression:
    return _date(compile_node(node.this))


def _date(value: Expression) -> Expression:
    if value.type not in {"date", "timestamp", VOID}:
        raise NotSure(f"{value.type.upper()} for DATE is converted by Spark itself; write the CAST")
    return cast(value, "date")


@handles(*_OF_DATES)
def _of_date(node: exp.Func, compile_node: Compile) -> Expression:
    op, kind = _OF_DATES[type(node)]
    return Expression(op, kind, (_date(compile_node(node.this)),))


@handles(*_OF_MOMENTS)
def _of_moment(node: exp.Func, compile_node: Compile) -> Expression:
    op, kind = _OF_MOMENTS[type(node)]
    return Expression(op, kind, (exactly(compile_node(node.this), "timestamp"),))


@handles(exp.DateDiff, reads=TWO)
def _date_difference(node: exp.DateDiff, compile_node: Compile) -> Expression:
    days = tuple(_date(compile_node(each)) for each in (node.this, node.expression))
    return Expression("date_difference", "int", days)


@handles(exp.TsOrDsAdd, reads=("this", "expression", "unit"))
def _date_add(node: exp.TsOrDsAdd, compile_node: Compile) -> Expression:
    if node.args["unit"].name.lower() != "day":
        raise NotSure(f"{node.sql('spark')} is left to Spark")
    more, op = node.expression, "date_add"
    if isinstance(more, exp.Mul) and more.expression == exp.Neg(this=exp.Literal.number(1)):
        # What sqlglot makes of date_sub.
        more, op = more.this, "date_subtract"
    return Expression(op, "date", (_date(compile_node(node.this)), exactly(compile_node(more), "int")))


@handles(exp.TimestampTrunc, reads=("this", "unit"))
def _date_trunc(node: exp.TimestampTrunc, compile_node: Compile) -> Expression:
    unit = node.args["unit"].name.lower()
    if unit not in UNITS:
        raise NotSure(f"date_trunc() to {unit} is left to Spark")
    return Expression("date_trunc", "timestamp", (exactly(compile_node(node.this), "timestamp"),), unit)


_ANONYMOUS: Final[Mapping[str, Callable[[Expression], Expression]]] = {
    "isnull": lambda value: Expression("is_null", "boolean", (value,)),
    "isnotnull": lambda value: negated(Expression("is_null", "boolean", (value,))),
    "weekday": lambda value: Expression("weekday", "int", (_date(value),)),
    "bigint": lambda value: cast(value, "bigint"),
    "smallint": lambda value: cast(value, "smallint"),
    "tinyint": lambda value: cast(value, "tinyint"),
}
"""Functions of one argument that sqlglot has no node for."""


@handles(exp.Anonymous, reads=("this", "expressions"))
def _anonymous(node: exp.Anonymous, compile_node: Compile) -> Expression:
    name = function_name(node)
    if name not in _ANONYMOUS or len(node.expressions) != 1:
        raise NotSure(f"{name}() is left to Spark")
    return _ANONYMOUS[name](compile_node(node.expressions[0]))
