"""Whatever is written as Parquet comes back as it was, or is refused by name; many cases in one session."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.flow.declared import declare
from vintage.data.checked import CORRUPT
from vintage.data.deliveries import FileDelivery
from vintage.data.raw import list_raw_files
from vintage.data.reader import infer_schema, read_raw
from vintage.errors import DataError, SpecError
from vintage.spec import Source
from vintage.store.fingerprint import fingerprint, fingerprint_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
NANOS, NANOS_UTC = pa.timestamp("ns"), pa.timestamp("ns", "UTC")
MOMENT = 1_709_683_200_000_000_000


def moment(year: int, month: int, day: int) -> dt.datetime:
    """A moment without a zone, as Parquet may have it."""
    return dt.datetime(year, month, day, tzinfo=dt.UTC).replace(tzinfo=None)


def written(folder: Path, name: str, columns: Mapping[str, pa.Array], **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), folder / name, **options)
    return folder / name


def read(spark: SparkSession, folder: Path, schema: str | None = None) -> DataFrame:
    """The rows of a folder, with what is lost of them in the last column."""
    source = Source(format="parquet", path=str(folder), years=(1, 9999))
    raw = list_raw_files(str(folder), DAY)
    assert raw is not None
    session = spark.newSession()
    copies = folder / "_copies"
    schema = schema or infer_schema(session, source, raw, DAY, copies)
    return read_raw(session, source, raw, schema, DAY, copies).rows


def values_of(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


WHOLE = moment(2024, 3, 6)
NESTED = {
    "list": (pa.list_(NANOS), [[MOMENT, None], [], None], [[WHOLE, None], [], None]),
    "struct": (pa.struct([("at", NANOS), ("n", pa.int8())]), [{"at": MOMENT, "n": 7}], [(WHOLE, 7)]),
    "map": (pa.map_(pa.string(), NANOS), [[("k", MOMENT)], None], [{"k": WHOLE}, None]),
    "deep": (
        pa.list_(pa.struct([("m", pa.map_(NANOS, NANOS))])),
        [[{"m": [(MOMENT, MOMENT)]}]],
        [[({WHOLE: WHOLE},)]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NESTED)
def test_nanoseconds_within_other_types_are_moments(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    arrow, values, expected = NESTED[kind]
    written(tmp_path, "a.parquet", {"a": pa.array(values, arrow)})
    found = read(spark, tmp_path)
    assert found.where(f"{CORRUPT} IS NOT NULL").count() == 0
    assert values_of(found) == expected


def test_a_moment_with_a_zone_is_that_moment(spark: SparkSession, tmp_path: Path) -> None:
    written(tmp_path, "a.parquet", {"a": pa.array([MOMENT, -1000], pa.timestamp("ns", "Asia/Kolkata"))})
    found = read(spark, tmp_path)
    assert found.schema["a"].dataType.simpleString() == "timestamp"
    assert values_of(found.selectExpr("unix_micros(a)")) == [MOMENT // 1000, -1]


@pytest.mark.parametrize("kind", ["flat", *NESTED])
def test_a_nanosecond_that_would_be_lost_is_told(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    lost = MOMENT + 1
    arrow, values = {
        "flat": (NANOS, [MOMENT, lost, None]),
        "list": (pa.list_(NANOS), [[MOMENT], [MOMENT, lost]]),
        "struct": (pa.struct([("at", NANOS)]), [{"at": MOMENT}, {"at": lost}]),
        "map": (pa.map_(pa.string(), NANOS_UTC), [[("k", MOMENT)], [("k", lost)]]),
        "deep": (pa.list_(pa.struct([("m", pa.map_(NANOS, NANOS))])), [None, [{"m": [(lost, MOMENT)]}]]),
    }[kind]
    written(tmp_path, "a.parquet", {"a": pa.array(values, arrow)})
    [told] = values_of(read(spark, tmp_path).where(f"{CORRUPT} IS NOT NULL").select(CORRUPT))
    assert "a has digits below a microsecond" in told
    assert str(lost) in told


def test_int96_to_the_microsecond_is_read_and_below_it_refused(spark: SparkSession, tmp_path: Path) -> None:
    old = {"use_deprecated_int96_timestamps": True}
    far = pa.array([253_370_764_800_000_000], pa.timestamp("us"))
    written(tmp_path / "far", "a.parquet", {"a": far}, **old)
    assert values_of(read(spark, tmp_path / "far")) == [moment(9999, 1, 1)]
    written(tmp_path / "whole", "a.parquet", {"a": pa.array([MOMENT, None], NANOS)}, **old)
    assert values_of(read(spark, tmp_path / "whole")) == [moment(2024, 3, 6), None]
    for kind, values in ((NANOS, [MOMENT, MOMENT + 1]), (pa.list_(NANOS), [[MOMENT], [MOMENT + 1]])):
        folder = tmp_path / str(len(values[0]) if isinstance(values[0], list) else 0)
        written(folder, "a.parquet", {"a": pa.array(values, kind)}, **old)
        with pytest.raises(DataError, match=r"column a .* has digits below a microsecond.*and 1 ns"):
            read(spark, folder)


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (pa.time64("us"), [1], r"a is a time of day \(time64\[us\]\).*a as text"),
        (pa.time32("ms"), [1], "a is a time of day"),
        (pa.list_(pa.time64("ns")), [[1]], r"a\.element is a time of day"),
        (pa.float16(), [np.float16(1.5)], "a is a float of 16 bits.*float32"),
        (pa.decimal256(50, 2), [decimal.Decimal(1)], r"a is decimal256\(50, 2\).*at most 38"),
    ],
)
def test_a_type_that_spark_lacks_is_named(
    spark: SparkSession, tmp_path: Path, kind: pa.DataType, values: list[Any], told: str
) -> None:
    written(tmp_path, "a.parquet", {"a": pa.array(values, kind), "b": pa.array([1])})
    with pytest.raises(DataError, match=rf"does not read every column.*{told}"):
        read(spark, tmp_path)


WIDER = [
    ("BIGINT", pa.int32(), [1, None], [1, None]),
    ("DOUBLE", pa.float32(), [0.5], [0.5]),
    ("DOUBLE", pa.int32(), [2**31 - 1], [float(2**31 - 1)]),
    ("DECIMAL(12,2)", pa.int32(), [7], [decimal.Decimal("7.00")]),
    ("DECIMAL(12,3)", pa.decimal128(5, 2), [decimal.Decimal("1.25")], [decimal.Decimal("1.250")]),
    ("STRING", pa.null(), [None], [None]),
    ("STRUCT<a: BIGINT, b: STRING>", pa.struct([("b", pa.string()), ("a", pa.int32())]),
     [{"b": "x", "a": 1}, None], [(1, "x"), None]),
    ("ARRAY<BIGINT>", pa.list_(pa.int32()), [[1, None]], [[1, None]]),
    ("MAP<STRING, DOUBLE>", pa.map_(pa.string(), pa.float32()), [[("k", 0.5)]], [{"k": 0.5}]),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "kind", "values", "expected"), WIDER)
def test_what_loses_nothing_is_read_under_the_contract(
    spark: SparkSession,
    tmp_path: Path,
    declared: str,
    kind: pa.DataType,
    values: Sequence[Any],
    expected: Any,
) -> None:
    written(tmp_path, "a.parquet", {"v": pa.array(values, kind)})
    found = read(spark, tmp_path, f"v {declared}")
    assert values_of(found) == expected


@pytest.mark.parametrize(
    ("declared", "kind", "values", "told"),
    [
        ("INT", pa.int64(), [1], "v is bigint instead of int"),
        ("FLOAT", pa.int32(), [1], "v is int instead of float"),
        ("DOUBLE", pa.int64(), [1], "v is bigint instead of double"),
        ("DECIMAL(5,2)", pa.decimal128(6, 2), [decimal.Decimal(1)], r"v is decimal\(6,2\) instead of"),
        ("STRING", pa.int32(), [1], "v is int instead of string"),
        ("STRUCT<a: INT>", pa.struct([("a", pa.string())]), [{"a": "x"}], r"v\.a is string instead of int"),
        ("STRUCT<a: INT, b: INT>", pa.struct([("a", pa.int32())]), [{"a": 1}], "v lacks field b"),
        (
            "STRUCT<a: INT>",
            pa.struct([("a", pa.int32()), ("c", pa.int32())]),
            [{"a": 1}],
            "v has field c too",
        ),
    ],
)
def test_what_would_lose_something_is_refused_by_name(
    spark: SparkSession, tmp_path: Path, declared: str, kind: pa.DataType, values: list[Any], told: str
) -> None:
    written(tmp_path, "a.parquet", {"v": pa.array(values, kind)})
    with pytest.raises(DataError, match=told):
        read(spark, tmp_path, f"v {declared}")


def test_files_of_one_date_may_differ_in_width_and_order(spark: SparkSession, tmp_path: Path) -> None:
    written(tmp_path, "a.parquet", {"id": pa.array([1], pa.int32()), "at": pa.array([MOMENT], NANOS)})
    written(tmp_path, "b.parquet", {"at": pa.array([0], pa.timestamp("us")), "id": pa.array([2])})
    found = read(spark, tmp_path, "id BIGINT, at TIMESTAMP_NTZ").orderBy("id").collect()
    assert [(row.id, row.at) for row in found] == [(1, moment(2024, 3, 6)), (2, moment(1970, 1, 1))]


def test_a_column_without_a_value_has_no_type_to_infer(spark: SparkSession, tmp_path: Path) -> None:
    written(tmp_path, "a.parquet", {"a": pa.array([None, None]), "b": pa.array([1, 2])})
    with pytest.raises(DataError, match=r"the type of a cannot be determined.*Declare source\.schema"):
        read(spark, tmp_path)


def test_a_file_that_is_cut_short_is_named(spark: SparkSession, tmp_path: Path) -> None:
    path = written(tmp_path, "a.parquet", {"a": pa.array([1])})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"a\.parquet of 2024-03-06 is no whole Parquet file"):
        read(spark, tmp_path)


COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))), min_size=3, max_size=3),
    st.lists(st.floats(), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
    st.lists(st.binary(max_size=9), min_size=3, max_size=3),
    st.lists(st.dates(), min_size=3, max_size=3),
    st.lists(
        st.one_of(st.none(), st.integers(-(2**62), 2**62).map(pd.Timestamp)),
        min_size=3,
        max_size=3,
    ),
    st.lists(st.datetimes(moment(1700, 1, 1), moment(2200, 1, 1)), min_size=3, max_size=3),
    st.lists(st.decimals(-(10**9), 10**9, places=3), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(-9, 9), max_size=3), min_size=3, max_size=3),
    st.lists(st.fixed_dictionaries({"x": st.integers(-9, 9), "y": st.text("abc")}), min_size=3, max_size=3),
)


def test_whatever_to_parquet_writes_comes_back_or_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    """Columns of arbitrary values as pandas writes them by default, all in one file and one Spark job."""
    drawn: list[list[Any]] = []

    @settings(
        max_examples=60, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), deadline=None,
    )  # fmt: skip
    @given(COLUMNS)
    def draw(values: list[Any]) -> None:
        drawn.append(values)

    draw()
    drawn.append([pd.Timestamp(MOMENT + 1), None, pd.Timestamp(MOMENT)])
    frames = {f"c{index}": pd.Series(values) for index, values in enumerate(drawn)}
    # What has no value at all has no type.
    frames = {name: series for name, series in frames.items() if series.notna().any()}
    (tmp_path / "day").mkdir()
    pd.DataFrame(frames).to_parquet(tmp_path / "day" / "a.parquet")
    rows = read(spark, tmp_path / "day").collect()
    lost = " ".join(row[CORRUPT] or "" for row in rows)
    compared = refused = 0
    for name, series in frames.items():
        for row, value in zip(rows, series, strict=True):
            below = isinstance(value, pd.Timestamp) and not pd.isna(value) and value.nanosecond
            if below:
                # The first such column of a row is told.
                assert row[CORRUPT]
                refused += 1
            else:
                compared += 1
                assert same(row[name], value), (name, row[name], value)
    assert compared > 100
    assert refused
    assert "has digits below a microsecond" in lost


def same(found: Any, given_value: Any) -> bool:
    if (
        given_value is None
        or given_value is pd.NaT
        or (isinstance(given_value, float) and math.isnan(given_value))
    ):
        return found is None or (isinstance(found, float) and math.isnan(found))
    if hasattr(found, "asDict"):
        found = found.asDict()
    if isinstance(found, bytearray):
        found = bytes(found)
    if isinstance(given_value, pd.Timestamp):
        given_value = given_value.to_pydatetime()
    return bool(found == given_value)


MAPS = {
    "struct": ["struct(map('a', 1, 'b', 2))", "struct(map('b', 2, 'a', 1))", "struct(map('a', 2, 'b', 1))"],
    "array": ["array(map('a', 1, 'b', 2))", "array(map('b', 2, 'a', 1))", "array(map('a', 1), map('b', 2))"],
    "map": [f"map('k', map({inner}))" for inner in ("'a', 1, 'b', 2", "'b', 2, 'a', 1", "'a', 1, 'b', 3")],
    "deep": [
        f"array(struct(1, map('k', array({inner}))))"
        for inner in ("map('a', 1, 'b', 2)", "map('b', 2, 'a', 1)", "map('a', 1, 'b', 2), null")
    ],
    "null in a struct": [f"struct(map('a', 1), {rest})" for rest in ("1, null", "1, null", "null, 1")],
    "variant": [f"parse_json('{text}')" for text in ('{"a":1,"b":2}', '{"b":2,"a":1}', '{"a":"1","b":2}')],
    "type in a variant": [f"to_variant_object(array({value}))" for value in ("1D", "1D", "'1.0'")],
    "interval": ["interval 1 day", "interval 24 hour", "interval 25 hour"],
}


@pytest.mark.parametrize("kind", MAPS)
def test_what_spark_cannot_hash_has_a_fingerprint_all_the_same(spark: SparkSession, kind: str) -> None:
    whole, same_value, other = (_fingerprint(spark.sql(f"SELECT {value} AS a")) for value in MAPS[kind])
    assert whole == same_value
    assert whole != other


def test_fingerprints_of_before_stay(spark: SparkSession) -> None:
    frame = spark.sql("SELECT 1 AS a, map('b', 2, 'a', 1) AS m, struct('x' AS y) AS s, array(1, null) AS l")
    assert fingerprint_sql(frame.schema).count("array_sort(map_entries(`m`)), isnull(`m`)") == 4
    assert "`s`, isnull(`s`), `l`, isnull(`l`)" in fingerprint_sql(frame.schema)


def _fingerprint(frame: DataFrame) -> str:
    [row] = frame.selectExpr(f"{fingerprint_sql(frame.schema)} AS sums").collect()
    return fingerprint(row.sums.asDict())


def test_a_struct_with_a_map_and_a_name_with_a_colon_go_through(team: Team) -> None:
    folder = team.home.path / "raw" / str(DAY)
    tags = pa.array([{"m": [("b", 1), ("a", 2)]}] * 3, pa.struct([("m", pa.map_(pa.string(), pa.int64()))]))
    columns = {
        "id": pa.array([0, 1, 2]),
        "size": pa.array([0.5, 1.5, 2.5]),
        "late": pa.array([0, 1, 0]),
        "tags": tags,
        "at": pa.array([MOMENT] * 3, NANOS),
    }
    written(folder, "things_2024-03-06T03:00:00[1]*.parquet", columns)
    declare(team, {"format": "parquet", "path": "raw/{date}"}, "SELECT id, size, late, at FROM source")
    team.run("snapshot", "validate", "preprocess")
    found = team.store.current("snapshot", DAY)
    assert found is not None
    assert found.row_count == 3


def test_folders_are_columns_where_they_are_declared(spark: SparkSession, tmp_path: Path) -> None:
    for region, day in (("eu", "03"), ("us", "4x")):
        written(tmp_path / f"region={region}" / f"n={day}", "a.parquet", {"id": pa.array([1])})
    raw = list_raw_files(str(tmp_path), DAY)
    assert raw is not None
    source = Source(format="parquet", path=str(tmp_path), partition_columns=("region", "n"))
    inferred = infer_schema(spark, source, raw, DAY, tmp_path / "_copies")
    assert inferred == "`id` bigint, `region` string, `n` string"
    found = read_raw(spark, source, raw, "n INT, region STRING, id BIGINT", DAY, tmp_path / "_copies").rows
    assert sorted(map(tuple, found.collect()), key=str) == [
        (3, "eu", 1, None),
        (None, "us", 1, "no int: folder n=4x"),
    ]
    delivery = FileDelivery(source.model_copy(update={"partition_columns": ()}), str(tmp_path), raw, DAY)
    delivery.require_columns("SELECT id FROM source", {"source": ("id",)})
    with pytest.raises(SpecError, match=r"reads Region, which.*partition_columns: \[region\]"):
        delivery.require_columns("SELECT id, Region FROM source", {"source": ("id",)})
