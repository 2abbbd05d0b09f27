"""Everything that was ever published and is still there, whatever the pointers say now."""

from __future__ import annotations

import contextlib
import logging
from datetime import date
from typing import TYPE_CHECKING

from vintage.errors import StoreError
from vintage.spec import SOURCE_VIEW
from vintage.store.artifacts import Artifact, Store
from vintage.store.manifest import NAME, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vintage.store.keys import Kind

log = logging.getLogger(__name__)


def views_of(store: Store) -> dict[str, Store]:
    """View → the store of its snapshots: the pipeline's own, and one for each source that it ever joined."""
    joined = (store.folder / "joins").glob("*/")
    return {SOURCE_VIEW: store, **{path.name: store.joined(path.name) for path in sorted(joined)}}


def published_folders(store: Store, kind: Kind) -> dict[date, tuple[Path, ...]]:
    """Date → the folders of its artifacts of a kind, by name; those of attempts are none."""
    found: dict[date, tuple[Path, ...]] = {}
    for day, folder in date_folders(store, kind):
        folders = tuple(sorted(path.parent for path in folder.glob(f"[!.]*/{NAME}")))
        if folders:
            found[day] = folders
    return found


def versions(store: Store, kind: Kind, day: date) -> tuple[Artifact, ...]:
    """Return a date's artifacts of a kind, those made first first; what is damaged is logged and left out."""
    found = (artifact for folder in published_folders(store, kind).get(day, ()) for artifact in _read(folder))
    return tuple(sorted(found, key=lambda each: (each.manifest.finished, each.key)))


def all_of(store: Store, kind: Kind) -> Iterator[Artifact]:
    """Yield every artifact of a kind, oldest date first; what is damaged is logged and left out."""
    for folders in published_folders(store, kind).values():
        for folder in folders:
            yield from _read(folder)


def date_folders(store: Store, kind: Kind) -> Iterator[tuple[date, Path]]:
    """Yield the folders of a kind's dates; what is named otherwise is none."""
    for folder in sorted((store.folder / kind).glob("date=*/")):
        with contextlib.suppress(ValueError):
            yield date.fromisoformat(folder.name.removeprefix("date=")), folder


def _read(folder: Path) -> Iterator[Artifact]:
    try:
        manifest = read_manifest(folder)
    except StoreError as error:
        log.warning("%s", error)
        return
    if manifest is not None:
        yield Artifact(folder, manifest)
