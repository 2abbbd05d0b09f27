"""Holds what is made of raw rows against what Spark made of them, as multisets: no row knows its other."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.twin.columns import TYPES, VECTOR, Column, Frame, dense_vector
from vintage.twin.description import Input
from vintage.twin.parity import arrow_column
from vintage.twin.raw import raw_column

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE: Final = 16384
_BYTES: Final = 16
Row = tuple[Any, ...]


@dataclass
class Digests:
    """How many rows there are, and the sum of their digests: the same for the same rows in any order.

    Attributes:
        count: of rows.
        total: of their digests, each a number of 128 bits.
    """

    count: int = 0
    total: int = 0

    def add(self, digest: bytes) -> None:
        """Count a row."""
        self.count += 1
        self.total = (self.total + int.from_bytes(digest)) % (1 << 8 * _BYTES)


def digests_of(
    files: Iterable[Path],
    inputs: Sequence[Input],
    made: Callable[[Frame], Frame] = lambda given: given,
    columns: Sequence[Input] | None = None,
) -> Iterator[tuple[bytes, Row]]:
    """Yield each row with its digest: by value, to the last bit.

    Args:
        files: Parquet.
        inputs: the columns to read.
        made: what is made of a batch of them.
        columns: those of what is made that count; the same as are read when left out.
    """
    start = 0
    for table in tables(files, [each.name for each in inputs]):
        read = {each.name: _column(each.name, each.type, table[each.name]) for each in inputs}
        frame = made(Frame(read, np.arange(start, start + table.num_rows)))
        start += table.num_rows
        names = [each.name for each in columns or inputs]
        for row in zip(*(frame[name].to_list() for name in names), strict=True):
            yield hashlib.blake2b(repr(row).encode(errors="surrogatepass"), digest_size=_BYTES).digest(), row


def closest(row: Row, others: Iterable[Row]) -> Row | None:
    """Return the row that has the most values of another; None where there are none."""
    return max(
        others,
        key=lambda other: sum(repr(a) == repr(b) for a, b in zip(row, other, strict=True)),
        default=None,
    )


def tables(files: Iterable[Path], names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of Parquet files, part by part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in files:
        # Nanoseconds, which Arrow would make of them, end in 2262.
        with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(names)):
                yield pa.Table.from_batches([batch]).combine_chunks()


def first_rows(files: Sequence[Path], inputs: Sequence[Input], count: int) -> dict[str, list[Any]]:
    """Return the first rows of Parquet files, as JSON has them: column → values."""
    found: dict[str, list[Any]] = {each.name: [] for each in inputs}
    for table in tables(files, list(found)):
        for name, values in found.items():
            values += [_of_json(value) for value in table[name].slice(0, count - len(values)).to_pylist()]
        if table.num_rows >= count:
            break
    return found


def _of_json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return dense_vector(value).tolist() if isinstance(value, dict) else value


def _column(name: str, kind: str, column: pa.ChunkedArray) -> Column:
    if kind == VECTOR or kind in TYPES:
        return arrow_column(name, kind, column)
    return raw_column(name, kind, column.to_pylist())
