"""Which raw rows two models differ in: dates of one window alone, and dates whose rows were restated."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vintage.spec import SOURCE_VIEW
from vintage.store import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.lineage.graph import Lineage
    from vintage.store import Artifact


class Content(BaseModel):
    """The raw rows of a date: the snapshot's key, how many, and the fingerprint of their content."""

    model_config = ConfigDict(frozen=True)

    key: Key
    rows: int
    fingerprint: str | None


class Restated(BaseModel):
    """A date that both models saw, with other rows.

    Attributes:
        source: `source`, or the name of a joined one.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    date: dt.date
    old: Content
    new: Content


class Dates(BaseModel):
    """The dates of a side that the other has not, oldest first."""

    model_config = ConfigDict(frozen=True)

    only_old: tuple[dt.date, ...]
    only_new: tuple[dt.date, ...]
    both: tuple[dt.date, ...]


class DataSection(BaseModel):
    """The raw rows.

    Attributes:
        same: whether both models were made from the same rows of the same dates.
        window: dates that were trained on or tested on.
        learnt: dates that were trained on; of a split by key, those that were tested on too.
        tested: dates that were tested on.
        restated: of the dates of both, those whose rows differ.
    """

    model_config = ConfigDict(frozen=True)

    same: bool
    window: Dates
    learnt: Dates
    tested: Dates
    restated: tuple[Restated, ...]


def compare_data(old: Lineage, new: Lineage) -> DataSection:
    """Return which raw rows differ."""
    window = _dates(old.window, new.window)
    learnt = _dates(_read_by(old.model), _read_by(new.model))
    tested = _dates(_read_by(old.evaluation), _read_by(new.evaluation))
    sources = {SOURCE_VIEW: (old.snapshots, new.snapshots)}
    for name in sorted(old.joined.keys() & new.joined.keys()):
        sources[name] = old.joined[name], new.joined[name]
    restated = tuple(
        Restated(source=name, date=day, old=_content(before[day]), new=_content(after[day]))
        for name, (before, after) in sources.items()
        for day in sorted(before.keys() & after.keys())
        if before[day].key != after[day].key
    )
    moved = any((*dates.only_old, *dates.only_new) for dates in (window, learnt, tested))
    joined = old.joined.keys() == new.joined.keys()
    return DataSection(
        same=not moved and not restated and joined,
        window=window,
        learnt=learnt,
        tested=tested,
        restated=restated,
    )


def _read_by(artifact: Artifact | None) -> Mapping[dt.date, Key]:
    return {} if artifact is None else artifact.manifest.ingredients.inputs.get("features", {})


def _dates(old: Mapping[dt.date, object], new: Mapping[dt.date, object]) -> Dates:
    return Dates(
        only_old=tuple(sorted(old.keys() - new.keys())),
        only_new=tuple(sorted(new.keys() - old.keys())),
        both=tuple(sorted(old.keys() & new.keys())),
    )


def _content(snapshot: Artifact) -> Content:
    rows = snapshot.manifest.rows
    return Content(key=snapshot.key, rows=snapshot.row_count, fingerprint=rows.fingerprint if rows else None)
