"""A twin: evaluates a fitted pipeline with numpy alone, as Spark's `PipelineModel.transform` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vintage.twin.columns import Array, Column, Frame, column_of
from vintage.twin.description import Description, Input, Preparation, load
from vintage.twin.errors import BadInput
from vintage.twin.stages import in_turn, prepared

_SLOTS_AT_ONCE: Final = 1 << 22
"""Vectors are dense: what a batch of rows may hold in its widest column, 32 MiB of doubles."""
_ANSWERS: Final = (
    "predictionCol",
    "probabilityCol",
    "rawPredictionCol",
    "quantilesCol",
    "linkPredictionCol",
    "varianceCol",
    "leafCol",
)
"""Params that name what a model answers."""
_FIRST_ROWS: Final = 64
"""How many rows are evaluated before it is known how wide their vectors get."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the rows of a request.

    Attributes:
        frame: the answers.
        left_out: the numbers of the rows that the WHERE of the SQL does not keep, of raw rows.
        condition: that WHERE; empty where there is none.
    """

    frame: Frame
    left_out: tuple[int, ...] = ()
    condition: str = ""


class Twin:
    """A fitted pipeline without Spark.

    Args:
        description: what the compiler made of the saved pipeline, or `load` read.

    Raises:
        TwinError: it has a stage that this version has no evaluator for.
    """

    def __init__(self, description: Description) -> None:
        self._description = description
        with np.errstate(all="ignore"):
            self._stages = tuple((stage.kind, prepared(stage)) for stage in description.stages)
        self._evaluate = in_turn(evaluate for _, evaluate in self._stages)

    @classmethod
    def load(cls, folder: Path) -> Twin:
        """Read a twin.

        Raises:
            DamagedTwin: a byte of its files is not what was written.
            LaterFormat: a later version wrote it.
        """
        return cls(load(folder))

    @property
    def inputs(self) -> Sequence[Input]:
        """The columns that it reads."""
        return self._description.inputs

    @property
    def preparation(self) -> Preparation | None:
        """What makes the columns that it reads of a raw row; None where Spark alone does."""
        return self._description.preparation

    @property
    def outputs(self) -> Sequence[str]:
        """The columns that answer: those of its models, and of its last stage."""
        stages = self._description.stages
        named = [stage.params.get(param) for stage in stages for param in _ANSWERS]
        if stages and "outputCols" in stages[-1].params:
            named += stages[-1].params["outputCols"]
        elif stages:
            named.append(stages[-1].params.get("outputCol"))
        return tuple(dict.fromkeys(name for name in named if name))

    def transform(self, columns: Mapping[str, Sequence[Any] | Array]) -> Frame:
        """Evaluate a batch of rows; one row is a batch of one.

        Args:
            columns: name → a value a row, None for a null; those that no stage reads are not kept.

        Returns:
            The given columns and those that the stages add. It lacks rows that a stage leaves out, such as
            those of `handleInvalid: skip`: `rows` says which are there.

        Raises:
            BadInput: a column is missing, of another length, or holds a value of another type.
            InvalidRow: a stage refuses a row, as Spark's does.
        """
        return self.evaluate(read_frame(self.inputs, columns))

    def answer(self, columns: Mapping[str, Sequence[Any] | Array]) -> Answered:
        """Evaluate as `transform` does; of columns after preprocess no row is left out."""
        return Answered(self.transform(columns))

    def evaluate(self, given: Frame) -> Frame:
        """Evaluate columns that are of their types already; see `transform`."""
        with np.errstate(all="ignore"):
            return self._in_parts(given)

    def by_stage(self, given: Frame) -> Iterator[tuple[str, Frame]]:
        """Evaluate stage by stage; yields each stage's class, and the columns after it."""
        frame = given
        for kind, evaluate in self._stages:
            with np.errstate(all="ignore"):
                frame = evaluate(frame)
            yield kind, frame

    def _in_parts(self, given: Frame) -> Frame:
        count = len(given.rows)
        if count <= _FIRST_ROWS:
            return self._evaluate(given)
        first = self._evaluate(_between(given, 0, _FIRST_ROWS))
        widest = max((int(np.prod(each.values.shape[1:])) for each in first.columns.values()), default=1)
        at_once = max(1, _SLOTS_AT_ONCE // max(widest, 1))
        rest = [
            self._evaluate(_between(given, start, start + at_once))
            for start in range(_FIRST_ROWS, count, at_once)
        ]
        return _one_after_the_other([first, *rest])


def read_frame(
    inputs: Sequence[Input],
    columns: Mapping[str, Sequence[Any] | Array],
    read: Callable[[str, str, Sequence[Any] | Array], Column] = column_of,
) -> Frame:
    """Read columns.

    Args:
        inputs: those that are wanted.
        columns: name → a value a row, None for a null.
        read: reads one of a name and a type.

    Raises:
        BadInput: a column is missing, of another length, or holds a value of another type.
    """
    missing = [each.name for each in inputs if each.name not in columns]
    if missing:
        raise BadInput(f"expected columns {', '.join(missing)}, found {', '.join(columns) or 'none'}")
    lengths = {len(columns[each.name]) for each in inputs}
    if len(lengths) != 1:
        raise BadInput(f"expected columns of one length, found {sorted(lengths)}")
    found = {each.name: read(each.name, each.type, columns[each.name]) for each in inputs}
    return Frame(found, np.arange(lengths.pop()))


def _between(frame: Frame, start: int, end: int) -> Frame:
    part = slice(start, end)
    columns = {name: Column(column.values[part], column.null[part]) for name, column in frame.columns.items()}
    return Frame(columns, frame.rows[part])


def _one_after_the_other(parts: Sequence[Frame]) -> Frame:
    columns = {
        name: Column(
            np.concatenate([part.columns[name].values for part in parts]),
            np.concatenate([part.columns[name].null for part in parts]),
        )
        for name in parts[0].columns
    }
    return Frame(columns, np.concatenate([part.rows for part in parts]))
