"""A twin that takes raw rows: it computes the SQL of preprocess, as far as the pipeline needs it."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vintage.twin.columns import NUMBERS, TYPES, Array, Column, Frame, column_of
from vintage.twin.description import Input, Preparation
from vintage.twin.errors import BadInput, InvalidRow, TwinError
from vintage.twin.evaluator import Answered, Twin, read_frame
from vintage.twin.sql import Evaluate, RowError, prepared
from vintage.twin.sql.calendar import DAY, SECOND, days_of_text
from vintage.twin.sql.expression import decimal_of, scale_of
from vintage.twin.sql.numbers import within

PREPROCESS: Final = "preprocess.sql"
"""Named in the place of a stage that refuses a row."""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class RawRows:
    """What makes the columns that a pipeline reads of raw rows.

    Args:
        preparation: what the compiler made of the SQL.
        inputs: the columns that the pipeline reads.
    """

    def __init__(self, preparation: Preparation, inputs: Sequence[Input]) -> None:
        self.inputs = preparation.inputs
        self.condition = preparation.condition
        self._columns = {each.name: (preparation.columns[each.name], each.type) for each in inputs}
        computed = [each for each, _ in self._columns.values() if each.op != "column"]
        where = preparation.where
        read = {name for each in (*computed, *([where] if where else ())) for name in each.columns}
        self._read = [each for each in self.inputs if each.name in read]
        places = {each.name: place for place, each in enumerate(self._read)}
        self._where = None if where is None else prepared(where, places)
        self._computed = {
            name: (prepared(node, places), _column_maker(kind))
            for name, (node, kind) in self._columns.items()
            if node.op != "column"
        }

    def frame(self, columns: Mapping[str, Sequence[Any] | Array]) -> Frame:
        """Read raw columns.

        Raises:
            BadInput: one is missing, of another length, or holds a value of another type.
        """
        return read_frame(self.inputs, columns, raw_column)

    def features(self, given: Frame) -> Frame:
        """Return what the pipeline reads, of the rows that the WHERE keeps.

        Raises:
            InvalidRow: Spark raises on a row: an overflow, a text that is no number.
        """
        rows = list(zip(*(given[each.name].to_list() for each in self._read), strict=True))
        rows = rows or [()] * len(given.rows)
        if self._where is not None:
            kept = np.fromiter(
                (value is True for value in self._each("WHERE", self._where, rows, given.rows)),
                dtype=bool,
                count=len(rows),
            )
            given = given.keep(kept)
            rows = [row for row, keep in zip(rows, kept, strict=True) if keep]
        made: dict[str, Column] = {}
        for name, (node, _) in self._columns.items():
            if name in self._computed:
                evaluate, column = self._computed[name]
                made[name] = column(list(self._each(f"`{name}`", evaluate, rows, given.rows)))
            else:
                made[name] = given[str(node.value)]
        return Frame(made, given.rows)

    @staticmethod
    def _each(
        what: str, evaluate: Evaluate, rows: Sequence[tuple[Any, ...]], numbers: Array
    ) -> Iterator[Any]:
        for place, row in enumerate(rows):
            try:
                yield evaluate(row)
            except RowError as error:
                raise InvalidRow(PREPROCESS, int(numbers[place]), f"{what}: {error}") from error


def _column_maker(kind: str) -> Callable[[list[Any]], Column]:
    """Return what makes a column of values that are of its type by how they were computed."""
    dtype = NUMBERS.get(kind)

    def make(values: list[Any]) -> Column:
        null = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
        if dtype is not None:
            return Column(np.array([value or 0 for value in values], dtype=dtype), null)
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return Column(made, null)

    return make


class RawTwin:
    """A twin that takes raw rows; else it is used like a Twin.

    Args:
        twin: a twin with a preparation.

    Raises:
        TwinError: it has none.
    """

    def __init__(self, twin: Twin) -> None:
        if twin.preparation is None:
            raise TwinError("the twin takes the columns after preprocess, not raw ones")
        self.twin = twin
        self.raw = RawRows(twin.preparation, twin.inputs)

    @classmethod
    def load(cls, folder: Path) -> RawTwin:
        """Read a twin; see `Twin.load`."""
        return cls(Twin.load(folder))

    @property
    def inputs(self) -> Sequence[Input]:
        """The raw columns that it reads."""
        return self.raw.inputs

    @property
    def outputs(self) -> Sequence[str]:
        """The columns that answer."""
        return self.twin.outputs

    @property
    def condition(self) -> str:
        """The WHERE of the SQL, without which a row is not answered; empty where there is none."""
        return self.raw.condition

    def transform(self, columns: Mapping[str, Sequence[Any] | Array]) -> Frame:
        """Evaluate a batch of raw rows; see `Twin.transform`.

        Raises:
            BadInput: a column is missing, of another length, or holds a value of another type.
            InvalidRow: Spark raises on a row in the SQL, or a stage refuses it.
        """
        return self.answer(columns).frame

    def answer(self, columns: Mapping[str, Sequence[Any] | Array]) -> Answered:
        """Evaluate as `transform` does, and say which rows the WHERE did not keep."""
        given = self.raw.frame(columns)
        kept = self.raw.features(given)
        left_out = np.setdiff1d(given.rows, kept.rows).tolist() if self.condition else []
        return Answered(self.twin.evaluate(kept), tuple(left_out), self.condition)


def is_raw(kind: str) -> bool:
    """Return whether raw rows may have a column of a type."""
    return kind in TYPES or kind in _READERS or decimal_of(kind) is not None


def raw_column(name: str, kind: str, values: Sequence[Any] | Array) -> Column:
    """Read a raw column: `columns.column_of`, and dates, timestamps and decimals beside.

    Raises:
        BadInput: a value is not of the type.
    """
    if kind in TYPES:
        return column_of(name, kind, values)
    read = _READERS.get(kind) or _decimal_reader(kind)
    made = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):
        try:
            made[number] = None if value is None else read(value)
        except (ValueError, TypeError, ArithmeticError, RowError) as error:
            told = f"column {name!r}, row {number}: expected {kind}, found {type(value).__name__}"
            raise BadInput(f"{told} that is none, or {_WRITTEN.get(kind, 'has other digits')}") from error
    return Column(made, np.fromiter((each is None for each in made), dtype=bool, count=len(made)))


_WRITTEN: Final = {"date": "is not written 2013-02-28", "timestamp": "is not written 2013-02-28T05:00:00Z"}


def _date(value: Any) -> int:
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None or value.time() != dt.time():
            raise ValueError
        value = value.date()
    if isinstance(value, dt.date):
        return int((value - _EPOCH.date()).days)
    if len(value) != len("2013-02-28"):
        raise ValueError
    return days_of_text(value)


def _moment(value: Any) -> int:
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        raise TypeError
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    since: dt.timedelta = value - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


_READERS: Final[Mapping[str, Callable[[Any], int]]] = {"date": _date, "timestamp": _moment}


def _decimal_reader(kind: str) -> Callable[[Any], int]:
    check, scale = within(kind), scale_of(kind)

    def read(value: Any) -> int:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        digits = decimal.Decimal(repr(value) if isinstance(value, float) else value).scaleb(scale)
        if digits != digits.to_integral_value():
            raise ValueError
        return check(int(digits))

    return read
