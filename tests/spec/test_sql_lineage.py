"""The columns that a query's values are computed from; what only chooses or orders rows is none of them."""

from __future__ import annotations

import pytest

from vintage.spec.sql import read_query
from vintage.spec.sql_lineage import Lineage

VIEWS = {
    "source": ("id", "a", "b", "delay", "items", "image"),
    "other": ("id", "x", "y"),
    "open": None,
}


def origins(sql: str, column: str = "f", views: object = VIEWS) -> list[str]:
    return sorted(".".join(each) for each in Lineage(read_query(sql), views).of(column))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("delay AS f", "source.delay"),
        ("DELAY AS F", "source.delay"),
        ("`delay` AS f", "source.delay"),
        ("CAST(a + 2 * b AS DOUBLE) AS f", "source.a source.b"),
        ("CASE WHEN delay > 15 THEN 1 ELSE a END AS f", "source.a source.delay"),
        ("IF(delay IS NULL, 1, 0) AS f", "source.delay"),
        ("delay > 15 AND a IN (1, 2) AS f", "source.a source.delay"),
        ("a BETWEEN b AND delay AS f", "source.a source.b source.delay"),
        ("my_function(a, delay) AS f", "source.a source.delay"),
        ("image.data AS f", "source.image.data"),
        ("source.image.data AS f", "source.image.data"),
        ("image.data.first.second AS f", "source.image.data.first.second"),
        ("items[0] AS f", "source.items"),
        ("transform(items, i -> i.price + delay) AS f", "source.delay source.items"),
        ("struct(a, b).a AS f", "source.a source.b"),
        ("stack(1, a, b) AS (f, g)", "source.a source.b"),
        ("1 AS f", ""),
        ("COUNT(*) AS f", ""),
        ("hash(*) AS f", "source.a source.b source.delay source.id source.image source.items"),
        ("max_by(a, b) AS f", "source.a"),
        ("SUM(a) FILTER (WHERE delay > 1) AS f", "source.a source.delay"),
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY delay) AS f", "source.delay"),
        # A later item may use the name of an earlier one.
        ("delay / 60 AS hours, hours * 2 AS f", "source.delay"),
        ("delay AS a2, a AS f", "source.a"),
        ("f + 1 AS f", ""),
        # Windows: other rows' values, and the row's own.
        ("LAG(delay) OVER (PARTITION BY a ORDER BY b) AS f", ""),
        ("LAG(delay, 2) OVER (ORDER BY b) AS f", ""),
        ("LEAD(delay) OVER (ORDER BY b) AS f", ""),
        ("LAG(delay, 0) OVER (ORDER BY b) AS f", "source.delay"),
        ("LAG(delay, a) OVER (ORDER BY b) AS f", "source.a source.delay"),
        ("LAG(delay, 1, a) OVER (ORDER BY b) AS f", "source.a"),
        ("AVG(delay) OVER (PARTITION BY a) AS f", "source.delay"),
        ("AVG(delay) OVER (ORDER BY b) AS f", "source.delay"),
        ("AVG(delay) OVER (ORDER BY b ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS f", ""),
        ("AVG(delay) OVER (ORDER BY b ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS f", "source.delay"),
        ("AVG(delay) OVER (ORDER BY b ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING) AS f", ""),
        ("LAST(delay) IGNORE NULLS OVER (ORDER BY b ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS f", ""),
        ("RANK() OVER (PARTITION BY a ORDER BY delay) AS f", "source.delay"),
        ("ROW_NUMBER() OVER (ORDER BY b) AS f", "source.b"),
        ("SUM(a) OVER (ORDER BY delay) AS f", "source.a"),
        # Queries within.
        ("(SELECT MAX(x) FROM other) AS f", "other.x"),
        ("(SELECT MAX(x) FROM other WHERE other.id = source.id AND y > 1) AS f", "other.x"),
        ("(SELECT MAX(x + delay) FROM other WHERE other.id = source.id) AS f", "other.x source.delay"),
        ("EXISTS (SELECT * FROM other WHERE other.id = source.id) AS f", "other.id other.x other.y"),
        ("a IN (SELECT x FROM other) AS f", "other.x source.a"),
    ],
)
def test_an_item_of_a_select(item: str, expected: str) -> None:
    assert origins(f"SELECT {item} FROM source") == expected.split()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT s.a AS f FROM source s JOIN other o ON o.id = s.id WHERE s.delay > 1", "source.a"),
        ("SELECT o.x AS f FROM source s LEFT JOIN other o ON o.id = s.delay", "other.x"),
        ("SELECT x AS f FROM source JOIN other USING (id)", "other.x"),
        ("SELECT id AS f FROM source JOIN other USING (id)", "other.id source.id"),
        ("SELECT SUM(delay) AS f FROM source GROUP BY a HAVING MAX(b) > 1 ORDER BY a", "source.delay"),
        ("SELECT t.f FROM (SELECT delay AS f, a FROM source WHERE b > 1) t", "source.delay"),
        ("SELECT f FROM (SELECT delay + a FROM source) AS t(f)", "source.a source.delay"),
        ("WITH t AS (SELECT delay AS g, a FROM source) SELECT g * 2 AS f FROM t", "source.delay"),
        ("WITH t(f, g) AS (SELECT delay, a FROM source) SELECT f FROM t", "source.delay"),
        ("WITH t AS (SELECT *, delay AS f FROM source) SELECT * FROM t", "source.delay"),
        ("WITH t AS (SELECT * FROM source), u AS (SELECT *, a + b AS f FROM t) SELECT f FROM u",
         "source.a source.b"),
        ("SELECT a AS f FROM source UNION ALL SELECT x FROM other", "other.x source.a"),
        ("SELECT f FROM (SELECT a AS f, b FROM source UNION SELECT x, y FROM other)", "other.x source.a"),
        ("SELECT it AS f FROM source LATERAL VIEW explode(items) t AS it", "source.items"),
        ("SELECT it.price AS f FROM source LATERAL VIEW explode(items) t AS it", "source.items"),
        ("SELECT a AS f FROM source LATERAL VIEW explode(items) t AS it", "source.a"),
        ("SELECT u AS f FROM source, LATERAL explode(items) AS t(u)", "source.items"),
        ("SELECT SUM(delay) OVER w AS f FROM source WINDOW w AS (ORDER BY b)", "source.delay"),
        ("SELECT SUM(delay) OVER w AS f FROM source "
         "WINDOW w AS (ORDER BY b ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING)", ""),
        # Columns that are not known are what they are called.
        ("SELECT * FROM open", "open.f"),
        ("SELECT *, g * 2 AS f FROM open", "open.f open.g"),
        ("SELECT open.* EXCEPT (f), g AS f FROM open", "open.g"),
        ("SELECT to_json(struct(*)) AS f FROM open", "open"),
        ("SELECT g AS f FROM source JOIN open USING (id)", "open.g"),
        ("SELECT `one` AS f FROM source PIVOT (SUM(delay) FOR a IN (1 AS one))", "source.a source.delay"),
    ],
)  # fmt: skip
def test_a_query(sql: str, expected: str) -> None:
    assert origins(sql) == expected.split()


def test_a_field_of_a_column_that_is_passed_on() -> None:
    lineage = Lineage(read_query("SELECT t.i FROM (SELECT image AS i FROM source) t"), VIEWS)
    assert lineage.of("i", ("data",)) == {("source", "image", "data")}
    assert lineage.of("absent") == frozenset()


def test_a_long_expression_is_followed() -> None:
    assert origins(f"SELECT {' + '.join(['a'] * 1000)} + delay AS f FROM source") == [
        "source.a",
        "source.delay",
    ]
