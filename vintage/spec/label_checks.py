"""Whether what a model is to learn is a number, as far as its type can be told without a JVM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vintage.spec.features import feature_types
from vintage.spec.sql import BadSql, read_expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlglot import exp

    from vintage.spec.pipeline import Pipeline
    from vintage.spec.problem import Problem

_NUMBER: Final = re.compile(
    r"(?:TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG|FLOAT|REAL|DOUBLE|DECIMAL|DEC|NUMERIC|BOOLEAN)\b.*"
)


def label_type_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield the label is a number, or true or false."""
    if pipeline.label is None:
        return
    try:
        kind = _type_of(read_expression(pipeline.label), feature_types(pipeline))
    except BadSql:
        return
    if kind and not _NUMBER.fullmatch(kind.upper()):
        yield pipeline.problem(
            ("preprocess", "label"),
            f'the label "{pipeline.label}" is no number',
            expected="a number or BOOLEAN: CASE … WHEN … THEN 1 … END, CAST(… AS DOUBLE), say",
            found=kind.upper(),
        )


def _type_of(value: exp.Expr, types: Mapping[str, str]) -> str:
    """A column's declared type, that of a cast, or STRING for a text; empty where it cannot be told."""
    from sqlglot import exp

    value = value.unnest()
    if isinstance(value, exp.Cast):
        return str(value.to.sql("spark"))
    if isinstance(value, exp.Literal) and value.is_string:
        return "STRING"
    if isinstance(value, exp.Column) and len(value.parts) == 1:
        by_name = {name.lower(): kind for name, kind in types.items()}
        return by_name.get(value.name.lower(), "")
    return ""
