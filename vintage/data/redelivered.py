"""Raw files that are no longer those a date was snapshotted from, told without reading a row of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError
from vintage.data.deliveries import find_batch
from vintage.spec.names import list_names
from vintage.store import windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from vintage.spec import Pipeline
    from vintage.store import Store

_MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Redelivered:
    """A date whose raw files changed since its snapshot.

    Attributes:
        view: whose rows they are: `source`, or the name of a joined source.
        day: the snapshot's date.
        told: what is different of which file.
    """

    view: str
    day: date
    told: str


def redelivered(pipeline: Pipeline, store: Store, only: date | None = None) -> Iterator[Redelivered]:
    """Yield the dates that the next run over them reads again; the run finds out whether rows changed.

    A database has no files to look at: it is left out. Of a source without dates the latest snapshot alone is
    looked at, since what it held on an earlier date is gone. Files that are gone take nothing away from a
    snapshot.

    Args:
        pipeline: the spec.
        store: the pipeline's store.
        only: a date to look at alone.

    Raises:
        StoreError: a pointer is damaged.
    """
    for view, source in pipeline.views.items():
        if source.is_jdbc:
            continue
        own = windows.store_of(store, view)
        taken = own.dates("snapshot")
        for day in taken if source.dated else taken[-1:]:
            if only not in {None, day}:
                continue
            note = own.pointer("snapshot", day) or {}
            try:
                delivery = find_batch(pipeline, source, day, fresh=False)
            except DataError as error:
                yield Redelivered(view, day, error.what)
                continue
            if delivery is not None and not delivery.stands(note, rows=1):
                yield Redelivered(view, day, _told(note, delivery.note()))


def _told(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which files came, went, or have another size or time."""
    old, new = ({file["path"]: file for file in note.get("files", ())} for note in (before, now))
    parts = {
        "new": [path for path in new if path not in old],
        "gone": [path for path in old if path not in new],
        "of another size": [
            f"{path} ({old[path]['size']} → {file['size']} bytes)"
            for path, file in new.items()
            if path in old and old[path]["size"] != file["size"]
        ],
        "written again": [
            path
            for path, file in new.items()
            if path in old and old[path]["size"] == file["size"] and old[path] != file
        ],
    }
    return "; ".join(
        f"{list_names(names, most=_MOST_NAMED)} {what}" for what, names in parts.items() if names
    )
