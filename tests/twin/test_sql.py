"""Expressions as Spark's documentation has them, and what only a row at a time gets right; without a JVM."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.sql_rows import EXPRESSIONS, SCHEMA
from vintage.ml.row_sql import compile_query, functions, nodes  # noqa: F401 - the last two fill the handlers
from vintage.ml.row_sql.handlers import compiled
from vintage.spec.sql import read_expression
from vintage.twin.description import Preparation
from vintage.twin.sql import RowError, prepared
from vintage.twin.sql.calendar import civil, days_of
from vintage.twin.sql.expression import Expression
from vintage.twin.sql.logarithm import ln
from vintage.twin.sql.operations import OPERATIONS


def value(text: str, kind: str, **columns: Any) -> Any:
    """Evaluate an expression over the columns of `sql_rows`, those that are not given being null."""
    made = compile_query(f"SELECT {text} AS q FROM source", SCHEMA, {"q": kind})
    assert isinstance(made, Preparation), made
    row = tuple(columns.get(name) for name in SCHEMA)
    return prepared(made.columns["q"], {name: place for place, name in enumerate(SCHEMA)})(row)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        # docs/sql-ref-functions-builtin and docs/sql-ref-ansi-compliance of Spark.
        ("3 / 2", "double", 1.5),
        ("2L / 2L", "double", 1.0),
        ("3 div 2", "bigint", 1),
        ("2 % 1.8D", "double", 0.19999999999999996),
        ("MOD(-7, 3)", "int", -1),
        ("abs(-1)", "int", 1),
        ("ceil(-0.1D)", "bigint", 0),
        ("floor(-0.1D)", "bigint", -1),
        ("ln(1)", "double", 0.0),
        ("sqrt(4)", "double", 2.0),
        ("sign(40)", "double", 1.0),
        ("2 <=> 2", "boolean", True),
        ("true <=> NULL", "boolean", False),
        ("1 IN (1, 2, 3)", "boolean", True),
        ("1 IN (2, 3, NULL)", "boolean", None),
        ("NOT NULL", "boolean", None),
        ("true AND NULL", "boolean", None),
        ("false AND NULL", "boolean", False),
        ("coalesce(NULL, 1, NULL)", "int", 1),
        ("greatest(10, 9, 2, 4, 3)", "int", 10),
        ("least(10, NULL, 2)", "int", 2),
        ("nanvl(CAST('NaN' AS DOUBLE), 123D)", "double", 123.0),
        ("nullif(2, 2)", "int", None),
        ("nvl2(NULL, 2, 1)", "int", 1),
        ("CASE WHEN 1 > 0 THEN 1 WHEN 2 > 0 THEN 2.0 ELSE 1.2 END", "decimal(11,1)", 10),
        ("concat_ws(' ', 'Spark', 'SQL')", "string", "Spark SQL"),
        ("concat_ws('s')", "string", ""),
        ("concat_ws('/', 'foo', NULL, 'bar')", "string", "foo/bar"),
        ("substr('Spark SQL', 5)", "string", "k SQL"),
        ("substr('Spark SQL', -3)", "string", "SQL"),
        ("substr('Spark SQL', 5, 1)", "string", "k"),
        ("left('Spark SQL', 3)", "string", "Spa"),
        ("right('Spark SQL', 3)", "string", "SQL"),
        ("length('Spark SQL ')", "int", 10),
        ("locate('bar', 'foobarbar')", "int", 4),
        ("instr('SparkSQL', 'SQL')", "int", 6),
        ("replace('ABCabc', 'abc', 'DEF')", "string", "ABCDEF"),
        ("split_part('11.12.13', '.', 3)", "string", "13"),
        ("split_part('11.12.13', '.', 5)", "string", ""),
        ("'Spark' LIKE '_park'", "boolean", True),
        ("trim('    SparkSQL   ')", "string", "SparkSQL"),
        ("upper('SparkSql')", "string", "SPARKSQL"),
        ("datediff(DATE '2009-07-31', DATE '2009-07-30')", "int", 1),
        ("dayofweek(DATE '2009-07-30')", "int", 5),
        ("weekday(DATE '2009-07-30')", "int", 3),
        ("dayofyear(DATE '2016-04-09')", "int", 100),
        ("weekofyear(DATE '2008-02-20')", "int", 8),
        ("quarter(DATE '2016-08-31')", "int", 3),
        ("CAST(date_add(DATE '2016-07-30', 1) AS STRING)", "string", "2016-07-31"),
        ("CAST(last_day(DATE '2009-01-12') AS STRING)", "string", "2009-01-31"),
        ("CAST(1.25 AS DECIMAL(3,1))", "decimal(3,1)", 13),
        ("CAST(-1.25 AS DECIMAL(3,1))", "decimal(3,1)", -13),
        ("1.0 / 3", "decimal(7,6)", 333_333),
    ],
)
def test_it_gives_what_the_documentation_says(text: str, kind: str, expected: Any) -> None:
    found = value(text, kind)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2147483647 + 1", "int"),
        ("abs(-2147483648)", "int"),
        ("-(-2147483648)", "int"),
        ("CAST(2147483648L AS INT)", "int"),
        ("CAST('a' AS INT)", "int"),
        ("CAST('1.5' AS INT)", "int"),
        ("CAST('' AS DOUBLE)", "double"),
        ("CAST('2013-02-30' AS DATE)", "date"),
        ("CAST('maybe' AS BOOLEAN)", "boolean"),
        ("CAST(1234.5 AS DECIMAL(3,1))", "decimal(3,1)"),
        ("1 / 0", "double"),
        ("1D / 0D", "double"),
        ("1 div 0", "bigint"),
        ("1 % 0", "int"),
        ("split_part('a', 'b', 0)", "string"),
    ],
)
def test_what_ansi_raises_is_a_row_error(text: str, kind: str) -> None:
    with pytest.raises(RowError):
        value(text, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CASE WHEN i <> 0 THEN 1 / i ELSE 0D END", "double"),
        ("if(i = 0, 0D, 1 / i)", "double"),
        ("coalesce(0D, 1 / i)", "double"),
        ("NULL + 1 / i", "double"),
    ],
)
def test_what_is_not_asked_for_does_not_raise(text: str, kind: str) -> None:
    assert value(text, kind, i=0) in {0.0, None}
    assert value("i <> 0 AND 1 / i > 0", "boolean", i=0) is False
    assert value("i = 0 OR 1 / i > 0", "boolean", i=0) is True


def test_a_text_with_a_letter_that_python_does_not_know_is_refused() -> None:
    assert value("lower(x)", "string", x="ÄΑΣ İ") == "äας i̇"
    for unknown in ("\u0264", "a\u0378", "\uffff"):
        with pytest.raises(RowError, match="the case of U"):
            value("upper(x)", "string", x=unknown)


def test_the_calendar_goes_there_and_back() -> None:
    for days in range(-800_000, 3_000_000, 977):
        assert days_of(*civil(days)) == days
    assert civil(0) == (1970, 1, 1)
    assert civil(-719_162) == (1, 1, 1)


def test_the_logarithm_has_its_borders() -> None:
    assert [ln(x) for x in (0.0, -1.0, 1.0)] == [None, None, 0.0]
    assert ln(float("inf")) == float("inf")
    assert ln(5e-324) == -744.4400719213812


def test_each_operation_is_held_against_spark() -> None:
    """An operation that no expression of the list uses would be one that nobody compared."""
    used: set[str] = set()

    def note(node: Expression) -> None:
        used.add(node.op)
        for each in node.args:
            note(each)

    for text in EXPRESSIONS:
        note(compiled(read_expression(text), lambda column: Expression("column", SCHEMA[column.name])))
    assert OPERATIONS.keys() - used == set()
    assert used - OPERATIONS.keys() == {"column"}
