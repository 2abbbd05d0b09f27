"""Holds a twin against what Spark made of the same rows, as it is stored in Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.twin.columns import NUMBERS, VECTOR, Array, Column, Frame, column_of, dense_vector
from vintage.twin.errors import InvalidRow, TwinError
from vintage.twin.evaluator import Twin

if TYPE_CHECKING:
    import pyarrow as pa

RELATIVE: Final = 1e-9
"""How far a number may be from Spark's, relative to the largest of its vector: Spark's BLAS adds in lanes."""
_ROWS_AT_ONCE: Final = 16384


@dataclass(frozen=True, slots=True)
class Parity:
    """How like Spark's answers a twin's are.

    Attributes:
        rows: how many were compared.
        columns: what was compared of them.
        apart: how far the farthest number is from Spark's, relative to the largest of its vector.
        differs: what is not the same, of the first row that differs; empty where all are.
        row: that row's number; None where all are the same, or no row is to blame.
    """

    rows: int
    columns: tuple[str, ...]
    apart: float = 0.0
    differs: str = ""
    row: int | None = None

    def __str__(self) -> str:
        if self.differs:
            return f"the twin differs from Spark: {self.differs}"
        how = "to the last bit" if self.apart == 0 else f"within {self.apart:.1e}"
        return f"the twin returns {self.rows} rows the same answers as Spark, {how}"


def parity_of(twin: Twin, files: Iterable[Path]) -> Parity:
    """Compare every row of some files, which hold what a pipeline read beside what Spark made of it.

    Args:
        twin: the pipeline's.
        files: Parquet. A column of the twin's outputs that a file lacks is not compared.

    Returns:
        Up to the first row that differs. A row that the twin refuses, or leaves out, differs: Spark did not.
    """
    return parity_of_tables(twin, _tables(files))


def parity_of_tables(twin: Twin, tables: Iterable[pa.Table]) -> Parity:
    """Compare every row of some tables; see `parity_of`."""
    rows, apart, columns = 0, 0.0, tuple[str, ...]()
    for table in tables:
        columns = tuple(name for name in twin.outputs if name in table.column_names)
        found = _compared(twin, table, columns, rows)
        rows, apart = rows + found.rows, max(apart, found.apart)
        if found.differs:
            return Parity(rows, columns, apart, found.differs, found.row)
    return Parity(rows, columns, apart)


def beside(given: Path, made: Path, number: str) -> pa.Table:
    """Return what a pipeline read beside what it made of it, where both are in folders of their own.

    Args:
        given: folder of Parquet.
        made: folder of Parquet; it may lack rows that the pipeline left out.
        number: column of both, by which rows belong together.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    there, answers = (
        pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])
        for folder in (given, made)
    )
    place = {row: index for index, row in enumerate(there[number].to_pylist())}
    rows = there.take([place[row] for row in answers[number].to_pylist()]).drop_columns([number])
    for name in answers.column_names:
        rows = rows.append_column(name, answers[name])
    return rows.combine_chunks()


def row_of(files: Iterable[Path], row: int) -> pa.Table:
    """Return one row of some files, counted from the first file on."""
    for table in _tables(files):
        if row < table.num_rows:
            return table.slice(row, 1)
        row -= table.num_rows
    raise IndexError(row)


def first_stage_apart(twin: Twin, table: pa.Table) -> str:
    """Return the class of the first stage that makes something else than Spark's; empty where none is found.

    Args:
        twin: the pipeline's.
        table: some rows, with all columns that Spark made of them.
    """
    before = _given(twin, table, 0)
    made: dict[str, tuple[str, Column]] = {}
    kind = ""
    try:
        for kind, after in twin.by_stage(before):
            if len(after.rows) != len(before.rows):
                return kind
            changed = [
                name for name, column in after.columns.items() if before.columns.get(name) is not column
            ]
            for name in changed:
                # A later stage may make a column of the same name again: Spark's is the last.
                made.pop(name, None)
                made[name] = kind, after[name]
            before = after
    except InvalidRow as error:
        return error.stage
    for name, (maker, column) in made.items():
        if name in table.column_names and (_distance(_expected(table[name]), column) > RELATIVE).any():
            return maker
    return ""


