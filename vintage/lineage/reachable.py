"""What of a store is still named by something: the marking of a mark and sweep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, get_args

from pydantic import ValidationError

from vintage.errors import StoreError
from vintage.lineage.graph import references
from vintage.store import aside
from vintage.store.artifacts import CURRENT
from vintage.store.keys import Kind
from vintage.store.manifest import NAME, Manifest, read_manifest
from vintage.store.reading import content_of
from vintage.store.versions import date_folders as of_kind
from vintage.store.versions import views_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from vintage.store.artifacts import Store

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
HIDDEN_PREFIX: Final = ".swept-"
# Keys are looked for as text: so a manifest or a ledger is understood that is damaged, or of a later version.
_KEY: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True)
class Held:
    """An artifact that the store holds, or one that an earlier sweep hid and did not come to delete.

    Attributes:
        folder: where it lies now.
        kind, day, key: what it is.
        finished: when it was made, by its maker's clock or the store's, whichever is later; None where that
            cannot be determined.
        names: whatever in its manifest looks like a key, its own aside.
        models: of an evaluation, the model that was evaluated.
        problem: why its manifest cannot be read.
    """

    folder: Path
    kind: Kind
    day: date
    key: str
    finished: datetime | None
    names: frozenset[str]
    models: frozenset[str] = frozenset()
    problem: str = ""

    @property
    def hidden(self) -> bool:
        """Whether a sweep took it out of every reader's sight."""
        return self.folder.name.startswith(HIDDEN_PREFIX)

    @property
    def place(self) -> Path:
        """Where readers look for it."""
        return self.folder.with_name(self.key)

    @property
    def made_anew(self) -> bool:
        """Whether it was hidden, and its place is taken."""
        return self.hidden and (self.place / NAME).exists()


@dataclass(frozen=True)
class Marking:
    """What is to stay.

    Attributes:
        held: every artifact.
        kept: the keys of those that something names, directly or by way of others.
        warnings: what could not be read, and was kept with all that it may name.
    """

    held: tuple[Held, ...]
    kept: frozenset[str]
    warnings: tuple[str, ...]

    @property
    def unnamed(self) -> tuple[Held, ...]:
        """What may go."""
        return tuple(each for each in self.held if each.key not in self.kept or each.made_anew)

    @property
    def missed(self) -> tuple[Held, ...]:
        """What is hidden and has its place nonetheless: a sweep was killed before it looked again."""
        return tuple(
            each for each in self.held if each.hidden and each.key in self.kept and not each.made_anew
        )


def mark(store: Store, *, registered: Collection[str], since: datetime) -> Marking:
    """Find what is named by a pointer, the ledger, a registered version or whatever was made lately.

    Of what is named, everything stays that it was made from, by its manifest; of models that the ledger or
    the registry names, every evaluation as well. A damaged manifest or pointer names all that stands in it.

    Args:
        store: a pipeline's store; those of its joined sources are part of it.
        registered: keys that the registry names.
        since: what was made later stays.
    """
    held = tuple(_held(store))
    warnings = [each.problem for each in held if each.problem]
    named = names_in(store.ledger_path) | set(registered)
    roots = set(named)
    for each in held:
        lately = each.finished is None or each.finished > since
        if (lately and not each.hidden) or each.models & named:
            roots.add(each.key)
    for pointer in _pointers(store):
        found = names_in(pointer)
        if not found:
            warnings.append(f"{pointer} is not a pointer; everything of that date and kind is kept")
            found = {each.key for each in held if each.folder.parent == pointer.parent}
        roots |= found
    return Marking(held, _reached(held, roots), tuple(warnings))


def names_in(path: Path) -> set[str]:
    """Whatever in a file looks like a key; nothing where there is no file.

    Raises:
        StoreError: it is there and cannot be read.
    """
    try:
        return set(_KEY.findall(content_of(path).decode("utf-8", errors="replace")))
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise StoreError(f"{path} cannot be read", found=error.strerror or str(error)) from error


def date_folders(store: Store) -> Iterator[tuple[Kind, date, Path]]:
    """Yield every folder of a kind and a date, of the pipeline's own sources and of joined ones."""
    for own in views_of(store).values():
        for kind in KINDS:
            for day, folder in of_kind(own, kind):
                yield kind, day, folder


def _held(store: Store) -> Iterator[Held]:
    for kind, day, parent in date_folders(store):
        for path in sorted(parent.glob(f"*/{NAME}")):
            folder = path.parent
            if not folder.name.startswith("."):
                yield _published(kind, day, folder)
            elif folder.name.startswith(aside.PREFIX):
                # Named, with all its ingredients, until it was reproduced.
                names = frozenset(names_in(path))
                yield Held(
                    folder, kind, day, aside.key_of(folder), None, names, _models(_hidden_manifest(path))
                )
            elif folder.name.startswith(HIDDEN_PREFIX):
                key = folder.name.removeprefix(HIDDEN_PREFIX)[:64]
                names = frozenset(names_in(path) - {key})
                yield Held(folder, kind, day, key, None, names, _models(_hidden_manifest(path)))


def _hidden_manifest(path: Path) -> Manifest | None:
    """Return the manifest of a folder whose name is not its key; None where another sweep deletes it."""
    try:
        return Manifest.model_validate_json(content_of(path))
    except (OSError, ValidationError):
        return None


def _published(kind: Kind, day: date, folder: Path) -> Held:
    key = folder.name
    names = frozenset(names_in(folder / NAME) - {key})
    try:
        manifest = read_manifest(folder)
    except StoreError as error:
        return Held(folder, kind, day, key, None, names, problem=str(error))
    finished = max(manifest.finished, _written(folder / NAME)) if manifest else None
    return Held(folder, kind, day, key, finished, names, _models(manifest))


def _written(path: Path) -> datetime:
    """When a file was written by the clock of the store's file system; of one that is gone, long ago."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.fromtimestamp(0.0, UTC)


def _models(manifest: Manifest | None) -> frozenset[str]:
    """Return what an evaluation evaluated."""
    if manifest is None or manifest.kind != "evaluation":
        return frozenset()
    return frozenset(each.key for each in references(manifest, "model"))


def _pointers(store: Store) -> Iterator[Path]:
    for _, _, folder in date_folders(store):
        pointer = folder / CURRENT
        if pointer.exists():
            yield pointer


def _reached(held: tuple[Held, ...], roots: set[str]) -> frozenset[str]:
    by_key: dict[str, set[str]] = {}
    for each in held:
        by_key.setdefault(each.key, set()).update(each.names)
    kept: set[str] = set()
    todo = roots & by_key.keys()
    while todo:
        kept |= todo
        todo = {name for key in todo for name in by_key[key]} & by_key.keys() - kept
    return frozenset(kept)
