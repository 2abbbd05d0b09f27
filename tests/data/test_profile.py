"""The profile of rows, against what Spark's own aggregates say of them."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from datasketches import hll_sketch, kll_doubles_sketch

from vintage.data.profile import Profile, profile, profile_sql
from vintage.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NUMBERS = ("tiny", "small", "whole", "large", "single", "double", "money", "wide")
TEXTS = ("word", "name", "day", "moment", "local", "yes")
MIXED = """
SELECT
  IF(id % 7 = 0, NULL, CAST(id % 100 AS TINYINT)) AS tiny,
  CAST(-id AS SMALLINT) AS small,
  CAST(id % 3 AS INT) AS whole,
  id * 1234567890123 AS large,
  CAST(id / 4 AS FLOAT) AS single,
  CASE id % 50 WHEN 0 THEN NULL WHEN 1 THEN double('-0.0') WHEN 2 THEN 0.0D ELSE id / 8 - 5 END AS double,
  CAST(id / 4 AS DECIMAL(10, 2)) AS money,
  CAST(id AS DECIMAL(38, 10)) * 1000000000 AS wide,
  CASE id % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'Köln ' || id % 11 END AS word,
  'long, and each another: ' || id || repeat('x', CAST(id % 2 * 300 AS INT)) AS name,
  IF(id % 9 = 0, NULL, date_add(DATE'1969-12-20', CAST(id % 30 AS INT))) AS day,
  timestamp_micros((id - 150) * 3600123400 + id % 4 * 250000) AS moment,
  CAST(timestamp_seconds((id - 150) * 3600) AS TIMESTAMP_NTZ) AS local,
  IF(id % 6 = 0, NULL, id % 4 = 0) AS yes,
  map(1, id) AS `a.map`
