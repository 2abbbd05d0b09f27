"""What a twin takes as input, and what it refuses by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from vintage.twin import BadInput, Description, Input, InvalidRow, Stage, Twin
from vintage.twin.columns import column_of

ASSEMBLER = Stage("VectorAssembler", {"inputCols": ["x", "n"], "outputCol": "both", "handleInvalid": "error"})
TWIN = Twin(Description("4.1.4", (Input("x", "double"), Input("n", "int")), (ASSEMBLER,)))


def test_integers_may_stand_for_doubles() -> None:
    assert TWIN.transform({"x": [1, 2.5], "n": [3, 4]})["both"].to_list() == [[1.0, 3.0], [2.5, 4.0]]


def test_no_rows_are_no_rows() -> None:
    assert TWIN.transform({"x": [], "n": []})["both"].to_list() == []


def test_columns_beside_are_left_alone() -> None:
    assert set(TWIN.transform({"x": [1.0], "n": [1], "other": ["?"]}).columns) == {"x", "n", "both"}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"x": [1.0]}, "expected columns n, found x"),
        ({}, "expected columns x, n, found none"),
        ({"x": [1.0, 2.0], "n": [1]}, "one length"),
        ({"x": ["1.0"], "n": [1]}, "'x', row 0: expected double, found str"),
        ({"x": [True], "n": [1]}, "'x', row 0: expected double, found bool"),
        ({"x": [1.0], "n": [1.0]}, "'n', row 0: expected int, found float"),
        ({"x": [1.0, 1.0], "n": [1, 2**31]}, "'n' holds a number that is no int"),
        ({"x": [[1.0]], "n": [1]}, "'x', row 0: expected double, found list"),
    ],
)
def test_what_is_not_of_its_type_is_refused_by_name(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told.replace("(", r"\(")):
        TWIN.transform(columns)


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_refused_row_is_named(value: float | None) -> None:
    with pytest.raises(InvalidRow) as refused:
        TWIN.transform({"x": [1.0, 2.0, value], "n": [1, 2, 3]})
    assert (refused.value.stage, refused.value.row) == ("VectorAssembler", 2)


def test_many_rows_are_as_each_alone() -> None:
    count = 5000
    frame = TWIN.transform({"x": np.arange(count) / 7, "n": np.arange(count, dtype=np.int32)})
    assert frame["both"].values.shape == (count, 2)
    assert frame.rows.tolist() == list(range(count))
    assert frame["both"].values[4321].tolist() == [4321 / 7, 4321.0]


def test_vectors_may_be_sparse() -> None:
    values = [[1.0, 0.0, 2.0], {"size": 3, "indices": [1], "values": [5.0]}, None]
    column = column_of("v", "vector", values)
    assert column.to_list() == [[1.0, 0.0, 2.0], [0.0, 5.0, 0.0], None]
    with pytest.raises(BadInput, match="one size"):
        column_of("v", "vector", [[1.0], [1.0, 2.0]])


def test_vectors_may_come_as_pandas_reads_them_from_parquet() -> None:
    given = {"type": 1, "size": None, "indices": None, "values": np.array([1.0, 2.0])}
    assert column_of("v", "vector", [given, None]).to_list() == [[1.0, 2.0], None]


@pytest.mark.parametrize("values", [5, "1,2", None])
def test_a_vector_without_values_is_refused(values: object) -> None:
    with pytest.raises(BadInput, match="row 0: expected a vector, found dict"):
        column_of("v", "vector", [{"values": values}])
