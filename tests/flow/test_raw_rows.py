"""Raw rows are held against stored features: every row, in any order, to the last bit; without a JVM."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.twin.test_pyfunc import DESCRIBED
from vintage.flow.raw_rows import holdout_raw_parity
from vintage.ml.row_sql import compile_query
from vintage.twin import Input, description
from vintage.twin.description import Preparation
from vintage.twin.raw_parity import digests_of, first_rows

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.date(2024, 3, 1)
COLOURS = ["red", "blue", None, "red", "red"]
MILLIMETRES = [10, None, 25, 0, 10]
SIZES = [1.0, None, 2.5, 0.0, 1.0]


def artifact(folder: Path, **columns: list[Any]) -> Any:
    folder.mkdir()
    table = pa.table(columns)
    # In two files, as Spark may write them.
    for number, part in enumerate((table.slice(0, 2), table.slice(2))):
        pq.write_table(part, folder / f"part-{number}.parquet")
    return SimpleNamespace(data=folder, row_count=table.num_rows)


def parity(tmp_path: Path, sql: str, colours: list[Any], sizes: list[Any]) -> tuple[int, str]:
    raw = {"colour": "string", "millimetres": "int"}
    made = compile_query(sql, raw, {"colour": "string", "size": "double"})
    assert isinstance(made, Preparation)
    model = tmp_path / "model"
    description.save(replace(DESCRIBED, preparation=made), model / "model" / "twin")
    millimetres = pa.array(MILLIMETRES, pa.int32())
    snapshot = artifact(tmp_path / "raw", colour=COLOURS, millimetres=millimetres)
    features = artifact(tmp_path / "features", size=sizes, colour=colours)
    found = holdout_raw_parity(SimpleNamespace(data=model), {DAY: {"source": snapshot}}, {DAY: features})  # type: ignore[arg-type]
    assert found is not None
    return found.rows, found.differs


SIZED = "SELECT colour, millimetres / 10 AS size FROM source"


def test_the_same_rows_in_another_order_are_the_same(tmp_path: Path) -> None:
    assert parity(tmp_path, SIZED, COLOURS[::-1], SIZES[::-1]) == (5, "")


def test_a_where_that_keeps_what_spark_kept_is_the_same(tmp_path: Path) -> None:
    assert parity(tmp_path, f"{SIZED} WHERE millimetres > 0", ["red", None, "red"], [1.0, 2.5, 1.0]) == (
        5,
        "",
    )


@pytest.mark.parametrize(
    ("colours", "sizes", "expected"),
    [
        (COLOURS, [1.0, None, 2.5, -0.0, 1.0], "on 2024-03-01 `size` of kept row 3 is 0.0, Spark's is -0.0"),
        (COLOURS, [1.0, 0.0, 2.5, 0.0, 1.0], "on 2024-03-01 `size` of kept row 1 is None, Spark's is 0.0"),
        (["red", "blue", "blue", "red", "red"], SIZES, "`colour` of kept row 2 is None, Spark's is 'blue'"),
        (COLOURS[:4], SIZES[:4], "kept row 0 of the SQL occurs more often than among the stored features"),
        ([*COLOURS, "red"], [*SIZES, 1.0], "the SQL keeps 5 rows, and Spark kept 6"),
    ],
)
def test_the_first_row_that_differs_is_told_with_its_column(
    tmp_path: Path, colours: list[Any], sizes: list[Any], expected: str
) -> None:
    rows, told = parity(tmp_path, SIZED, colours, sizes)
    assert rows == 5
    assert told.endswith(expected)


def test_a_row_on_which_the_sql_raises_differs(tmp_path: Path) -> None:
    _, told = parity(tmp_path, "SELECT colour, 10 / millimetres AS size FROM source", COLOURS, SIZES)
    assert told == "on 2024-03-01 preprocess.sql refuses row 3: `size`: it divides by zero"


def test_a_snapshot_that_is_gone_leaves_the_model_to_features(tmp_path: Path) -> None:
    made = compile_query(
        SIZED, {"colour": "string", "millimetres": "int"}, {"colour": "string", "size": "double"}
    )
    assert isinstance(made, Preparation)
    description.save(replace(DESCRIBED, preparation=made), tmp_path / "model" / "twin")
    features = artifact(tmp_path / "features", size=SIZES, colour=COLOURS)
    found = holdout_raw_parity(SimpleNamespace(data=tmp_path), {}, {DAY: features})  # type: ignore[arg-type]
    assert found is not None
    assert found.differs == "the snapshot of 2024-03-01 is not in the store"


def test_dates_moments_decimals_and_vectors_are_read_from_parquet(tmp_path: Path) -> None:
    early = dt.datetime(1, 1, 1, 5, tzinfo=dt.UTC)
    vector = {"type": 0, "size": 3, "indices": [1], "values": [2.0]}
    kinds = {"day": "date", "at": "timestamp", "price": "decimal(8,2)", "features": "vector"}
    table = pa.table(
        {
            "day": pa.array([dt.date(2013, 2, 28), None]),
            "at": pa.array([early, None], pa.timestamp("us", "UTC")),
            "price": pa.array([Decimal("12.50"), None], pa.decimal128(8, 2)),
            "features": [
                vector,
                {**vector, "type": 1, "values": [1.0, 2.0, 3.0], "indices": None, "size": None},
            ],
        }
    )
    inputs = [Input(name, kind) for name, kind in kinds.items()]
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    rows = [row for _, row in digests_of([tmp_path / "a.parquet"], inputs)]
    assert rows == [
        (15_764, -62_135_578_800_000_000, 1250, [0.0, 2.0, 0.0]),
        (None, None, None, [1.0, 2.0, 3.0]),
    ]
    assert first_rows([tmp_path / "a.parquet"], inputs, 1) == {
        "day": ["2013-02-28"],
        "at": ["0001-01-01T05:00:00Z"],
        "price": ["12.50"],
        "features": [[0.0, 2.0, 0.0]],
    }
