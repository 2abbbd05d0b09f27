"""Whatever `csv.writer`, `pandas.to_csv` and `to_json` write of arbitrary values comes back as it was."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vintage.data.checked import CORRUPT
from vintage.data.deliveries import FileDelivery, foreseen
from vintage.data.raw import list_raw_files
from vintage.errors import DataError
from vintage.spec import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

DAY = date(2024, 5, 3)
SCHEMA = "i BIGINT, t STRING, x DOUBLE, d DECIMAL(12,3), b BOOLEAN, on_day DATE, at TIMESTAMP, u STRING"
# Many rows in few examples: each example is one job of Spark.
FEW = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
# What a text file can hold: no half of a surrogate pair, and no zero byte.
TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    st.text("\"\\,;\t\n\r' a", min_size=1, max_size=6),
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        TEXTS,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.decimals(-(10**8), 10**8, places=3),
        st.none() | st.booleans(),
        st.none() | st.dates(date(1900, 1, 1), date(2200, 12, 31)),
        st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31)),  # noqa: DTZ001
        TEXTS,
    ),
    min_size=60,
    max_size=120,
)
ENDS = st.sampled_from(["\n", "\r\n"])
NAMES = [part.split()[0] for part in SCHEMA.split(", ")]


def read(
    spark: SparkSession, folder: Path, kind: str, content: str, options: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    folder = folder / str(len(list(folder.iterdir())))
    folder.mkdir()
    (folder / f"a.{kind}").write_bytes(content.encode())
    source = Source(format=kind, path=str(folder), options=dict(options), schema=SCHEMA)
    raw = list_raw_files(str(folder), DAY)
    assert raw is not None
    delivery = FileDelivery(source, str(folder), raw, DAY)
    rows = foreseen(delivery, lambda: delivery.read(spark, SCHEMA, folder / "_copies"))
    found = rows.rows.coalesce(1).collect()
    count = sum(row[CORRUPT] is not None for row in found)
    if count:
        raise rows.refusal(count)
    return [tuple(row)[:-1] for row in found]


def plain(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(Decimal(v) if isinstance(v, Decimal) else v for v in row) for row in rows]


@FEW
@given(
    rows=ROWS,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_writer(
    spark: SparkSession, tmp_path: Path, rows: list[tuple[Any, ...]], quoting: Any, end: str
) -> None:
    out = io.StringIO(newline="")
    # Python quotes a carriage return only where rows end with one; bare, it is a part of the row's end.
    style = csv.QUOTE_ALL if end == "\n" else quoting
    writer = csv.writer(out, quoting=style, lineterminator=end)
    writer.writerow(NAMES)
    writer.writerows(rows)
    found = read(spark, tmp_path, "csv", out.getvalue(), {"header": "true", "multiLine": "true"})
    assert plain(found) == plain(rows)


@FEW
@given(rows=ROWS)
def test_lines_without_multi_line(spark: SparkSession, tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    """Of a file that has line breaks within values it is refused; else each row is read."""
    broken = [row for row in rows if any("\n" in (row[n] or "") or "\r" in (row[n] or "") for n in (1, 7))]
    whole = [row for row in rows if row not in broken]
    for some in (whole, [*whole, *broken[:1]]):
        out = io.StringIO(newline="")
        csv.writer(out).writerows([NAMES, *some])
        if len(some) == len(whole):
            assert plain(read(spark, tmp_path, "csv", out.getvalue(), {"header": "true"})) == plain(some)
        else:
            with pytest.raises(DataError, match="multiLine"):
                read(spark, tmp_path, "csv", out.getvalue(), {"header": "true"})


@FEW
@given(rows=ROWS, sep=st.sampled_from([",", ";", "\t", "|"]))
def test_pandas_to_csv(spark: SparkSession, tmp_path: Path, rows: list[tuple[Any, ...]], sep: str) -> None:
    frame = pd.DataFrame(rows, columns=NAMES, dtype=object)
    text = frame.to_csv(index=False, sep=sep, lineterminator="\r\n")
    options = {"header": "true", "multiLine": "true", "sep": sep}
    assert plain(read(spark, tmp_path, "csv", text, options)) == plain(rows)


@FEW
@given(rows=ROWS)
def test_pandas_to_json(spark: SparkSession, tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    # It writes ten digits of a fraction, milliseconds of a time and no decimals.
    kept = [(*row[:2], None, None, row[4], row[5], row[6], row[7]) for row in rows]
    texts = [(*row[:5], *(v and v.isoformat() for v in row[5:7]), row[7]) for row in kept]
    frame = pd.DataFrame(texts, columns=NAMES, dtype=object)
    # A key that no row has would be a column that is missing.
    text = frame.to_json(orient="records", lines=True)
    assert plain(read(spark, tmp_path, "json", text, {})) == plain(kept)


def test_a_moment_is_told_in_utc(spark: SparkSession, tmp_path: Path) -> None:
    moment = datetime(2024, 5, 3, 12, tzinfo=UTC)
    frame = pd.DataFrame([(1, "a", 1.5, "2.500", True, "2024-05-03", moment, "b")], columns=NAMES)
    [row] = read(spark, tmp_path, "csv", frame.to_csv(index=False), {"header": "true"})
    assert row[6] == moment.replace(tzinfo=None)
