"""File operations that either happen whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import uuid
from functools import cache
from typing import TYPE_CHECKING

from vintage.errors import FREE_SPACE, REFUSALS, StoreError
from vintage.store.code import ROOT
from vintage.store.manifest import DataFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def as_store_error(place: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that says what to do.

    Raises:
        StoreError: for any OSError inside.
    """
    try:
        yield
    except OSError as error:
        refusal = error.strerror or str(error)
        raise StoreError(
            f"the store cannot be written at {place}",
            found=refusal,
            fix="It has space and no inode left: delete files, or make the file system anew with more."
            if error.errno == errno.ENOSPC and _without_inodes(place)
            else REFUSALS.get(refusal, FREE_SPACE),
        ) from error


def _without_inodes(place: Path) -> bool:
    there = next(each for each in (place, *place.parents) if each.exists())
    with contextlib.suppress(OSError):
        found = os.statvfs(there)
        return bool(found.f_files) and found.f_favail == 0
    return False


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listing(folder: Path) -> tuple[DataFile, ...]:
    """Return every file below a folder with size and digest, sorted by path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        DataFile(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=file_digest(path))
        for path in found
    )


def remove_checksums(folder: Path) -> None:
    """Remove Hadoop's `.crc` files: the manifest's SHA-256 says more."""
    for path in folder.rglob(".*.crc"):
        path.unlink()


def write_durably(path: Path, text: str) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def replace_text(path: Path, text: str) -> None:
    """Swap a file's content atomically: a reader sees the old or the new one.

    Raises:
        StoreError: it cannot be written.
    """
    with as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
        try:
            write_durably(temporary, text)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def create_text(path: Path, text: str) -> bool:
    """Make a file with its whole content unless it already exists; say whether it was made."""
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        write_durably(temporary, text)
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def sync_tree(folder: Path) -> None:
    """Wait until all files below a folder are on the disk."""
    for path in folder.rglob("*"):
        sync_folder(path)
    sync_folder(folder)


def sync_folder(path: Path) -> None:
    """Wait until a file's content or a folder's entries are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def lock_digest() -> str | None:
    """SHA-256 of the checkout's `uv.lock`; None where the code was installed without one."""
    path = ROOT / "uv.lock"
    return file_digest(path) if path.is_file() else None
