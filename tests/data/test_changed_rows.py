"""Two snapshots are compared row by row, by the key where there is one, in whatever order the rows lie."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from vintage.data.changed_rows import RowChange, changed_rows
from vintage.data.rows import schema_json, write_rows
from vintage.store import Ingredients, Rows, Store
from vintage.store.fingerprint import fingerprint, fingerprint_sql

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from vintage.store import Artifact

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)


@pytest.fixture
def spark(spark: SparkSession) -> SparkSession:
    """What observes a write does so apart: see SparkProvider.apart."""
    return spark.newSession()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", "demo")


def snapshot(store: Store, rows: DataFrame) -> Artifact:
    with store.attempt("snapshot", DAY) as attempt:
        seen = write_rows(rows, attempt.data, {"content": fingerprint_sql(rows.schema)}, files=2)["content"]
        content = fingerprint(seen)
        named = Ingredients(
            kind="snapshot",
            date=DAY.isoformat(),
            inputs={"rows": {DAY.isoformat(): content}},
            spec={"schema": rows.schema.simpleString()},
            seed=1,
            code="c",
            engines={},
        )
        told = Rows(count=seen["rows"], spark_schema=schema_json(rows.schema), fingerprint=content)
        return store.publish(attempt, named, rows=told, details={})


def compare(
    spark: SparkSession, store: Store, old: DataFrame, new: DataFrame, key: tuple[str, ...] = ("id",)
) -> RowChange:
    # A session that has observed a write is not to be used further; the jobs' own are apart as well.
    return changed_rows(spark.newSession(), snapshot(store, old), snapshot(store, new), key)


def counts(found: RowChange) -> tuple[int, int, int]:
    return found.added, found.removed, found.changed


def test_rows_are_told_apart_by_the_key(spark: SparkSession, store: Store) -> None:
    session = spark.newSession()
    schema = "id INT, colour STRING, size DOUBLE"
    old = session.createDataFrame(
        [(1, "red", 1.0), (2, "red", None), (3, "red", float("nan")), (4, "red", 4.0)], schema
    )
    new = session.createDataFrame(
        [(5, "red", 5.0), (4, "blue", 4.5), (3, "red", float("nan")), (2, "blue", None)], schema
    )
    found = compare(session, store, old, new)
    assert (found.by, counts(found)) == (("id",), (1, 1, 2))
    assert [(each.key, each.values) for each in found.examples] == [
        ({"id": "2"}, {"colour": ("red", "blue")}),
        ({"id": "4"}, {"colour": ("red", "blue"), "size": ("4.0", "4.5")}),
    ]
    assert found.columns == {}


def test_where_the_rows_lack_the_key_they_are_compared_whole(spark: SparkSession, store: Store) -> None:
    session = spark.newSession()
    old = session.createDataFrame([(1, "a"), (1, "a"), (2, "b")], "id INT, text STRING")
    new = session.createDataFrame([(1, "a"), (2, "c")], "id INT, text STRING")
    found = compare(session, store, old, new, ("id", "hour"))
    assert (found.by, counts(found), found.examples) == ((), (1, 2, 0), ())


def test_rows_that_share_a_key_are_paired_and_nulls_are_keys(spark: SparkSession, store: Store) -> None:
    session = spark.newSession()
    old = session.createDataFrame([(1, "a"), (1, "b"), (None, "c"), (2, "d")], "id INT, text STRING")
    new = session.createDataFrame(
        [(1, "x"), (1, "y"), (1, "z"), (None, "e"), (2, "d")], "id INT, text STRING"
    )
    found = compare(session, store, old, new)
    assert counts(found) == (1, 0, 3)
    # Which of the rows of key 1 became which, nobody can tell.
    assert [each.key for each in found.examples] == [{"id": "null"}]


def test_columns_that_came_went_or_are_of_another_type_are_told_and_not_compared(
    spark: SparkSession, store: Store
) -> None:
    session = spark.newSession()
    old = session.createDataFrame([(1, 5, "a"), (2, 6, "b")], "id INT, size INT, gone STRING")
    new = session.createDataFrame([(1, 5.0, True), (2, 7.0, True)], "id INT, size DOUBLE, more BOOLEAN")
    found = compare(session, store, old, new)
    assert counts(found) == (0, 0, 0)
    assert found.columns == {"gone": "gone", "more": "new", "size": "int → double"}


def test_maps_vectors_and_bytes_are_compared_by_what_is_in_them(spark: SparkSession, store: Store) -> None:
    from pyspark.ml.linalg import Vectors, VectorUDT
    from pyspark.sql.types import BinaryType, IntegerType, MapType, StringType, StructType

    session = spark.newSession()
    schema = (
        StructType()
        .add("id", IntegerType())
        .add("a.map", MapType(StringType(), IntegerType()))
        .add("vector", VectorUDT())
        .add("picture", BinaryType())
    )
    dense, sparse = Vectors.dense(0.0, 2.0), Vectors.sparse(2, {1: 2.0})
    old = [
        (1, {"x": 1, "y": 2}, dense, b"\x01"),
        (2, {"x": 1}, dense, b"\x01"),
        (3, {"x": 1}, dense, b"\x01"),
    ]
    new = [
        (1, {"y": 2, "x": 1}, sparse, b"\x01"),
        (2, {"x": 2}, dense, b"\x01"),
        (3, {"x": 1}, sparse, b"\x02"),
    ]
    found = compare(
        session, store, session.createDataFrame(old, schema), session.createDataFrame(new, schema)
    )
    assert counts(found) == (0, 0, 2)
    assert [set(each.values) for each in found.examples] == [{"a.map"}, {"picture"}]


def test_the_key_may_be_spelled_in_other_capitals(spark: SparkSession, store: Store) -> None:
    session = spark.newSession()
    old = session.createDataFrame([(1, "a" * 200)], "ID INT, text STRING")
    new = session.createDataFrame([(1, "b" * 200)], "ID INT, text STRING")
    found = compare(session, store, old, new)
    assert (found.by, counts(found)) == (("ID",), (0, 0, 1))
    assert all(len(text) == 60 for text in found.examples[0].values["text"])
