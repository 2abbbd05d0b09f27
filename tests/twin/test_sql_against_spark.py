"""Whatever of Spark's SQL is compiled gives what Spark gives; where Spark raises, so does it."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.twin.sql_rows import EXPRESSIONS, SCHEMA, rows
from vintage.ml.row_sql import compile_query
from vintage.twin.description import Preparation
from vintage.twin.raw import raw_column
from vintage.twin.sql import RowError, prepared
from vintage.twin.sql.expression import decimal_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

RAISES = object()


def tried(frame: DataFrame, expressions: Sequence[str]) -> DataFrame:
    """Evaluate expressions, each apart: a struct of its value, and null where it raises."""
    from pyspark.sql import Column

    jvm: Any = frame.sparkSession._jvm
    texts = [f"named_struct('v', {text})" for text in expressions]
    items = frame.selectExpr(*texts)._jdf.queryExecution().analyzed().projectList()
    try_eval = jvm.org.apache.spark.sql.catalyst.expressions.TryEval
    column = jvm.org.apache.spark.sql.classic.ExpressionUtils.column
    made = (Column(column(try_eval(items.apply(place).child()))) for place in range(len(texts)))
    return frame.select(*(each.alias(f"_{place}") for place, each in enumerate(made)))


def plain(value: Any, kind: str) -> Any:
    """A value of Spark's as a twin has it; a double by its bits, for -0.0 is not 0.0 and NaN is NaN."""
    if value is None or value is RAISES:
        return value
    if decimal_of(kind):
        return int(Decimal(value).scaleb(scale_of(kind)))
    if kind in {"float", "double"}:
        return "NaN" if math.isnan(value) else struct.pack("d", value)
    return value


_QUICKLY: Final = {
    # Of so many expressions, that are evaluated for few rows, compiling would take a minute.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def of_spark(spark: SparkSession) -> tuple[list[str], list[Any]]:
    """Return each expression's type, and what Spark makes of each row: structs, and null where it raises."""
    frame = spark.createDataFrame(rows(), ", ".join(f"{name} {kind}" for name, kind in SCHEMA.items()))
    named = [f"{text} AS _{place}" for place, text in enumerate(EXPRESSIONS)]
    kinds = [kind for _, kind in frame.selectExpr(*named).dtypes]
    # As numbers: Python has no dates beyond the year 9999.
    numbers = {"date": "unix_date({})", "timestamp": "unix_micros({})"}
    texts = [numbers.get(kind, "{}").format(text) for kind, text in zip(kinds, EXPRESSIONS, strict=True)]
    return kinds, tried(frame, texts).collect()


def differences(kinds: Sequence[str], expected: Sequence[Any]) -> list[str]:
    """Return of each expression the first row of which something else is made than by Spark."""
    given = list(zip(*rows(), strict=True))
    read = [
        raw_column(name, kind, values).to_list()
        for (name, kind), values in zip(SCHEMA.items(), given, strict=True)
    ]
    places = {name: place for place, name in enumerate(SCHEMA)}
    wrong = []
    for place, (text, kind) in enumerate(zip(EXPRESSIONS, kinds, strict=True)):
        made = compile_query(f"SELECT {text} AS q FROM source", SCHEMA, {"q": kind})
        if not isinstance(made, Preparation):
            wrong.append(f"{text}: {made.reason}")
            continue
        evaluate = prepared(made.columns["q"], places)
        for row, answers in zip(zip(*read, strict=True), expected, strict=True):
            there = plain(RAISES if answers[place] is None else answers[place].v, kind)
            try:
                ours = evaluate(row)
            except RowError:
                ours = RAISES
            if kind in {"float", "double"}:
                ours = plain(ours, kind)
            if ours != there or type(ours) is not type(there):
                asked = {name: value for name, value in zip(SCHEMA, row, strict=True) if name in text}
                wrong.append(f"{text} of {asked}: {ours!r}, Spark's is {there!r}")
                break
    return wrong


def test_each_expression_gives_what_spark_gives(spark: SparkSession) -> None:
    before = {name: spark.conf.get(name) for name in _QUICKLY}
    try:
        for name, value in _QUICKLY.items():
            spark.conf.set(name, value)
        kinds, expected = of_spark(spark)
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)
    assert differences(kinds, expected) == []


def test_the_expressions_are_as_many_as_they_seem() -> None:
    assert len(EXPRESSIONS) == len(set(EXPRESSIONS))


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