FROM range(0, 180, 1, 3)
"""


def profile_of(rows: DataFrame) -> Profile:
    [row] = rows.selectExpr(f"{profile_sql(rows.sparkSession, rows.schema)} AS seen", "count(1)").collect()
    return profile(rows.schema, row["seen"].asDict(recursive=True), row[1])


def told(rows: DataFrame, aggregate: str) -> Any:
    [row] = rows.selectExpr(aggregate).collect()
    return row[0]


@pytest.fixture(scope="module")
def mixed(spark: SparkSession) -> DataFrame:
    return spark.sql(MIXED).cache()


@pytest.fixture(scope="module")
def found(mixed: DataFrame) -> Profile:
    return profile_of(mixed)


def test_it_says_what_spark_s_own_aggregates_say(mixed: DataFrame, found: Profile) -> None:
    columns = [f"`{name}`" for name in mixed.columns]
    [nulls] = mixed.selectExpr(*(f"count_if(isnull({name}))" for name in columns)).collect()
    assert [each["nulls"] for each in found.columns.values()] == list(nulls)
    assert [each["type"] for each in found.columns.values()] == [kind for _, kind in mixed.dtypes]
    for end in ("min", "max"):
        aggregates = (f"{end}({name})::string" for name in columns[:-1])
        [row] = mixed.selectExpr(*aggregates).collect()
        told_of = {name: each[end] for name, each in list(found.columns.items())[:-1]}
        expected = dict(zip(told_of, row, strict=True))
        numbers = {name: float(expected.pop(name)) for name in NUMBERS}
        assert {name: float(told_of.pop(name)) for name in NUMBERS} == numbers
        assert {name: str(value).lower() for name, value in told_of.items()} == {
            name: value.lower() for name, value in expected.items()
        }
    for name in NUMBERS:
        [row] = mixed.selectExpr(f"avg({name}::double)", f"stddev_samp({name}::double)").collect()
        column = found.columns[name]
        assert (column["mean"], column["std"]) == pytest.approx(tuple(row), rel=1e-12)


def test_its_sketches_are_those_of_spark(mixed: DataFrame, found: Profile) -> None:
    for name in (*NUMBERS, *TEXTS):
        value = f"IF(isnull({name}), NULL, xxhash64({name}))" if name in NUMBERS else f"{name}::string"
        theirs = hll_sketch.deserialize(bytes(told(mixed, f"hll_sketch_agg({value})")))
        ours = hll_sketch.deserialize(base64.b64decode(found.sketches[name]["hll"]))
        assert ours.get_estimate() == pytest.approx(theirs.get_estimate(), rel=1e-6)
        # The empty text is no value to a sketch.
        different = told(mixed, f"count(DISTINCT {name})") - (name == "word")
        assert found.columns[name]["distinct"] == different
    for name in NUMBERS:
        theirs = kll_doubles_sketch.deserialize(bytes(told(mixed, f"kll_sketch_agg_double({name}::double)")))
        ours = kll_doubles_sketch.deserialize(base64.b64decode(found.sketches[name]["kll"]))
        ranks = [0.0, 0.1, 0.5, 0.9, 1.0]
        # So few values stand in a sketch as they are.
        assert (ours.n, ours.get_quantiles(ranks)) == (theirs.n, theirs.get_quantiles(ranks))


def test_the_commonest_values_are_counted(mixed: DataFrame, found: Profile) -> None:
    for name in ("word", "yes"):
        rows = mixed.groupBy(name).count().collect()
        assert {each["item"]: each["count"] for each in found.columns[name]["top"]} == {
            row[0]: row[1] for row in rows
        }
    counts = [each["count"] for each in found.columns["word"]["top"]]
    assert counts == sorted(counts, reverse=True)
    assert "top" not in found.columns["day"]


def test_many_different_texts(spark: SparkSession) -> None:
    rows = spark.sql("SELECT IF(id % 3 = 0, 'common', 'v' || id) AS text FROM range(0, 30000, 1, 2)")
    found = profile_of(rows).columns["text"]
    assert (found["min"], found["max"], found["nulls"]) == ("common", "v9998", 0)
    assert found["distinct"] == pytest.approx(20_001, rel=0.05)
    assert found["top"][0]["item"] == "common"
    assert found["top"][0]["count"] == pytest.approx(10_000, rel=0.05)


def test_what_is_no_number_and_what_is_infinite(spark: SparkSession) -> None:
    rows = spark.sql("SELECT double(text) AS x FROM VALUES ('1'), ('NaN'), ('Infinity'), (NULL) AS t(text)")
    found = profile_of(rows).columns["x"]
    assert (found["nulls"], found["min"], found["max"]) == (1, 1.0, "nan")
    assert found["mean"] == str(told(rows, "avg(x)")) == "nan"
    assert found["std"] == "nan"
    assert found["quantiles"]["0.99"] == "inf"
    assert found["distinct"] == 3


def test_moments_beyond_four_digits_of_a_year(spark: SparkSession) -> None:
    rows = spark.sql("SELECT timestamp_seconds(253402300800 + id) AS at FROM range(2)")
    found = profile_of(rows).columns["at"]
    assert (found["min"], found["distinct"]) == (told(rows, "min(at)::string"), 2)


def test_no_rows(mixed: DataFrame) -> None:
    found = profile_of(mixed.where("false"))
    assert found.columns["double"] == {
        "type": "double",
        "nulls": 0,
        "min": None,
        "max": None,
        "mean": None,
        "std": None,
        "distinct": 0,
        "quantiles": None,
    }
    assert found.columns["word"]["top"] == []
    assert found.columns["a.map"] == {"type": "map<int,bigint>", "nulls": 0}


def test_one_row_has_no_deviation(spark: SparkSession) -> None:
    found = profile_of(spark.sql("SELECT 3 AS x")).columns["x"]
    assert (found["mean"], found["std"]) == (3.0, None)


def test_a_session_without_the_jar_is_refused(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = spark.range(1)
    monkeypatch.setattr(spark.sparkContext, "_jvm", SimpleNamespace(org=spark._jvm.none))
    with pytest.raises(EnvironmentProblem, match=r"without the classes of Vintage.*vintage-.*\.jar"):
        profile_sql(rows.sparkSession, rows.schema)
