"""Slices: the rows of a holdout by the value of a column, the leading values each and the others together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline

SLICES: Final = "__slices"
"""Column of a scored holdout: a struct of what it is sliced by, as text."""
LEADING: Final = 50
"""Values of a column that are measured one by one: those with the most rows."""

_NULL: Final = "\0null"


@dataclass(frozen=True)
class Sliced:
    """A column by which a holdout is sliced.

    Attributes:
        column: its name.
        values: the values that are measured one by one; None is null.
    """

    column: str
    values: tuple[str | None, ...]

    @property
    def code(self) -> Column:
        """1 + the place of a row's value among them; 0 for the others."""
        from pyspark.sql import functions as F

        known = F.array(*(F.lit(_NULL if value is None else value) for value in self.values))
        return F.array_position(known, _marked(self.column)).cast("int")

    def value_of(self, code: int) -> str | None:
        """Return the value that has a code; None as well for the others."""
        return self.values[code - 1] if code else None


def slice_columns(pipeline: Pipeline) -> list[Column]:
    """Return what a scored holdout keeps of its rows to be sliced by: one struct, or nothing."""
    from pyspark.sql import functions as F

    names = list(pipeline.evaluate.sliced)
    if not names:
        return []
    return [F.struct(*(F.col(f"`{name}`").cast("string").alias(name) for name in names)).alias(SLICES)]


def leading(scored: DataFrame, sliced: Mapping[str, tuple[str | None, ...]]) -> list[Sliced]:
    """Return each column with its leading values, by rows and then by text, and those that are wanted anyway.

    Args:
        scored: with the column of `slice_columns`.
        sliced: column → values that are wanted whatever their rows.
    """
    from pyspark.sql import functions as F

    found = []
    for column, wanted in sliced.items():
        counted = (
            scored.groupBy(_marked(column).alias("value"))
            .agg(F.count(F.lit(1)).alias("rows"))
            .orderBy(F.desc("rows"), "value")
            .limit(LEADING)
            .collect()
        )
        values = tuple(None if row["value"] == _NULL else str(row["value"]) for row in counted)
        found.append(Sliced(column, tuple(dict.fromkeys((*values, *wanted)))))
    return found


def _marked(column: str) -> Column:
    """Return a slice's value, with a text in the place of null."""
    from pyspark.sql import functions as F

    return F.coalesce(F.col(SLICES).getField(column), F.lit(_NULL))
