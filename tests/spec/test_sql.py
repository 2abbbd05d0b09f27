"""What is told of SQL without a JVM, and what is not claimed."""

from __future__ import annotations

import pytest

from vintage.spec.ddl import BadDdl, parse_ddl
from vintage.spec.sql import BadSql, expression_columns, read_query
from vintage.spec.sql_types import plain_types

SOURCE = ("id", "bill", "items", "place")
VIEWS = {"source": SOURCE, "wind": ("at", "wind"), "other": None}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT id, bill * 2 AS twice FROM source", ("id", "twice")),
        ("SELECT * FROM source", SOURCE),
        ("SELECT *, 1 AS one FROM source", (*SOURCE, "one")),
        ("SELECT * EXCEPT (items, PLACE) FROM source", ("id", "bill")),
        ("SELECT s.* FROM source AS s", SOURCE),
        ("WITH a AS (SELECT id, bill AS b FROM source) SELECT *, b + 1 AS c FROM a", ("id", "b", "c")),
        ("SELECT x.* FROM (SELECT id FROM source) AS x", ("id",)),
        ("SELECT id FROM source UNION ALL SELECT bill FROM source", ("id",)),
        ("SELECT place.city FROM source", ("city",)),
        ("SELECT w.*, id FROM source JOIN wind AS w ON at = place", ("at", "wind", "id")),
        ("SELECT * FROM source JOIN wind", (*SOURCE, "at", "wind")),
        ("SELECT * FROM source JOIN wind USING (at)", None),
        ("SELECT * FROM source JOIN other", None),
        ("SELECT * FROM source LATERAL VIEW explode(items) AS item", None),
    ],
)
def test_the_columns_that_a_query_provides(sql: str, columns: tuple[str, ...] | None) -> None:
    assert read_query(sql).columns(VIEWS) == columns


def test_a_star_over_an_unknown_source_is_unknown() -> None:
    assert read_query("SELECT *, 1 AS one FROM source").columns({"source": None}) is None


@pytest.mark.parametrize(
    ("sql", "unknown"),
    [
        ("SELECT idd FROM source", ["idd"]),
        ("SELECT ID, Bill FROM source", []),
        ("SELECT id\nFROM source\nWHERE bil > 1", ["bil"]),
        ("SELECT s.nope, s.id FROM source AS s", ["nope"]),
        ("SELECT place.city, s.place.city AS c FROM source AS s", []),
        # Spark lets an item use the name of an earlier one.
        ("SELECT bill * 2 AS twice, twice + 1 AS more FROM source ORDER BY more", []),
        (
            "SELECT transform(items, x -> x + 1) AS a, reduce(items, 0, (p, q) -> p + q) AS b FROM source",
            [],
        ),
        ("WITH a AS (SELECT nope FROM source) SELECT nope FROM a", ["nope"]),
        ("SELECT id FROM source UNION ALL SELECT nope FROM source", ["nope"]),
        ("SELECT id, w.wind, w.bill FROM source JOIN wind AS w ON w.at = place", ["bill"]),
        ("SELECT id, wnd FROM source JOIN wind ON at = place", ["wnd"]),
        ("SELECT source.idd, other.x, y FROM source JOIN other", ["idd"]),
        # Beyond what can be told: nothing is claimed.
        ("SELECT item FROM source LATERAL VIEW explode(items) AS item", []),
        ("SELECT id FROM source WHERE bill > (SELECT avg(other) FROM source)", []),
        ("SELECT row_number() OVER (PARTITION BY id ORDER BY nope) AS n FROM source", ["nope"]),
        ("SELECT INTERVAL 1 DAY AS d, DATE '{date}' AS day, CAST(id AS STRING) AS text FROM source", []),
    ],
)
def test_the_columns_that_a_query_reads_in_vain(sql: str, unknown: list[str]) -> None:
    assert [column.name for column in read_query(sql).unknown_columns(VIEWS)] == unknown


