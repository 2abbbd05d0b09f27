"""Reads all of a store and tells what of it is not as it was written, or sets that aside."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import StoreError, Unreadable
from vintage.lineage.graph import folder_of, references
from vintage.lineage.reachable import KINDS
from vintage.store import aside, files
from vintage.store.artifacts import CONTRACT, CURRENT, Artifact
from vintage.store.integrity import damages
from vintage.store.keys import Kind
from vintage.store.manifest import NAME, read_manifest
from vintage.store.sealing import seal
from vintage.store.versions import date_folders, views_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from vintage.store.artifacts import Store
    from vintage.store.manifest import Manifest

log = logging.getLogger(__name__)

SET_ASIDE: Final = "set aside: the next run makes it again"


@dataclass(frozen=True)
class Broken:
    """Something of a store that is not as it was written.

    Attributes:
        path: the file.
        what: the artifact's kind, `pointer` or `contract`.
        date: its partition date; empty where it has none.
        key: the artifact's; empty where it is not one.
        expected, found: what ought to be there, and what is.
        repair: what was done about it; empty when nothing was.
    """

    path: Path
    what: str
    date: str
    key: str
    expected: str
    found: str
    repair: str = ""


@dataclass
class Checked:
    """What a check read.

    Attributes:
        artifacts, files, size: how many were read, and their bytes.
        broken: what is damaged.
    """

    artifacts: int = 0
    files: int = 0
    size: int = 0
    broken: list[Broken] = field(default_factory=list)


def check(store: Store, *, repair: bool = False) -> Checked:
    """Read every artifact, pointer and contract of a pipeline and of its joined sources.

    An artifact that another one was made from, by its manifest, and that is gone is reported too; no repair
    brings it back.

    A repair is one rename for each artifact, and one replacement for each pointer: killed between two of
    them, it is finished by the next.

    Args:
        store: the pipeline's.
        repair: whether damaged artifacts are set aside, and pointers and contracts repaired.

    Raises:
        StoreError: something cannot be read for another reason than damage, or cannot be repaired.
    """
    checked = Checked()
    for own in views_of(store).values():
        schemas = set()
        missing: dict[Path, Broken] = {}
        for kind in KINDS:
            for day, folder in date_folders(own, kind):
                intact = _check_date(checked, kind, day, folder, repair=repair)
                missing |= {each.path: each for each in _missing_inputs(own, intact)}
                schemas |= {each.manifest.ingredients.spec.get("schema") for each in intact}
                _check_pointer(checked, own, (kind, day), intact, repair=repair)
        _check_contract(checked, own, schemas - {None}, repair=repair)
        checked.broken += missing.values()
    return checked


def _check_date(checked: Checked, kind: Kind, day: date, folder: Path, *, repair: bool) -> list[Artifact]:
    """Check the artifacts of a kind and a date; give those that are intact."""
    read: list[tuple[Path, Manifest]] = []
    broken: list[Broken] = []
    for each in sorted(path for path in folder.glob("[!.]*/") if path.is_dir()):
        named = (kind, day.isoformat(), each.name)
        try:
            manifest = read_manifest(each)
        except Unreadable:
            raise
        except StoreError as error:
            broken.append(Broken(each / NAME, *named, error.expected or "as it was written", error.found))
            continue
        if manifest is None:
            broken.append(Broken(each / NAME, *named, "a manifest", "no such file"))
        else:
            read.append((each, manifest))
    intact = []
    for (each, manifest), damage in zip(read, damages(read), strict=True):
        broken += [
            Broken(one.file, kind, day.isoformat(), each.name, one.expected, one.found) for one in damage
        ]
        if not damage:
            intact.append(Artifact(each, manifest))
        checked.files += len(manifest.files)
        checked.size += sum(entry.size for entry in manifest.files)
    checked.artifacts += len(read)
    if repair:
        for key in dict.fromkeys(one.key for one in broken):
            log.warning("%s is damaged and set aside", aside.set_aside(folder / key))
        broken = [replace(one, repair=SET_ASIDE) for one in broken]
    checked.broken += broken
    return intact


def _missing_inputs(own: Store, made: Iterable[Artifact]) -> Iterator[Broken]:
    """Yield the artifacts that those were made from and that are neither there nor set aside."""
    for each in made:
        whose = f"which {each.manifest.kind} {each.key.short} of {each.date} was made from"
        for named in references(each.manifest):
            folder = folder_of(own, named)
            if not (folder / NAME).exists() and not aside.in_place_of(folder):
                place = (named.kind, str(named.date), named.key)
                yield Broken(folder / NAME, *place, f"a manifest, {whose}", "no such file")


def _check_pointer(
    checked: Checked, own: Store, of: tuple[Kind, date], intact: list[Artifact], *, repair: bool
) -> None:
    kind, day = of
    path = own.folder / kind / f"date={day}" / CURRENT
    try:
        pointer = own.pointer(kind, day)
        if pointer is None or any(each.key == pointer["key"] for each in intact):
            return
        place = path.parent / str(pointer["key"])
        if place.is_dir() or aside.in_place_of(place):
            # A damaged artifact, which is reported and made again under its key.
            return
        problem = Broken(path, "pointer", str(day), "", "the key of an artifact", str(pointer["key"]))
    except Unreadable:
        raise
    except StoreError as error:
        problem = Broken(path, "pointer", str(day), "", error.expected, error.found)
    if repair and len(intact) == 1:
        # What it kept of the raw files is lost: the next run reads them again.
        files.replace_text(path, _sealed({"key": intact[0].key}))
        problem = replace(problem, repair="points to the only artifact of its date again")
    elif repair:
        aside.set_aside(path)
        problem = replace(problem, repair="set aside: the next run writes it again")
    checked.broken.append(problem)


def _check_contract(checked: Checked, own: Store, schemas: set[Any], *, repair: bool) -> None:
    path = own.folder / CONTRACT
    try:
        own.contract()
    except Unreadable:
        raise
    except StoreError as error:
        problem = Broken(path, "contract", "", "", error.expected, error.found)
    else:
        return
    if repair and len(schemas) == 1:
        [schema] = schemas
        files.replace_text(path, _sealed({"schema": schema}))
        problem = replace(problem, repair="written again from the snapshots' manifests")
    checked.broken.append(problem)


def _sealed(content: dict[str, Any]) -> str:
    return json.dumps(seal(content), indent=2) + "\n"