def _tables(files: Iterable[Path]) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield pa.Table.from_batches([batch]).combine_chunks()


def _given(twin: Twin, table: pa.Table, start: int) -> Frame:
    given = {each.name: arrow_column(each.name, each.type, table[each.name]) for each in twin.inputs}
    return Frame(given, np.arange(start, start + table.num_rows))


def _compared(twin: Twin, table: pa.Table, columns: tuple[str, ...], start: int) -> Parity:
    count = table.num_rows
    try:
        made = twin.evaluate(_given(twin, table, start))
    except InvalidRow as error:
        return Parity(count, columns, differs=str(error), row=error.row)
    except (KeyError, TwinError) as error:
        return Parity(count, columns, differs=str(error))
    if len(made.rows) != count:
        gone = int(np.setdiff1d(np.arange(start, start + count), made.rows)[0])
        return Parity(count, columns, differs=f"it leaves out row {gone}", row=gone)
    distances = {name: _distance(_expected(table[name]), made[name]) for name in columns}
    firsts = [
        (int(np.argmax(far > RELATIVE)), name) for name, far in distances.items() if (far > RELATIVE).any()
    ]
    if firsts:
        row, name = min(firsts)
        there, ours = table[name][row].as_py(), made[name].keep(np.array([row])).to_list()[0]
        told = f"`{name}` of row {start + row} is {ours}, Spark's is {_short(there)}"
        return Parity(count, columns, differs=told, row=start + row)
    return Parity(
        count, columns, max((float(each.max(initial=0.0)) for each in distances.values()), default=0.0)
    )


def _short(value: Any) -> Any:
    return dense_vector(value).tolist() if isinstance(value, dict) else value


def _distance(expected: Column, found: Column) -> Array:
    """Of each row how far it is from Spark's: 0 the same, infinity another one; (n,)."""
    if expected.values.shape != found.values.shape:
        return np.full(len(expected.values), np.inf)
    one_null = expected.null != found.null
    if object in {expected.values.dtype, found.values.dtype}:
        pairs = zip(expected.to_list(), found.to_list(), strict=True)
        return np.where(np.array([a == b for a, b in pairs], dtype=bool), 0.0, np.inf)
    a, b = (each.values.reshape(len(each.values), -1).astype(np.float64) for each in (expected, found))
    same = (a == b) | (np.isnan(a) & np.isnan(b)) | expected.null[:, None]
    with np.errstate(all="ignore"):
        size = np.max(np.where(np.isfinite(a), np.abs(a), 0.0), axis=1, initial=0.0)[:, None]
        apart = np.where(same, 0.0, np.abs(a - b) / size)
    farthest: Array = np.max(np.where(np.isnan(apart), np.inf, apart), axis=1, initial=0.0)
    return np.where(one_null, np.inf, farthest)


def _expected(column: pa.ChunkedArray) -> Column:
    """Return what Spark made: numbers, vectors, or anything else as Python's own."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind) and "values" in {field.name for field in kind}:
        return arrow_column("", VECTOR, column)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _numbers(column)
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    return Column(values, column.is_null().to_numpy())


def arrow_column(name: str, kind: str, column: pa.ChunkedArray) -> Column:
    """Return a column of Arrow's as a twin takes it."""
    if kind in NUMBERS:
        found = _numbers(column)
        return Column(found.values.astype(NUMBERS[kind], copy=False), found.null)
    return column_of(name, kind, column.to_pylist())


def _numbers(column: pa.ChunkedArray) -> Column:
    import pyarrow as pa

    zero = pa.scalar(False if pa.types.is_boolean(column.type) else 0, column.type)
    return Column(column.fill_null(zero).to_numpy(), column.is_null().to_numpy())