def test_a_column_is_found_on_its_line() -> None:
    [unknown] = read_query("SELECT id\nFROM source\nWHERE bil > 1").unknown_columns({"source": SOURCE})
    assert unknown.line == 3


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT id, Bill AS b FROM source", {"id": "INT", "b": "DECIMAL(8,2)"}),
        ("SELECT s.place, w.wind FROM source s JOIN wind w ON 1 = 1", {"place": "STRING", "wind": "DOUBLE"}),
        ("SELECT CAST(place AS DOUBLE) AS p, id::string AS i FROM source", {"p": "DOUBLE", "i": "STRING"}),
        ("SELECT * FROM wind", {"at": "TIMESTAMP", "wind": "DOUBLE"}),
        (
            "SELECT *, CAST(wind AS INT) AS whole FROM wind",
            {"at": "TIMESTAMP", "wind": "DOUBLE", "whole": "INT"},
        ),
        # Not told: what is computed, what may be of a view without a schema, a field, a query within.
        ("SELECT id + 1 AS n, upper(place) AS u FROM source", {}),
        ("SELECT id, w.x FROM source JOIN other AS w ON 1 = 1", {}),
        ("SELECT place.city FROM source", {}),
        ("SELECT id FROM (SELECT id FROM source)", {}),
        ("WITH source AS (SELECT 'a' AS id) SELECT id FROM source", {}),
        ("SELECT * EXCEPT (wind) FROM wind", {}),
        ("SELECT id FROM source UNION SELECT id FROM source", {}),
        ("SELECT id FROM source LATERAL VIEW explode(items) AS id", {}),
    ],
)
def test_the_types_that_follow_from_a_schema_alone(sql: str, types: dict[str, str]) -> None:
    views = {
        "source": {"id": "INT", "bill": "DECIMAL(8,2)", "place": "STRING"},
        "wind": {"at": "TIMESTAMP", "wind": "DOUBLE"},
        "other": {},
    }
    assert plain_types(read_query(sql), views) == types


@pytest.mark.parametrize(
    "sql",
    [
        *("DROP TABLE source", "SELECT 1; SELECT 2", "", "SELECT (", "INSERT INTO a SELECT 1"),
        # sqlglot reads over these; Spark does not.
        *(
            "SELECT id, FROM source",
            "SELECT id FROM source WHERE id IN (1, 2,)",
            "SELECT max(id,) AS m FROM source",
        ),
    ],
)
def test_what_is_no_query_is_refused(sql: str) -> None:
    with pytest.raises(BadSql):
        read_query(sql)


def test_the_columns_of_an_expression() -> None:
    assert expression_columns("CAST(a >= 15 AND b.c IS NULL AS DOUBLE)") == ("a", "b")
    for wrong in ("CAST(a >=", "SELECT a FROM b", "DROP TABLE a"):
        with pytest.raises(BadSql):
            expression_columns(wrong)


def test_a_schema_text_is_read_as_spark_reads_it() -> None:
    columns = parse_ddl(
        "a INT, `b c` string NOT NULL, d DECIMAL(10,2) COMMENT 'x, y', "
        "e ARRAY<STRUCT<f: INT, g: MAP<STRING,DATE>>>, "
        "h timestamp_ntz"
    )
    assert [column.name for column in columns] == ["a", "b c", "d", "e", "h"]
    assert [column.type for column in columns[1:4]] == [
        "STRING",
        "DECIMAL(10,2)",
        "ARRAY<STRUCT<f: INT, g: MAP<STRING, DATE>>>",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a INT,", "not complete"),
        ("a INT,, b INT", "not complete"),
        ("a", "not complete"),
        ("", "not complete"),
        ("a INT b INT", "followed by 'b'"),
        ("a INTT", "unknown type INTT"),
        ("a INT, A STRING", "occurs twice"),
        ("a ARRAY<INT", "not complete"),
        ("a DECIMAL(10,2,3)", "too many sizes"),
        ("a VARCHAR", "reads as STRING alone"),
        ("a ARRAY<char(3)>", "CHAR, which Spark reads as STRING alone"),
    ],
)
def test_a_wrong_schema_text_is_refused(text: str, what: str) -> None:
    with pytest.raises(BadDdl, match=what):
        parse_ddl(text)
