"""A store beside a store, for reproduced artifacts that are not kept."""

from __future__ import annotations

import contextlib
import logging
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError
from vintage.store import files
from vintage.store.artifacts import ATTEMPT_PREFIX, Store
from vintage.store.leases import lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

# A sweep takes it for what it is, an attempt: it deletes nothing beside one that is at work, and those of
# killed processes a day later.
_PREFIX: Final = f"{ATTEMPT_PREFIX}reproduce-"


@dataclass(frozen=True)
class Scratch:
    """Where something is reproduced.

    Attributes:
        folder: where the scratch store is put; in the pipeline's own store when left out.
        keep: whether it stays when all is done, until a sweep finds it.
    """

    folder: Path | None = None
    keep: bool = False


@contextlib.contextmanager
def scratch_store(store: Store, scratch: Scratch) -> Iterator[Store]:
    """Yield an empty store of the same pipeline, in a folder of this process alone.

    Raises:
        SpecError: there is no such folder.
        StoreError: it cannot be written.
    """
    folder = scratch.folder
    if folder is not None and not folder.is_dir():
        raise SpecError(f"--scratch {folder} is no folder", expected="one that exists, on a disk with room")
    root = (folder or store.folder).absolute() / f"{_PREFIX}{uuid.uuid4().hex}"
    with files.as_store_error(root):
        root.mkdir()
    try:
        with lease(root):
            yield Store(root, store.pipeline)
    finally:
        if scratch.keep:
            log.info("the reproduced artifacts are kept in %s", root)
        else:
            shutil.rmtree(root, ignore_errors=True)
