"""Compiles literals, arithmetic, logic, choices and casts; see `handlers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from vintage.ml.row_sql.coercion import NotSure, arithmetic, cast, common, null, with_decimals
from vintage.ml.row_sql.handlers import TWO, Compile, handles, negated
from vintage.spec.sql_nodes import function_name
from vintage.twin.sql.expression import FLOATING, VOID, WHOLE, Expression, decimal_of

_ARITHMETIC: Final[Mapping[type[exp.Expr], str]] = {
    exp.Add: "add",
    exp.Sub: "subtract",
    exp.Mul: "multiply",
    exp.Div: "divide",
    exp.Mod: "remainder",
    exp.IntDiv: "div",
}
_COMPARISONS: Final[Mapping[type[exp.Expr], str]] = {
    exp.EQ: "equal",
    exp.NEQ: "equal",
    exp.LT: "less",
    exp.LTE: "less_equal",
    exp.GT: "greater",
    exp.GTE: "greater_equal",
    exp.NullSafeEQ: "null_safe_equal",
    exp.NullSafeNEQ: "null_safe_equal",
}
_PREDICATES: Final = (*_COMPARISONS, exp.Is, exp.In, exp.Between, exp.Like)
_TYPES: Final[Mapping[exp.DType, str]] = {
    exp.DType.TINYINT: "tinyint",
    exp.DType.SMALLINT: "smallint",
    exp.DType.INT: "int",
    exp.DType.BIGINT: "bigint",
    exp.DType.FLOAT: "float",
    exp.DType.DOUBLE: "double",
    exp.DType.BOOLEAN: "boolean",
    exp.DType.TEXT: "string",
    exp.DType.DATE: "date",
    exp.DType.TIMESTAMPTZ: "timestamp",
}


@handles(exp.Paren)
def _paren(node: exp.Paren, compile_node: Compile) -> Expression:
    return compile_node(node.this)


@handles(exp.Null, reads=())
def _null(_: exp.Null, _compile: Compile) -> Expression:
    return null(VOID)


@handles(exp.Boolean)
def _boolean(node: exp.Boolean, _: Compile) -> Expression:
    return Expression("literal", "boolean", value=bool(node.this))


@handles(exp.Literal, reads=("this", "is_string"))
def _literal(node: exp.Literal, _: Compile) -> Expression:
    return Expression("literal", "string", value=node.name) if node.is_string else _number(node.name, 1)


def _number(text: str, sign: int) -> Expression:
    if "e" in text.lower():
        return Expression("literal", "double", value=sign * float(text))
    if "." in text:
        whole, _, fraction = text.partition(".")
        digits = f"{whole}{fraction}".lstrip("0")
        precision = max(len(digits), len(fraction), 1)
        if precision > 38:  # noqa: PLR2004 - the most digits of a decimal
            raise NotSure(f"{text} has more digits than a decimal")
        return Expression("literal", f"decimal({precision},{len(fraction)})", value=sign * int(digits or "0"))
    value = sign * int(text)
    for kind in ("int", "bigint"):
        if -(1 << (WHOLE[kind] - 1)) <= value < 1 << (WHOLE[kind] - 1):
            return Expression("literal", kind, value=value)
    raise NotSure(f"{text} is beyond BIGINT")


@handles(exp.Neg, exp.Negative)
def _negative(node: exp.Neg, compile_node: Compile) -> Expression:
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return _number(node.this.name, -1)
    return _of_a_number("negate", compile_node(node.this))


@handles(exp.Abs)
def _absolute(node: exp.Abs, compile_node: Compile) -> Expression:
    return _of_a_number("abs", compile_node(node.this))


def _of_a_number(op: str, value: Expression) -> Expression:
    if not (value.type in WHOLE or value.type in FLOATING or decimal_of(value.type)):
        raise NotSure(f"{value.type.upper()} is no number; Spark would convert it by itself")
    return Expression(op, value.type, (value,))


@handles(*_ARITHMETIC, reads=TWO)
def _arithmetic(node: exp.Binary, compile_node: Compile) -> Expression:
    left, right = compile_node(node.this), compile_node(node.expression)
    return arithmetic(_ARITHMETIC[type(node)], left, right)


@handles(*_COMPARISONS, reads=TWO)
def _comparison(node: exp.Binary, compile_node: Compile) -> Expression:
    for each in (node.this, node.expression):
        if isinstance(each, _PREDICATES):
            # sqlglot and Spark read a = b < c in different orders.
            raise NotSure(f"{node.sql('spark')} needs brackets")
    left, right = with_decimals(compile_node(node.this), compile_node(node.expression))
    kind = common(left.type, right.type)
    if kind == VOID:
        raise NotSure("NULL is compared with NULL")
    made = Expression(_COMPARISONS[type(node)], "boolean", (cast(left, kind), cast(right, kind)))
    return negated(made) if isinstance(node, exp.NEQ | exp.NullSafeNEQ) else made


def _condition(node: Expression) -> Expression:
    if node.type not in {"boolean", VOID}:
        raise NotSure(f"{node.type.upper()} is no condition")
    return cast(node, "boolean")


@handles(exp.And, exp.Or, reads=TWO)
def _logic(node: exp.Connector, compile_node: Compile) -> Expression:
    args = (_condition(compile_node(node.this)), _condition(compile_node(node.expression)))
    return Expression("and" if isinstance(node, exp.And) else "or", "boolean", args)


@handles(exp.Not)
def _not(node: exp.Not, compile_node: Compile) -> Expression:
    return negated(_condition(compile_node(node.this)))


@handles(exp.Is, reads=TWO)
def _is(node: exp.Is, compile_node: Compile) -> Expression:
    value = compile_node(node.this)
    if isinstance(node.expression, exp.Null):
        return Expression("is_null", "boolean", (value,))
    if isinstance(node.expression, exp.Boolean):
        return Expression("null_safe_equal", "boolean", (_condition(value), compile_node(node.expression)))
    raise NotSure(f"{node.sql('spark')} is left to Spark")


@handles(exp.IsNan)
def _is_nan(node: exp.IsNan, compile_node: Compile) -> Expression:
    return Expression("is_nan", "boolean", (_floating(compile_node(node.this)),))


def _floating(value: Expression) -> Expression:
    return value if value.type in FLOATING else cast(value, "double")


@handles(exp.Between, reads=("this", "low", "high"))
def _between(node: exp.Between, compile_node: Compile) -> Expression:
    bounds = (exp.GTE(this=node.this, expression=node.args["low"]), node.args["high"])
    above = _comparison(bounds[0], compile_node)
    below = _comparison(exp.LTE(this=node.this, expression=bounds[1]), compile_node)
    return Expression("and", "boolean", (above, below))


@handles(exp.In, reads=("this", "expressions"))
def _in(node: exp.In, compile_node: Compile) -> Expression:
    values = [compile_node(each) for each in (node.this, *node.expressions)]
    kind = common(*(each.type for each in values))
    return Expression("in", "boolean", tuple(cast(each, kind) for each in values))


@handles(exp.Case, reads=("this", "ifs", "default"))
def _case(node: exp.Case, compile_node: Compile) -> Expression:
    pairs = [(each.this, each.args["true"]) for each in node.args["ifs"]]
    if node.this is not None:
        pairs = [(exp.EQ(this=node.this, expression=when), then) for when, then in pairs]
    otherwise = node.args.get("default")
    return _chosen(
        [(compile_node(when), compile_node(then)) for when, then in pairs],
        null(VOID) if otherwise is None else compile_node(otherwise),
    )


@handles(exp.If, reads=("this", "true", "false"))
def _if(node: exp.If, compile_node: Compile) -> Expression:
    if node.args.get("false") is None:
        raise NotSure(f"{node.sql('spark')} is left to Spark")
    branch = (compile_node(node.this), compile_node(node.args["true"]))
    return _chosen([branch], compile_node(node.args["false"]))


@handles(exp.Nvl2, reads=("this", "true", "false"))
def _nvl2(node: exp.Nvl2, compile_node: Compile) -> Expression:
    lacks = Expression("is_null", "boolean", (compile_node(node.this),))
    branch = (negated(lacks), compile_node(node.args["true"]))
    return _chosen([branch], compile_node(node.args["false"]))


@handles(exp.Nullif, reads=TWO)
def _nullif(node: exp.Nullif, compile_node: Compile) -> Expression:
    same = _comparison(exp.EQ(this=node.this, expression=node.expression), compile_node)
    value = compile_node(node.this)
    return _chosen([(same, null(value.type))], value)


def _chosen(branches: list[tuple[Expression, Expression]], otherwise: Expression) -> Expression:
    kind = common(*(value.type for _, value in branches), otherwise.type)
    args = [each for when, value in branches for each in (_condition(when), cast(value, kind))]
    return Expression("case", kind, (*args, cast(otherwise, kind)))


@handles(exp.Coalesce, exp.Greatest, exp.Least, reads=("this", "expressions"))
def _coalesce(node: exp.Func, compile_node: Compile) -> Expression:
    values = [compile_node(each) for each in (node.this, *node.expressions)]
    kind = common(*(each.type for each in values))
    if kind == "boolean" and not isinstance(node, exp.Coalesce):
        raise NotSure(f"{function_name(node)}() of booleans is left to Spark")
    op = {exp.Greatest: "greatest", exp.Least: "least"}.get(type(node), "coalesce")
    return Expression(op, kind, tuple(cast(each, kind) for each in values))


@handles(exp.Nanvl, reads=TWO)
def _nanvl(node: exp.Nanvl, compile_node: Compile) -> Expression:
    values = [compile_node(each) for each in (node.this, node.expression)]
    if any(each.type != "double" for each in values):
        raise NotSure("nanvl() of others than doubles is left to Spark")
    return Expression("nanvl", "double", tuple(values))


@handles(exp.Cast, exp.TryCast, reads=("this", "to"))
def _cast(node: exp.Cast, compile_node: Compile) -> Expression:
    if node.args.get("safe"):
        raise NotSure("TRY_CAST is left to Spark")
    kind = _type_of(node.args["to"])
    number = node.this.name if isinstance(node.this, exp.Literal) else ""
    if kind == "decimal" or (decimal_of(kind) and "decimal" not in kind):
        raise NotSure(f"{node.sql('spark')} is left to Spark")
    if number and kind == "float" and not node.this.is_string:
        raise NotSure(f"{node.sql('spark')} is left to Spark; write a DOUBLE and cast it")
    return cast(compile_node(node.this), kind)


def _type_of(kind: exp.DataType) -> str:
    if kind.this == exp.DType.DECIMAL and len(kind.expressions) in {1, 2}:
        precision, scale = [*(int(each.name) for each in kind.expressions), 0][:2]
        if 0 < precision <= 38 and scale <= precision:  # noqa: PLR2004 - the most digits of a decimal
            return f"decimal({precision},{scale})"
    elif not kind.expressions and kind.this in _TYPES:
        return _TYPES[kind.this]
    raise NotSure(f"a cast to {kind.sql('spark')} is left to Spark")
