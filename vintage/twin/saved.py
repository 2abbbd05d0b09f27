"""What `pyspark.ml` writes of a fitted stage: metadata in JSON, data in Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.twin.columns import Array, dense_vector

if TYPE_CHECKING:
    import pyarrow as pa


_WEIGHTS: Final = frozenset({"coefficients", "coefficientMatrix"})
"""Of these a stage skips what a sparse one does not store: 0 times infinity, or NaN, is not added."""


def metadata(folder: Path) -> Mapping[str, Any]:
    """Return a saved stage's metadata."""
    [text] = [path for path in (folder / "metadata").glob("part-*") if not path.name.endswith(".crc")]
    found: Mapping[str, Any] = json.loads(text.read_text(encoding="utf-8"))
    return found


def params(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return every Param of a stage: its default, or what it is set to."""
    return {**found["defaultParamMap"], **found["paramMap"]}


def tables(folder: Path) -> dict[str, Any]:
    """Return the data of a saved stage, by column; a table beside `data` has its name before its columns'."""
    made: dict[str, Any] = {}
    for table in _folders_of_tables(folder):
        prefix = "" if table.name == "data" else f"{table.name}."
        for name, value in _columns(table):
            made[f"{prefix}{name}"] = value
    return made


def _folders_of_tables(folder: Path) -> Iterator[Path]:
    # A BisectingKMeansModel keeps its table one folder deeper.
    for path in (*sorted(folder.iterdir()), folder / "data" / "data"):
        if any(path.glob("*.parquet")):
            yield path


def _columns(folder: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])
    for name in table.column_names:
        yield from _flattened(name, table[name].combine_chunks())


def _flattened(name: str, column: pa.Array) -> Iterator[tuple[str, Any]]:
    """Yield a column as arrays of numpy; a struct's fields by their names, but for vectors and matrices."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind) and "values" not in {field.name for field in kind}:
        for field in kind:
            yield from _flattened(f"{name}.{field.name}", column.field(field.name))
    elif _is_number(kind):
        yield name, column.to_numpy(zero_copy_only=False)
    elif pa.types.is_list(kind) and _is_number(kind.value_type):
        yield name, _lists(column)
    else:
        values = column.to_pylist()
        yield name, _stacked([_value(each) for each in values])
        if name in _WEIGHTS and all(map(_is_sparse, values)):
            yield (
                f"{name}.stored",
                np.stack([_value({**each, "values": np.ones(len(each["values"]))}) > 0 for each in values]),
            )


def _is_sparse(value: Mapping[str, Any]) -> bool:
    return value["colPtrs" if "numRows" in value else "indices"] is not None


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _lists(column: pa.ListArray) -> Any:
    """List of numbers: (n, d) where all have one length, else the numbers and where each list ends."""
    offsets = column.offsets.to_numpy()
    values = column.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    lengths = np.diff(offsets)
    if len(set(lengths.tolist())) == 1:
        return values.reshape(len(lengths), -1)
    return {"values": values, "offsets": offsets - offsets[0]}


def _value(value: Any) -> Any:
    """Return a value as Arrow hands it out: vectors and matrices as arrays, maps as pairs."""
    if isinstance(value, dict):
        return _matrix(value) if "numRows" in value else dense_vector(value)
    if isinstance(value, list):
        return _stacked([_value(each) for each in value])
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value


def _stacked(values: Sequence[Any]) -> Any:
    if values and all(isinstance(each, np.ndarray) for each in values):
        return np.stack(values)
    return values


def _matrix(value: Mapping[str, Any]) -> Array:
    """Return a matrix of Spark's, (rows, columns): dense, in compressed columns, or transposed."""
    rows, columns = value["numRows"], value["numCols"]
    if value["isTransposed"]:
        rows, columns = columns, rows
    made = np.zeros((rows, columns))
    if value["colPtrs"] is None:
        made[:] = np.reshape(value["values"], (columns, rows)).T
    else:
        column = np.repeat(np.arange(columns), np.diff(value["colPtrs"]))
        made[np.array(value["rowIndices"], dtype=np.int64), column] = value["values"]
    return made.T if value["isTransposed"] else made
