"""Compares two snapshots of a date row by row: which rows came, went or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from vintage.data.rows import read_rows
from vintage.store.fingerprint import quoted, with_vector_contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, Row, SparkSession
    from pyspark.sql.types import StructType

    from vintage.store import Artifact

EXAMPLES: Final = 3
_LONGEST: Final = 60
_OLD: Final = "vintage old"
_NEW: Final = "vintage new"
_ROW: Final = "vintage row"


class ChangedRow(BaseModel):
    """A row whose key stayed: key column → value, and column → old and new value, all as text."""

    model_config = ConfigDict(frozen=True)

    key: Mapping[str, str]
    values: Mapping[str, tuple[str, str]]


class RowChange(BaseModel):
    """How the rows of two snapshots differ.

    Attributes:
        old, new: keys of the snapshots.
        by: columns that identify a row; empty where a changed row counts as one removed, one added.
        added, removed, changed: rows.
        columns: column → what became of it, where the schemas differ; such columns are not compared.
        examples: a few of the changed rows, of the least keys.
    """

    model_config = ConfigDict(frozen=True)

    old: str
    new: str
    by: tuple[str, ...]
    added: int
    removed: int
    changed: int
    columns: Mapping[str, str]
    examples: tuple[ChangedRow, ...]

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.columns)

    @property
    def told(self) -> str:
        """The counts in words."""
        counts = f"{self.added} rows added, {self.removed} removed, {self.changed} changed"
        named = ", ".join(f"{name} {what}" for name, what in self.columns.items())
        return f"{counts}; columns: {named}" if named else counts


def changed_rows(spark: SparkSession, old: Artifact, new: Artifact, key: Sequence[str]) -> RowChange:
    """Return the difference of two snapshots.

    Rows are taken as often as they occur, in any order. Where all columns of the key are there, of the rows
    that differ those with the same key count as changed, in pairs; else as removed and added.

    Args:
        spark: an open session.
        old, new: the snapshots.
        key: columns that identify a row.

    Raises:
        StoreError: files of a snapshot are missing.
    """

    frames = {artifact.key: read_rows(spark, [artifact]) for artifact in (old, new)}
    return between((old.key, frames[old.key]), (new.key, frames[new.key]), key)


def between(old: tuple[str, DataFrame], new: tuple[str, DataFrame], key: Sequence[str]) -> RowChange:
    """Return the difference of two versions of the same rows, each given by a name and a frame."""
    columns = _column_changes(old[1].schema, new[1].schema)
    shared = [field.name for field in new[1].schema if field.name not in columns]
    by = _key_among(key, shared)
    before, after = (_comparable(frame, shared) for _, frame in (old, new))
    gone, come = before.exceptAll(after).persist(), after.exceptAll(before).persist()
    try:
        removed, added = gone.count(), come.count()
        changed, examples = _paired(gone, come, by) if by and removed and added else (0, ())
    finally:
        gone.unpersist()
        come.unpersist()
    return RowChange(
        old=old[0],
        new=new[0],
        by=by,
        added=added - changed,
        removed=removed - changed,
        changed=changed,
        columns=columns,
        examples=examples,
    )


def _paired(gone: DataFrame, come: DataFrame, by: Sequence[str]) -> tuple[int, tuple[ChangedRow, ...]]:
    """Return how many of the rows that differ have a partner of the same key, and some of the pairs."""
    from pyspark.sql import functions as F

    keys, row = [F.col(quoted(name)) for name in by], F.col(quoted(_ROW))
    is_old, is_new = F.col(quoted(_OLD)), F.col(quoted(_NEW))
    everything = F.struct(*(F.col(quoted(name)) for name in gone.columns)).alias(_ROW)
    sides = [
        side.select(*keys, everything, F.lit(old).alias(_OLD), F.lit(1 - old).alias(_NEW))
        for side, old in ((gone, 1), (come, 0))
    ]
    # Not joined: of a key with many rows on both sides that would make their product.
    counted = (
        sides[0]
        .unionAll(sides[1])
        .groupBy(*keys)
        .agg(
            F.first(F.when(is_old == 1, row), ignorenulls=True).alias("before"),
            F.first(F.when(is_new == 1, row), ignorenulls=True).alias("after"),
            F.sum(is_old).alias(_OLD),
            F.sum(is_new).alias(_NEW),
        )
    )
    paired = counted.agg(F.sum(F.least(is_old, is_new)).alias("rows")).first()
    # Of a key with more rows nobody can tell which became which.
    single = counted.where((is_old == 1) & (is_new == 1)).orderBy(*keys).limit(EXAMPLES)
    examples = tuple(_example(found, by, gone.columns) for found in single.collect())
    return int(paired["rows"] or 0) if paired else 0, examples


def _comparable(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """Return the rows in types that Spark can group by: maps as sorted entries, vectors as their content."""
    from pyspark.sql import functions as F

    wide, added = with_vector_contents(rows)
    vectors = dict(
        zip((f.name for f in rows.schema if f.dataType.simpleString() == "vector"), added, strict=True)
    )
    kinds = {field.name: field.dataType.typeName() for field in rows.schema}

    def comparable(name: str) -> Column:
        if name in vectors:
            return F.col(quoted(vectors[name])).alias(name)
        column = F.col(quoted(name))
        return F.array_sort(F.map_entries(column)).alias(name) if kinds[name] == "map" else column

    return wide.select(*map(comparable, names))


def _column_changes(old: StructType, new: StructType) -> dict[str, str]:
    before, after = ({field.name: field.dataType.simpleString() for field in each} for each in (old, new))
    told = {name: "new" for name in after if name not in before}
    told |= {name: "gone" for name in before if name not in after}
    return told | {
        name: f"{before[name]} → {kind}" for name, kind in after.items() if before.get(name, kind) != kind
    }


def _key_among(key: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the key's columns as they are spelled there; none unless all are there."""
    spelled = {name.casefold(): name for name in names}
    found = tuple(spelled[name.casefold()] for name in key if name.casefold() in spelled)
    return found if len(found) == len(key) else ()


def _example(found: Row, by: Sequence[str], names: Sequence[str]) -> ChangedRow:
    before, after = found["before"], found["after"]
    return ChangedRow(
        key={name: _text(after[name]) for name in by},
        values={
            name: (_text(before[name]), _text(after[name]))
            for name in names
            if repr(before[name]) != repr(after[name])
        },
    )


def _text(value: Any) -> str:
    """Return a value as a person reads it, not too long."""
    if value is None:
        return "null"
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
