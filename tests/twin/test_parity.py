"""A twin is held against what Spark stored: the same answers, or the first row that differs is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.twin.test_pyfunc import DESCRIBED, INDEXER
from vintage.twin import Twin
from vintage.twin.parity import beside, first_stage_apart, parity_of, row_of

if TYPE_CHECKING:
    from pathlib import Path

TWIN = Twin(
    replace(
        DESCRIBED,
        stages=(replace(INDEXER, params={**INDEXER.params, "handleInvalid": "keep"}), *DESCRIBED.stages[1:]),
    )
)
ROWS = {"colour": ["red", None, "blue"], "size": [1.0, 2.0, None], "prediction": [1.5, 22.5, 17.5]}


def stored(tmp_path: Path, **changed: list[Any]) -> list[Path]:
    """The rows in two files."""
    table = pa.table({**ROWS, **changed})
    pq.write_table(table.slice(0, 2), tmp_path / "0.parquet")
    pq.write_table(table.slice(2), tmp_path / "1.parquet")
    return [tmp_path / "0.parquet", tmp_path / "1.parquet"]


def test_the_same_answers_are_the_same(tmp_path: Path) -> None:
    found = parity_of(TWIN, stored(tmp_path))
    assert (found.rows, found.columns, found.apart, found.differs) == (3, ("prediction",), 0.0, "")
    assert str(found) == "the twin returns 3 rows the same answers as Spark, to the last bit"


def test_the_last_bits_may_differ_and_it_says_how_far(tmp_path: Path) -> None:
    found = parity_of(TWIN, stored(tmp_path, prediction=[1.5 * (1 + 1e-13), 22.5, 17.5]))
    assert not found.differs
    assert found.apart == pytest.approx(1e-13, rel=0.01)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"prediction": [1.5, 22.5, 17.6]}, "`prediction` of row 2 is 17.5, Spark's is 17.6"),
        ({"prediction": [1.5, None, 17.5]}, "`prediction` of row 1 is 22.5, Spark's is None"),
        ({"prediction": [1.5, float("nan"), 17.5]}, "`prediction` of row 1 is 22.5, Spark's is nan"),
        ({"colour": [1, 2, 3]}, "column 'colour', row 0: expected string, found int"),
    ],
)
def test_the_first_row_that_differs_is_named(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    assert parity_of(TWIN, stored(tmp_path, **changed)).differs == told


def test_a_row_that_only_the_twin_leaves_out_differs(tmp_path: Path) -> None:
    assert parity_of(Twin(DESCRIBED), stored(tmp_path)).differs == "it leaves out row 1"


def test_a_row_that_only_the_twin_refuses_differs(tmp_path: Path) -> None:
    strict = replace(INDEXER, params={**INDEXER.params, "handleInvalid": "error"})
    found = parity_of(Twin(replace(DESCRIBED, stages=(strict,))), stored(tmp_path))
    assert found.differs.startswith("StringIndexerModel refuses row 1")


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ({"filled": [9.0]}, "ImputerModel"),
        ({"features": [[1.0, 9.0]]}, "VectorAssembler"),
        ({"prediction": [9.0]}, "LinearRegressionModel"),
        ({}, ""),
    ],
)
def test_the_stage_from_which_a_row_differs_is_named(
    tmp_path: Path, changed: dict[str, Any], stage: str
) -> None:
    made = {"place": [1.0], "filled": [7.0], "features": [[1.0, 7.0]], "prediction": [17.5], **changed}
    table = row_of(stored(tmp_path), 2).drop_columns(["prediction"])
    for name, values in made.items():
        table = table.append_column(
            name, pa.array([{"values": each} for each in values] if name == "features" else values)
        )
    assert first_stage_apart(TWIN, table) == stage


def test_rows_and_answers_in_two_folders_are_laid_side_by_side(tmp_path: Path) -> None:
    for name, content in {
        "given": {"n": [7, 8, 9], "colour": ["red", "green", "blue"], "size": [1.0, 2.0, None]},
        "made": {"n": [9, 7], "prediction": [17.5, 1.5]},
    }.items():
        (tmp_path / name).mkdir()
        pq.write_table(pa.table(content), tmp_path / name / "part.parquet")
    rows = beside(tmp_path / "given", tmp_path / "made", "n")
    assert rows.select(["colour", "prediction"]).to_pydict() == {
        "colour": ["blue", "red"],
        "prediction": [17.5, 1.5],
    }
