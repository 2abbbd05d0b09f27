"""Every published artifact of a kind, current or not, found in the store's folders."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from vintage.store.artifacts import Artifact
from vintage.store.manifest import NAME, read_manifest

if TYPE_CHECKING:
    from vintage.store.artifacts import Store
    from vintage.store.keys import Kind

SHORTEST_PREFIX: Final = 8
"""Digits of a key that a person must give at least."""
_KEY: Final = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")


def is_key(text: str) -> bool:
    """Return whether a text can be a key, or the beginning of one: hexadecimal digits, at least 8."""
    return _KEY.fullmatch(text) is not None


def published(store: Store, kind: Kind, *, day: date | None = None, prefix: str = "") -> tuple[Artifact, ...]:
    """Return the artifacts of a kind, by date and then in the order in which they were made.

    Args:
        store: the pipeline's.
        kind: what they are.
        day: their partition date; None takes all.
        prefix: what their keys begin with.

    Raises:
        ValueError: the prefix has other characters than a key.
        StoreError: a manifest is damaged.
    """
    if re.fullmatch("[0-9a-f]{0,64}", prefix) is None:
        raise ValueError(prefix)
    folders = (store.folder / kind).glob(f"date={day or '*'}/{prefix}*/{NAME}")
    manifests = [(path.parent, read_manifest(path.parent)) for path in folders if path.parent.name[0] != "."]
    found = [Artifact(folder, manifest) for folder, manifest in manifests if manifest is not None]
    return tuple(sorted(found, key=lambda each: (each.date, each.manifest.finished, each.key)))
