"""Whether what a model is to learn is a number, as far as its type can be determined without a JVM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vintage.spec.features import feature_types
from vintage.spec.sql import BadSql, read_expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlglot import exp

    from vintage.spec.loading import KeyPath
    from vintage.spec.pipeline import Pipeline
    from vintage.spec.problem import Problem

_NUMBER: Final = re.compile(
    r"(?:TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG|FLOAT|REAL|DOUBLE|DECIMAL|DEC|NUMERIC|BOOLEAN)\b.*"
)
_TRUTH: Final = "BOOLEAN"


def label_type_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Check that the label is a number or a boolean, and that conditions are conditions, of one row each."""
    types = feature_types(pipeline)
    preprocess, score = pipeline.preprocess, pipeline.score
    texts: dict[KeyPath, str | None] = {
        ("preprocess", "label"): pipeline.label,
        ("preprocess", "train_where"): preprocess.train_where,
        ("evaluate", "relevant"): pipeline.evaluate.relevant,
        ("score", "where"): None if score is None else score.where,
    }
    for place, text in texts.items():
        if text is None:
            continue
        try:
            value = read_expression(text)
        except BadSql:
            continue
        what = ".".join(map(str, place))
        if (over := _over_rows(value)) is not None:
            yield pipeline.problem(
                place,
                f"{what} asks for {over}, which is of many rows",
                expected="an expression over the columns of one row",
                hint="have preprocess.sql give it as a column",
            )
            continue
        kind = _type_of(value, types).upper()
        if place[-1] == "label":
            if kind and not _NUMBER.fullmatch(kind):
                yield pipeline.problem(
                    place,
                    f'the label "{text}" is no number',
                    expected="a number or BOOLEAN: CASE … WHEN … THEN 1 … END, CAST(… AS DOUBLE), say",
                    found=kind,
                )
        elif kind and kind != _TRUTH:
            yield pipeline.problem(
                place, f'{what} "{text}" is no condition', expected="true or false of a row", found=kind
            )


def _over_rows(value: exp.Expr) -> str | None:
    """Return the first aggregate or window of an expression, in Spark's words."""
    from sqlglot import exp

    found = next(value.find_all(exp.AggFunc, exp.Window), None)
    inner = found is not None and found.find_ancestor(exp.Subquery) is not None
    return None if found is None or inner else str(found.sql("spark"))


def _type_of(value: exp.Expr, types: Mapping[str, str]) -> str:
    """Return the type of an expression from columns, casts and Spark's functions; empty if unknown."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.annotate_types import annotate_types

    by_name = {name.lower(): kind for name, kind in types.items()}
    typed = value.copy()
    for column in list(typed.find_all(exp.Column)):
        kind = by_name.get(column.name.lower(), "") if len(column.parts) == 1 else ""
        if not kind or kind == "VECTOR":
            continue
        # What a column holds is known of its declaration alone.
        known = exp.cast(column.copy(), kind, dialect="spark")
        if column is typed:
            typed = known
        else:
            column.replace(known)
    try:
        told = annotate_types(typed, dialect="spark").type
    except SqlglotError:
        return ""
    return "" if told is None or told.is_type("unknown", "null") else str(told.sql("spark"))
