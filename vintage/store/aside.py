"""Damaged artifacts out of every reader's sight, kept for what they promised: what is made in their place."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from typing import TYPE_CHECKING, Final

from vintage.errors import StoreError
from vintage.store import files
from vintage.store.details import ModelDetails
from vintage.store.keys import digest
from vintage.store.manifest import NAME, Manifest
from vintage.store.reading import content_of
from vintage.store.sealing import unseal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX: Final = ".damaged-"


def set_aside(path: Path) -> Path:
    """Rename an artifact's folder, or a file, so that no reader finds it; give its new path.

    Raises:
        StoreError: it cannot be renamed.
    """
    with files.as_store_error(path):
        # A sweep counts from here.
        os.utime(path, follow_symlinks=False)
        place = path.with_name(f"{PREFIX}{path.name}-{uuid.uuid4().hex}")
        path.rename(place)
        files.sync_folder(path.parent)
    return place


def in_place_of(folder: Path) -> list[Path]:
    """Return the damaged artifacts that were set aside and would be made again in a folder."""
    return sorted(folder.parent.glob(f"{PREFIX}{folder.name}-*"))


def key_of(aside: Path) -> str:
    """Return the key of an artifact that was set aside."""
    return aside.name.removeprefix(PREFIX).rpartition("-")[0]


def check_promise(folder: Path, manifest: Manifest) -> None:
    """Compare an artifact that is about to be published with damaged ones that had its key.

    Raises:
        StoreError: it has other rows, or is another model, than was promised.
    """
    for aside in in_place_of(folder):
        for then in _promised(aside):
            before, now = _content(then), _content(manifest)
            for name in before.keys() & now.keys():
                if before[name] != now[name]:
                    raise StoreError(
                        f"{manifest.named} was damaged, and made again it is another: its {name} differs",
                        expected=before[name],
                        found=now[name],
                        fix="What it is made from, or the machine, is not as it was; nothing was published. "
                        f"`vintage reproduce` tells more. To accept the new one, delete {aside}.",
                    )


def _promised(aside: Path) -> Iterator[Manifest]:
    """Yield the manifest of a damaged artifact, unless it is what was damaged."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        text = content_of(aside / NAME)
        unseal(json.loads(text))
        yield Manifest.model_validate_json(text)


def _content(manifest: Manifest) -> dict[str, str]:
    """Return what an artifact holds, by name: digests that are the same wherever it is made."""
    found: dict[str, str] = {}
    details = manifest.details
    if manifest.rows is not None:
        found["rows' fingerprint"] = manifest.rows.fingerprint
    if manifest.kind == "tuning":
        found["result"] = digest(details.as_json())
    if isinstance(details, ModelDetails) and details.digest and details.reproducibility.mode != "parallel":
        found["model digest"] = details.digest
    return found
