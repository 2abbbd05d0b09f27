"""Whether artifacts still hold, byte for byte, what their manifests say."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from vintage.errors import StoreError, unreadable
from vintage.store.files import file_digest
from vintage.store.manifest import NAME, REPAIR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vintage.store.manifest import DataFile, Manifest

log = logging.getLogger(__name__)

AT_ONCE: Final = 4
DEEPEST: Final = 32
"""Folders in folders; more than that is a link that leads back."""
# What stands in a file of the artifact as well as in its manifest.
_TOLD_TWICE: Final = {"evaluation": "evaluation.json", "quality": "quality.json", "tuning": "tuning.json"}

_BAD_DISK: Final = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}

Stamp = tuple[int, int, int, int]
"""Size, times of the last write and the last change of the inode, inode: as long as they stay, so does it."""

# What this process compared before: an artifact's folder → its manifest's digest and its files' stamps then.
_compared: Final[dict[Path, tuple[str, Mapping[str, Stamp]]]] = {}


@dataclass(frozen=True)
class Damage:
    """A file that is not what its artifact's manifest says.

    Attributes:
        file: where it is, or ought to be.
        expected: what the manifest says.
        found: what is there.
    """

    file: Path
    expected: str
    found: str


def require_intact(artifacts: Iterable[tuple[Path, Manifest]]) -> None:
    """Compare every file of the artifacts with the SHA-256 in the manifest, each once in a process.

    Args:
        artifacts: folder and manifest of each.

    Raises:
        StoreError: a file is gone, is not what was written, or was added; or a manifest tells other results
            than the file beside it. The first one is named with what was expected and found.
    """
    started = time.monotonic()
    todo = [each for each in artifacts if not _known(*each)]
    for (_, manifest), damage in zip(todo, damages(todo), strict=True):
        if damage:
            raise _damaged(manifest, damage)
    if todo:
        size = sum(entry.size for _, manifest in todo for entry in manifest.files)
        log.debug("%d artifacts of %d bytes compared: %.2f s", len(todo), size, time.monotonic() - started)


def read_intact(folder: Path, manifest: Manifest, name: str) -> bytes | None:
    """Return one file of an artifact, compared with the manifest; None where the manifest names no such file.

    Raises:
        StoreError: it is gone, not what was written, or may not be read.
    """
    entry = next((each for each in manifest.files if each.path == name), None)
    if entry is None:
        return None
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        told = f"SHA-256 {found} of {len(content)} bytes"
        raise _damaged(manifest, (Damage(path, _expected(entry), told),))
    return content


def damages(artifacts: Sequence[tuple[Path, Manifest]]) -> list[tuple[Damage, ...]]:
    """Return what of each artifact is damaged, in their order; every file is read.

    Raises:
        StoreError: a file cannot be read, whatever is in it.
    """
    stamps = [_stamps(folder) for folder, _ in artifacts]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = [
            (
                pool.map(partial(_file_damage, folder, there), manifest.files),
                _added(folder, manifest, there),
            )
            for (folder, manifest), there in zip(artifacts, stamps, strict=True)
        ]
        told = [tuple(filter(None, (*files, *added))) for files, added in found]
    for place, (folder, manifest) in enumerate(artifacts):
        if not told[place]:
            told[place] = tuple(_contradictions(folder, manifest))
        if not told[place]:
            _compared[folder] = (_signature(manifest), stamps[place])
    return told


def written(folder: Path, manifest: Manifest) -> None:
    """Note that this process has just computed the digests of an artifact that it published."""
    _compared[folder] = (_signature(manifest), _stamps(folder))


def _damaged(manifest: Manifest, damage: Sequence[Damage]) -> StoreError:
    first, more = damage[0], f" (and {len(damage) - 1} more files)" if damage[1:] else ""
    return StoreError(
        f"{manifest.named} is damaged: {first.file}{more}",
        expected=first.expected,
        found=first.found,
        fix=f"{REPAIR}; or bring the folder back from a backup.",
    )


def _expected(entry: DataFile) -> str:
    return f"SHA-256 {entry.sha256} of {entry.size} bytes"


def _known(folder: Path, manifest: Manifest) -> bool:
    known = _compared.get(folder)
    return known is not None and known == (_signature(manifest), _stamps(folder))


def _signature(manifest: Manifest) -> str:
    return manifest.digest or manifest.model_dump_json()


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Return path → stamp of each file below an artifact's folder, but for the manifest."""
    try:
        found = dict(_walk(folder, folder, 0))
    except OSError as error:
        raise unreadable(folder, error) from error
    found.pop(NAME, None)
    return found


def _walk(top: Path, folder: Path, depth: int) -> Iterator[tuple[str, Stamp]]:
    if depth > DEEPEST:
        raise OSError(f"folders lie deeper in one another than {DEEPEST}")
    try:
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            yield from _walk(top, path, depth + 1)
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:
            # A link that leads nowhere.
            status = entry.stat(follow_symlinks=False)
        name = path.relative_to(top).as_posix()
        yield name, (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _file_damage(folder: Path, there: Mapping[str, Stamp], entry: DataFile) -> Damage | None:
    path = folder / entry.path
    expected = _expected(entry)
    if PurePosixPath(entry.path).is_absolute() or ".." in PurePosixPath(entry.path).parts:
        return Damage(folder / NAME, "files within the artifact", entry.path)
    stamp = there.get(entry.path)
    if stamp is None:
        return Damage(path, expected, "no such file")
    if stamp[0] != entry.size:
        return Damage(path, expected, f"{stamp[0]} bytes")
    try:
        found = file_digest(path)
    except FileNotFoundError:
        return Damage(path, expected, "no such file")
    except OSError as error:
        if error.errno in _BAD_DISK:
            return Damage(path, expected, f"{error.strerror} when it is read")
        raise unreadable(path, error) from error
    return None if found == entry.sha256 else Damage(path, expected, f"SHA-256 {found}")


def _added(folder: Path, manifest: Manifest, there: Mapping[str, Stamp]) -> list[Damage]:
    """Return files that the manifest does not name: Spark would read them with the others."""
    named = {entry.path for entry in manifest.files}
    return [
        Damage(folder / name, "no such file, for the manifest names none", f"{stamp[0]} bytes")
        for name, stamp in there.items()
        if name not in named
    ]


def _contradictions(folder: Path, manifest: Manifest) -> Iterator[Damage]:
    name = _TOLD_TWICE.get(manifest.kind)
    path = folder / "data" / name if name else None
    if path is None or not path.is_file():
        return
    # A manifest has null where a file may have NaN.
    kept = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    told = manifest.details.as_json()
    if kept != told:
        differing = [each for each in sorted({*kept, *told}) if kept.get(each) != told.get(each)]
        yield Damage(folder / NAME, f"what {path} tells", f"other {', '.join(differing)}")
