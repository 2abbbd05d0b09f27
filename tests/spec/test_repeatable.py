"""What in SQL gives other values for the same rows is found, with what to write instead; the rest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vintage.spec.database_query import query_problem
from vintage.spec.repeatable import Unrepeatable, unrepeatable
from vintage.spec.sql import read_query

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TYPES = {"x": "DOUBLE", "n": "INT", "d": "DECIMAL(8,2)", "t": "TIMESTAMP"}
HASHED = "xxhash64(id, at)"


def found_in(sql: str) -> tuple[Unrepeatable, ...]:
    query = read_query(sql)
    return unrepeatable(query.tree, query.text, key=("id", "at"), types=TYPES)


def found_of(expression: str) -> tuple[Unrepeatable, ...]:
    """Of an expression that stands on the second line."""
    return found_in(f"SELECT id,\n  {expression} AS z\nFROM source WINDOW w AS (PARTITION BY g)")


@pytest.mark.parametrize(
    ("expression", "what", "instead"),
    [
        ("rand()", "rand, which returns different values each time", f"pmod({HASHED}, 1000) / 1000"),
        ("rand(42)", "rand,", "pmod("),
        ("uuid()", "uuid,", f"write {HASHED} instead"),
        ("monotonically_increasing_id()", "monotonically_increasing_id,", HASHED),
        ("shuffle(a)", "shuffle,", "array_sort"),
        ("now()", "now,", "DATE '{date}'"),
        ("current_date", "current_date,", "DATE '{date}'"),
        ("unix_timestamp()", "current_timestamp,", "{date}"),
        ("date_format(curdate(), 'y')", "curdate,", "{date}"),
        ("DATE 'today'", "'today' as a date or time", "{date}"),
        ("CAST('now' AS TIMESTAMP)", "'now' as a date or time", "{date}"),
        ("user()", "user,", "the name itself"),
        ("input_file_name()", "input_file_name, which depends on how the rows are spread", "raw rows"),
        ("reflect('java.util.UUID', 'randomUUID')", "reflect,", "preprocess.function"),
        ("first(x)", "first, which takes an arbitrary row", "min_by(x, struct(id, at))"),
        ("first(x, true)", "first,", "min_by(x, struct(id, at))"),
        ("last_value(x)", "last_value, which takes an arbitrary row", "max_by(x, struct(id, at))"),
        ("any_value(x)", "any_value,", "min(x) or max(x)"),
        ("collect_list(x)", "collect_list,", "array_sort(collect_list(x))"),
        ("collect_set(x) FILTER (WHERE n > 1)", "collect_set,", "array_sort(collect_set(x))"),
        ("array_agg(x)", "array_agg,", "array_sort(array_agg(x))"),
        ("array_join(collect_list(x), ',')", "collect_list,", "array_sort"),
        ("transform(collect_list(x), y -> y + 1)", "collect_list,", "array_sort"),
        ("array_sort(transform(collect_list(x), (y, i) -> i))", "collect_list,", "array_sort"),
        ("aggregate(collect_list(x), 0D, (a, b) -> a + b)", "collect_list,", "array_sort"),
        ("listagg(x, ',')", "listagg,", "WITHIN GROUP (ORDER BY x)"),
        ("mode(x)", "mode,", "mode(x, true)"),
        ("percentile_approx(x, 0.5)", "percentile_approx,", "percentile(x, 0.5)"),
        ("approx_percentile(x, 0.5)", "percentile_approx,", "percentile(x, 0.5)"),
        ("histogram_numeric(x, 5)", "histogram_numeric,", "exact count"),
        ("hll_sketch_agg(x)", "hll_sketch_agg,", "count(DISTINCT"),
        (
            "row_number() OVER (PARTITION BY g)",
            "row_number over a window without ORDER BY",
            "ORDER BY id, at",
        ),
        ("first(x) IGNORE NULLS OVER (PARTITION BY g)", "first over a window without", "ORDER BY id, at"),
        ("last(x) OVER w", "last over a window without ORDER BY", "ORDER BY id, at"),
        ("rank() OVER (PARTITION BY g)", "rank over a window without ORDER BY", "ORDER BY id, at"),
    ],
)
def test_what_is_never_the_same_is_found_on_its_line(expression: str, what: str, instead: str) -> None:
    [found] = found_of(expression)
    assert found.certain
    assert found.line == 2
    assert found.what.startswith(what)
    assert instead in found.instead


@pytest.mark.parametrize(
    "expression",
    [
        *("min_by(x, at)", "max(x)", "count(DISTINCT x)", "approx_count_distinct(x)", "percentile(x, 0.5)"),
        *("median(x)", "mode(x, true)", "mode() WITHIN GROUP (ORDER BY x)", "hash(x)", "sequence(1, 3)"),
        *("array_sort(collect_list(x))", "sort_array(collect_set(x), false)", "size(collect_set(x))"),
        "array_sort(collect_list(x) FILTER (WHERE n > 1))",
        "array_join(array_sort(collect_list(struct(at, x)).x), ',')",
        "transform(array_sort(collect_list(struct(at, x))), s -> s.x)",
        "array_sort(array_distinct(transform(collect_list(x), y -> y + 1)))",
        *("array_contains(collect_set(x), 1)", "exists(collect_list(x), y -> y > 1)"),
        "listagg(x, ',') WITHIN GROUP (ORDER BY x)",
        "row_number() OVER (PARTITION BY g ORDER BY at, id)",
        "row_number() OVER (PARTITION BY id ORDER BY at DESC)",
        *("rank() OVER (ORDER BY t)", "sum(x) OVER (PARTITION BY g ORDER BY t)"),
        *("DATE '{date}'", "user", "dayofweek(t)", "unix_timestamp(t)", "xxhash64(id)", "trunc(t, 'MM')"),
        # Whole numbers and decimals are added exactly.
        *("sum(n)", "avg(n)", "sum(d)", "avg(d / 3)", "avg(CAST(x AS DECIMAL(28, 9)))"),
        *(
            "sum(unknown)",
            "avg(CAST(n AS DOUBLE))",
            "sum(CASE WHEN x > 1 THEN 1 ELSE 0 END)",
            "sum(IF(x > 1, n, 0))",
        ),
    ],
)
def test_what_is_the_same_each_time_is_left_alone(expression: str) -> None:
    assert found_of(expression) == ()


@pytest.mark.parametrize(
    ("expression", "what", "instead"),
    [
        (
            "row_number() OVER (PARTITION BY g ORDER BY t)",
            "row_number over a window ordered by t, which may have ties",
            "add id, at to ORDER BY",
        ),
        ("lag(n) OVER (PARTITION BY id ORDER BY t)", "lag over a window ordered by t", "add at to ORDER BY"),
        ("sum(x)", "sum, which adds fractions", "sum(CAST(x AS DECIMAL(28, 9)))"),
        ("avg(n / 2)", "avg, which adds fractions", "avg(CAST(n / 2 AS DECIMAL(28, 9)))"),
        ("avg(ln(n))", "avg, which adds fractions", "DECIMAL"),
        ("try_sum(x)", "try_sum, which adds fractions", "try_sum(CAST(x AS DECIMAL(28, 9)))"),
        ("stddev(n)", "stddev, which adds fractions", "exact sums"),
        ("sum(x) OVER (PARTITION BY g)", "sum, which adds fractions", "DECIMAL"),
    ],
)
def test_what_depends_on_the_rows_is_not_certain(expression: str, what: str, instead: str) -> None:
    [found] = found_of(expression)
    assert not found.certain
    assert found.line == 2
    assert found.what.startswith(what)
    assert instead in found.instead


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT id FROM source\nLIMIT 5", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM source\nOFFSET 5", ["OFFSET without ORDER BY"]),
        ("SELECT DISTINCT id FROM source LIMIT 5", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM source SORT BY id LIMIT 5", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM source UNION SELECT id FROM w LIMIT 5", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM (SELECT id FROM source LIMIT 5) ORDER BY id", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM source ORDER BY t LIMIT 5", ["LIMIT ordered by t, which may have"]),
        ("SELECT g, count(*) AS n FROM source GROUP BY g ORDER BY n LIMIT 5", ["LIMIT ordered by n"]),
        ("SELECT id FROM source TABLESAMPLE (10 PERCENT) REPEATABLE (3)", ["TABLESAMPLE"]),
        ("WITH a AS (SELECT id, rand() AS r FROM source) SELECT id, uuid() AS u FROM a", ["rand,", "uuid,"]),
        ("SELECT id FROM source JOIN w ON source.n = w.n AND rand() < 0.5", ["rand,"]),
        ("SELECT id FROM source WHERE t > now() ORDER BY rand()", ["now,", "rand,"]),
        ("SELECT id FROM source ORDER BY id, at LIMIT 5", []),
        ("SELECT id, at AS a FROM source ORDER BY id, a LIMIT 5", []),
        ("SELECT id, at FROM source ORDER BY 2, 1 LIMIT 5", []),
        ("SELECT id FROM source ORDER BY ALL LIMIT 5", []),
        ("SELECT g, count(*) AS n FROM source GROUP BY g ORDER BY n DESC, g LIMIT 5", []),
        ("SELECT id FROM source LIMIT ALL", []),
        ("SELECT max(n) + 1 AS m FROM source LIMIT 1", []),
        ("SELECT max(n) OVER (PARTITION BY g) AS m FROM source LIMIT 1", ["LIMIT without ORDER BY"]),
        ("SELECT id FROM source WHERE EXISTS (SELECT 1 FROM w LIMIT 1)", []),
        ("SELECT id FROM source LEFT JOIN w USING (id)", []),
    ],
)
def test_queries_take_rows_by_an_order(sql: str, told: list[str]) -> None:
    found = sorted(each.what for each in found_in(sql))
    assert len(found) == len(told)
    assert all(what.startswith(start) for what, start in zip(found, told, strict=True))


def test_the_line_is_that_of_the_function() -> None:
    found = found_in(
        "SELECT id,\n  array_join(\n    collect_set(x), ',') AS a,\n  percentile_approx(x, 0.5) AS p FROM s"
    )
    assert [each.line for each in found] == [3, 4]
    [limit] = found_in("SELECT id\nFROM source\nLIMIT 5")
    assert limit.line == 3


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM f WHERE d = CURRENT_DATE - 1", "uses CURRENT_DATE,"),
        ("SELECT * FROM f WHERE d < getdate ()", "uses getdate,"),
        ("SELECT * FROM f ORDER BY newid()", "uses newid,"),
        ("SELECT * FROM f LIMIT 5", "uses LIMIT without ORDER BY"),
        ("SELECT TOP (5) * FROM f", "uses SELECT TOP without"),
        ("SELECT * FROM f FETCH\nFIRST 5 ROWS ONLY", "uses FETCH FIRST without"),
        ("SELECT * FROM f WHERE ROWNUM < 5", "uses ROWNUM without"),
        ("SELECT * FROM f ORDER BY id LIMIT 5", ""),
        ("SELECT now, limit, top FROM f WHERE d = DATE '{date}'", ""),
        ("SELECT * FROM f WHERE x = 'limit 5 now()' -- now()", ""),
    ],
)
def test_a_database_s_query_of_any_dialect(query: str, told: str) -> None:
    what, instead = query_problem(query)
    assert what.startswith(told)
    assert bool(what) == bool(told) == bool(instead)


# What the messages say to write, and what is let through though it merges parts.
AGGREGATES = (
    *("min_by(x, struct(id, at))", "max_by(x, struct(id, at))", "min(x)", "array_sort(collect_list(x))"),
    *("array_sort(collect_set(x))", "array_sort(array_agg(x))", "size(collect_set(x))", "median(x)"),
    *("listagg(s, ',') WITHIN GROUP (ORDER BY s)", "mode(n, true)", "mode() WITHIN GROUP (ORDER BY n)"),
    *("percentile(x, 0.5)", "approx_count_distinct(x)", "avg(CAST(x AS DECIMAL(28, 9)))", "sum(n)", "avg(n)"),
    "theta_sketch_estimate(theta_sketch_agg(x))",
)
INSTEAD = (
    f"SELECT g, {', '.join(f'{each} AS a{n}' for n, each in enumerate(AGGREGATES))} FROM made GROUP BY g",
    f"SELECT id, at, {HASHED} AS h, pmod({HASHED}, 1000) / 1000 AS r FROM made",
    "SELECT id, at, row_number() OVER (PARTITION BY g ORDER BY id, at) AS n FROM made",
    "SELECT id, at FROM made ORDER BY id, at LIMIT 50",
    f"SELECT id, at FROM made WHERE pmod({HASHED}, 100) < 10",
)


@pytest.mark.spark
@pytest.mark.parametrize("sql", INSTEAD)
def test_what_is_to_be_written_instead_gives_the_same_however_the_rows_are_spread(
    spark: SparkSession, sql: str
) -> None:
    assert found_in(sql) == ()
    session = spark.newSession()
    made = session.sql(
        "SELECT CAST(id DIV 3 AS INT) AS id, CAST(id % 3 AS INT) AS at, CAST(id % 7 AS INT) AS g, "
        "CAST(id % 11 AS INT) AS n, CAST(id % 13 AS STRING) AS s, pmod(xxhash64(id), 9973) / 7D AS x "
        "FROM range(3000)"
    )
    told = []
    for spread in (made, made.orderBy("x").repartition(5), made.orderBy("s", "n").coalesce(2)):
        spread.createOrReplaceTempView("made")
        told.append(sorted(map(str, session.sql(sql).collect())))
    assert told[0] == told[1] == told[2]
    assert told[0]
