"""Columns of a batch: arrays of numpy, and which of their values are null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from vintage.twin.errors import BadInput, InvalidRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = npt.NDArray[Any]

NUMBERS: Final[Mapping[str, type[np.generic]]] = {
    "boolean": np.bool_,
    "tinyint": np.int8,
    "smallint": np.int16,
    "int": np.int32,
    "bigint": np.int64,
    "float": np.float32,
    "double": np.float64,
}
"""Spark's types of numbers, as its DDL names them, and numpy's."""
OBJECTS: Final[Mapping[str, type]] = {"string": str, "array<string>": list}
VECTOR: Final = "vector"
MOST_SLOTS: Final = 1 << 26
"""Of a batch's vectors in all, which are dense: 512 MiB of doubles."""
TYPES: Final = frozenset({*NUMBERS, *OBJECTS, VECTOR})
"""The types that a twin takes as input."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a batch of n rows.

    Attributes:
        values: (n,) numbers, strings or lists; (n, d) vectors of d slots; anything where it is null.
        null: (n,) whether a row has no value.
    """

    values: Array
    null: Array

    @classmethod
    def full(cls, values: Array) -> Column:
        """Return a column without nulls."""
        return cls(values, np.zeros(len(values), dtype=bool))

    def keep(self, rows: Array) -> Column:
        """Return the rows that a mask, or their numbers, choose."""
        return Column(self.values[rows], self.null[rows])

    def to_list(self) -> list[Any]:
        """Return the values as Python's own, None for a null."""
        return [None if null else value for value, null in zip(self.values.tolist(), self.null, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Columns of equal length, and which of the given rows they still hold: a stage may leave some out.

    Attributes:
        columns: name → column.
        rows: (n,) each row's number in what was given.
    """

    columns: Mapping[str, Column]
    rows: Array

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise BadInput(f"there is no column {name!r}, but {', '.join(self.columns)}")
        return self.columns[name]

    def numbers(self, name: str) -> Column:
        """Return a column of numbers as doubles."""
        column = self[name]
        if column.values.dtype == np.float64:
            return column
        if column.values.dtype == object:
            raise BadInput(f"column {name!r} holds no numbers")
        return Column(column.values.astype(np.float64, copy=False), column.null)

    def vectors(self, name: str, stage: str) -> Array:
        """Return a column of vectors, (n, d).

        Raises:
            InvalidRow: one is null, which Spark's stages do not take.
        """
        column = self[name]
        if column.values.ndim != 2:  # noqa: PLR2004 - rows by slots
            raise BadInput(f"column {name!r} holds no vectors")
        self.require(~column.null, stage, f"column {name!r} is null")
        return column.values

    def with_columns(self, columns: Mapping[str, Column]) -> Frame:
        """Return the frame with further columns, or with others of the same names."""
        return Frame({**self.columns, **columns}, self.rows)

    def keep(self, rows: Array) -> Frame:
        """Return the rows that a mask chooses."""
        if rows.all():
            return self
        return Frame({name: column.keep(rows) for name, column in self.columns.items()}, self.rows[rows])

    def require(self, valid: Array, stage: str, reason: str) -> None:
        """Raise InvalidRow for the first row that is not valid."""
        if not valid.all():
            raise InvalidRow(stage, int(self.rows[np.argmin(valid)]), reason)


def column_of(name: str, kind: str, values: Sequence[Any] | Array) -> Column:
    """Read a column.

    Args:
        name: for the error.
        kind: Spark's type, one of TYPES.
        values: one a row, None for a null; a vector as numbers, or as `{"size", "indices", "values"}`.

    Raises:
        BadInput: a value is not of the type.
    """
    if kind in NUMBERS:
        return _numbers(name, kind, values)
    null = _nulls(values)
    if kind == VECTOR:
        return Column(_vectors(name, values, null), null)
    made = np.empty(len(values), dtype=object)
    if kind == "string" and _TEXTS.issuperset(map(type, values)):
        made[:] = values
        return Column(made, null)
    for number, value in enumerate(values):
        if isinstance(value, np.ndarray | tuple):
            value = list(value)  # noqa: PLW2901 - as Arrow and pandas hand out lists
        if value is not None and not isinstance(value, OBJECTS[kind]):
            raise BadInput(f"column {name!r}, row {number}: expected {kind}, found {type(value).__name__}")
        made[number] = value
    return Column(made, null)


_DOUBLES: Final = frozenset({float})
_TEXTS: Final = frozenset({str, type(None)})
"""Types of what need not be looked at value by value."""


def _nulls(values: Sequence[Any] | Array) -> Array:
    return np.fromiter((value is None for value in values), dtype=bool, count=len(values))


def _numbers(name: str, kind: str, values: Sequence[Any] | Array) -> Column:
    dtype = NUMBERS[kind]
    if isinstance(values, np.ndarray) and values.dtype == dtype:
        return Column.full(values)
    if kind == "double" and _DOUBLES.issuperset(map(type, values)):
        return Column.full(np.array(values, dtype=np.float64))
    null = _nulls(values)
    filled = [0 if value is None else value for value in values]
    allowed = _ALLOWED[np.dtype(dtype).kind]
    for number, value in enumerate(filled):
        if null[number]:
            continue
        # A boolean is an int to Python, and no number to Spark.
        if isinstance(value, bool | np.bool_) != (kind == "boolean") or not isinstance(value, allowed):
            raise BadInput(f"column {name!r}, row {number}: expected {kind}, found {type(value).__name__}")
    try:
        return Column(np.array(filled, dtype=dtype), null)
    except OverflowError as error:
        raise BadInput(f"column {name!r} holds a number that is no {kind}") from error


_ALLOWED: Final[Mapping[str, tuple[type, ...]]] = {
    "b": (bool, np.bool_),
    "i": (int, np.integer),
    "f": (int, float, np.integer, np.floating),
}
"""Kind of numpy's type → what may stand for its values: an integer may stand for a double."""


def _vectors(name: str, values: Sequence[Any] | Array, null: Array) -> Array:
    given = [(number, value) for number, value in enumerate(values) if not null[number]]
    widths = {_width(name, *each) for each in given}
    if len(widths) > 1:
        raise BadInput(f"column {name!r}: expected vectors of one size, found {sorted(widths)}")
    width = widths.pop() if widths else 0
    if width * len(values) > MOST_SLOTS:
        raise BadInput(f"column {name!r}: {len(values)} vectors of {width} slots are too many at once")
    made = np.zeros((len(values), width))
    for number, value in given:
        if isinstance(value, list) and None in value:
            raise BadInput(f"column {name!r}, row {number}: expected a vector without nulls")
        try:
            made[number] = dense_vector(value)
        except (TypeError, ValueError, LookupError) as error:
            raise BadInput(f"column {name!r}, row {number}: expected a vector of numbers") from error
    return made


def _width(name: str, number: int, value: Any) -> int:
    """Return how many slots a vector has, before room is made for them."""
    values = value.get("values") if isinstance(value, dict) else value
    size = None
    if isinstance(value, dict) and value.get("indices") is not None:
        size = value.get("size")
    elif isinstance(values, list | tuple | np.ndarray):
        size = len(values)
    if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 0:
        raise BadInput(f"column {name!r}, row {number}: expected a vector, found {type(value).__name__}")
    return int(size)


def dense_vector(value: Any) -> Array:
    """Return a vector of which perhaps only some slots are given."""
    if not (isinstance(value, dict) and value.get("indices") is not None):
        return np.asarray(value["values"] if isinstance(value, dict) else value, dtype=np.float64)
    made = np.zeros(value["size"])
    made[np.asarray(value["indices"], dtype=np.int64)] = value["values"]
    return made
