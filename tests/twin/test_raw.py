"""A twin computes the SQL of preprocess: raw rows in, the same answers out."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.twin.test_pyfunc import DESCRIBED, INPUTS
from vintage.ml.row_sql import LeftToSpark, compile_query, raw_types
from vintage.twin import BadInput, Input, InvalidRow, Twin, TwinError, description
from vintage.twin.description import Preparation
from vintage.twin.raw import RawRows, RawTwin, raw_column
from vintage.twin.raw_pyfunc import RawFunction, _load_pyfunc

if TYPE_CHECKING:
    from pathlib import Path

RAW = {"id": "int", "colour": "string", "millimetres": "int", "made": "date", "Price": "decimal(8,2)"}
WANTED = {each.name: each.type for each in INPUTS}


def compiled(sql: str, raw: dict[str, str] = RAW, wanted: dict[str, str] = WANTED) -> Preparation:
    found = compile_query(sql, raw, wanted)
    assert isinstance(found, Preparation), found
    return found


def left(sql: str, raw: dict[str, str] = RAW, wanted: dict[str, str] = WANTED) -> LeftToSpark:
    found = compile_query(sql, raw, wanted)
    assert isinstance(found, LeftToSpark)
    return found


SIZED = "SELECT colour, millimetres / 10 AS size FROM source"


def of(sql: str) -> RawTwin:
    return RawTwin(Twin(replace(DESCRIBED, preparation=compiled(sql))))


def test_only_the_columns_that_are_needed_are_asked_for() -> None:
    made = compiled("SELECT id, made, upper(colour) AS colour, millimetres / 10 AS size FROM source AS s")
    assert made.inputs == (Input("colour", "string"), Input("millimetres", "int"))


@pytest.mark.parametrize(
    "sql",
    [
        SIZED,
        "SELECT s.colour, s.MILLIMETRES / 10 AS Size FROM source s",
        "SELECT *, millimetres / 10 AS size FROM source",
        "SELECT s.*, millimetres / 10 AS size FROM source s",
        "SELECT colour, millimetres / 10 AS wide, wide AS size FROM source",
    ],
)
def test_a_raw_row_gets_what_its_features_get(sql: str) -> None:
    frame = of(sql).transform({"colour": ["blue", "red", None], "millimetres": [10, None, 5]})
    expected = Twin(DESCRIBED).transform({"colour": ["blue", "red", None], "size": [1.0, None, 0.5]})
    assert frame["prediction"].to_list() == expected["prediction"].to_list()
    assert frame.rows.tolist() == expected.rows.tolist()


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT colour, size FROM source JOIN sizes USING (id)", "the SQL has a join"),
        ("WITH a AS (SELECT 1) SELECT colour, 1.0D AS size FROM source", "the SQL has a WITH"),
        ("SELECT DISTINCT colour, 1.0D AS size FROM source", "the SQL has DISTINCT"),
        ("SELECT colour, 1.0D AS size FROM source GROUP BY colour", "the SQL has GROUP BY"),
        ("SELECT colour, 1.0D AS size FROM source LIMIT 3", "the SQL has LIMIT"),
        ("SELECT colour, 1.0D AS size FROM source UNION ALL SELECT 'a', 1.0D", "more than one SELECT"),
        ("SELECT colour, 1.0D AS size FROM (SELECT * FROM source)", "something else than source"),
        ("SELECT colour, 1.0D AS size FROM source TABLESAMPLE (5 ROWS)", "left to Spark"),
        ("SELECT colour, 1.0D AS size, DATE '{date}' AS d FROM source", "the SQL names the partition date"),
        ("SELECT colour, avg(millimetres) OVER () AS size FROM source", "is over several rows"),
        ("SELECT colour, max(millimetres) AS size FROM source", "is over several rows"),
        ("SELECT colour, (SELECT 1.0D) AS size FROM source", "a subquery reads other rows"),
        ("SELECT colour, round(millimetres / 7, 2) AS size FROM source", "round() is left to Spark"),
        ("SELECT colour, exp(millimetres) AS size FROM source", "exp() is left to Spark"),
        ("SELECT colour, my_own(millimetres) AS size FROM source", "my_own() is left to Spark"),
        ("SELECT colour, TRY_CAST(colour AS DOUBLE) AS size FROM source", "TRY_CAST is left to Spark"),
        ("SELECT colour, millimetres AS size FROM source", "it would be INT, and the model reads DOUBLE"),
        ("SELECT colour, box.size FROM source", "is a field of a struct, or of another source"),
        ("SELECT colour, width AS size FROM source", "the raw rows have no column width"),
        ("SELECT colour FROM source", "no column of the SQL has that name"),
        ("SELECT colour, colour, 1.0D AS size FROM source", "the SQL has two columns colour"),
        (
            "SELECT CAST(millimetres / 10 AS STRING) AS colour, 1D AS size FROM source",
            "a cast of DOUBLE to STRING",
        ),
        (
            "SELECT concat(colour, id) AS colour, 1D AS size FROM source",
            "INT for STRING is converted by Spark",
        ),
        (
            "SELECT if(colour = 1, 'a', 'b') AS colour, 1D AS size FROM source",
            "STRING beside INT is converted",
        ),
        ("SELECT if(id = 1 = true, 'a', 'b') AS colour, 1D AS size FROM source", "needs brackets"),
        ("SELECT trim(BOTH 'x' FROM colour) AS colour, 1D AS size FROM source", "is of a form"),
        (r"SELECT replace(colour, '\t', ' ') AS colour, 1D AS size FROM source", "the SQL has a backslash"),
        ("SELECT colour, 1D AS size FROM source WHERE millimetres", "the WHERE is no condition"),
        ("SELECT colour, 1D AS size FROM source WHERE rand() < 0.5", "rand() is left to Spark"),
    ],
)
def test_what_is_not_surely_equal_is_left_to_spark_by_name(sql: str, reason: str) -> None:
    assert reason in left(sql).reason


def test_each_column_that_is_left_to_spark_is_named() -> None:
    found = left("SELECT initcap(colour) AS colour, round(millimetres, -1) AS size FROM source")
    assert found.columns == {
        "colour": "initcap() is left to Spark",
        "size": "round() is left to Spark",
    }
    assert found.reason == "`colour`: initcap() is left to Spark"


def test_types_of_raw_rows_are_read_from_their_schema() -> None:
    vector = {"type": "udt", "class": "org.apache.spark.ml.linalg.VectorUDT"}
    fields = {
        "a": "integer",
        "b": "decimal(8,2)",
        "c": {"type": "array", "elementType": "string"},
        "d": vector,
    }
    found = raw_types({"fields": [{"name": name, "type": kind} for name, kind in fields.items()]})
    assert found == {"a": "int", "b": "decimal(8,2)", "c": "array<string>", "d": "vector"}
    assert raw_types({"fields": [{"name": "a", "type": {"type": "struct", "fields": []}}]}) == {"a": "struct"}


def test_a_row_on_which_spark_raises_is_named_with_its_number_in_the_request() -> None:
    twin = of("SELECT colour, 10 / millimetres AS size FROM source WHERE colour <> 'green'")
    with pytest.raises(InvalidRow, match=r"preprocess\.sql refuses row 2: `size`: it divides by zero"):
        twin.transform({"colour": ["green", "red", "red"], "millimetres": [0, 1, 0]})


def test_rows_that_the_where_drops_are_told_and_not_computed() -> None:
    twin = of("SELECT colour, 10 / millimetres AS size FROM source WHERE millimetres <> 0")
    found = twin.answer({"colour": ["red", "red", "blue"], "millimetres": [0, 10, None]})
    assert (found.frame.rows.tolist(), found.left_out) == ([1], (0, 2))


def test_pyfunc_answers_every_row_and_says_why_one_has_no_prediction() -> None:
    function = RawFunction(of(f"{SIZED} WHERE millimetres > 0"))
    rows = pd.DataFrame({"colour": ["blue", "red", "blue"], "millimetres": [10, 0, None]}, index=[5, 7, 9])
    assert function.predict(rows).to_dict("index") == {
        5: {"prediction": 11.5, "left_out": None},
        7: {"prediction": None, "left_out": "WHERE millimetres > 0"},
        9: {"prediction": None, "left_out": "WHERE millimetres > 0"},
    }
    assert list(RawFunction(of(SIZED)).predict(rows).columns) == ["prediction"]


def test_it_is_stored_and_loaded_with_its_digest(tmp_path: Path) -> None:
    described = replace(DESCRIBED, preparation=compiled(f"{SIZED} WHERE colour IN ('red', 'blue')"))
    description.save(described, tmp_path / "twin")
    assert description.load(tmp_path / "twin").preparation == described.preparation
    rows = pd.DataFrame({"colour": ["blue"], "millimetres": [10]})
    assert _load_pyfunc(str(tmp_path / "twin")).predict(rows)["prediction"].tolist() == [11.5]
    told = json.loads((tmp_path / "twin/twin.json").read_text())
    assert (told["format"], told["preparation"]["condition"]) == (2, "colour IN ('red', 'blue')")


def test_a_twin_of_format_1_takes_features_alone(tmp_path: Path) -> None:
    import hashlib

    folder = tmp_path / "twin"
    description.save(DESCRIBED, folder)
    told = json.loads((folder / "twin.json").read_text())
    del told["preparation"]
    (folder / "twin.json").write_text(json.dumps({**told, "format": 1}))
    names = ("twin.json", "arrays.npz")
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))
    assert Twin.load(folder).preparation is None
    with pytest.raises(TwinError, match="the twin takes the columns after preprocess, not raw ones"):
        RawTwin.load(folder)


def test_an_operation_of_a_later_version_is_refused_when_it_is_loaded() -> None:
    made = compiled(SIZED)
    size = replace(made.columns["size"], op="of_tomorrow")
    later = replace(made, columns={**made.columns, "size": size})
    with pytest.raises(TwinError, match="there is no evaluator for the operation of_tomorrow"):
        RawRows(later, INPUTS)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("date", "1970-01-02", 1),
        ("date", dt.date(1969, 12, 31), -1),
        ("date", pd.Timestamp("2000-03-01"), 11_017),
        ("timestamp", "1970-01-01T00:00:01Z", 1_000_000),
        ("timestamp", "1970-01-01T01:00:00+01:00", 0),
        ("timestamp", "1970-01-01 00:00:00.000001", 1),
        ("timestamp", np.datetime64("1970-01-01T00:00:01"), 1_000_000),
        ("decimal(8,2)", "12.5", 1250),
        ("decimal(8,2)", 12.34, 1234),
        ("decimal(8,2)", -3, -300),
        ("decimal(8,2)", Decimal("0.05"), 5),
        ("decimal(8,2)", None, None),
    ],
)
def test_dates_moments_and_decimals_are_read(kind: str, value: Any, expected: int | None) -> None:
    assert raw_column("a", kind, [value]).to_list() == [expected]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "1970-02-30"),
        ("date", "1970"),
        ("date", 3),
        ("date", "1970-01-01T00:00:00"),
        ("timestamp", "tomorrow"),
        ("timestamp", 3),
        ("decimal(8,2)", "12.345"),
        ("decimal(8,2)", 1_000_000),
        ("decimal(8,2)", "NaN"),
        ("decimal(8,2)", True),
        ("decimal(8,2)", "much"),
    ],
)
def test_what_is_no_date_moment_or_decimal_is_refused_by_column_and_row(kind: str, value: Any) -> None:
    with pytest.raises(BadInput, match=r"column 'a', row 1: expected "):
        raw_column("a", kind, [None, value])


def test_nothing_is_parsed_for_a_request() -> None:
    import sys

    twin = of(f"{SIZED} WHERE colour LIKE 'r%'")
    calls: list[str] = []
    sys.setprofile(
        lambda frame, event, _: calls.append(frame.f_code.co_filename) if event == "call" else None
    )
    try:
        twin.transform({"colour": ["red"], "millimetres": [10]})
    finally:
        sys.setprofile(None)
    assert calls
    assert [
        name for name in calls if "sqlglot" in name or name.endswith(("sre_parse.py", "_parser.py"))
    ] == []
