"""Which attempts are alive: each has a lease, which its process holds and renews until the attempt ends.

The lease is the attempt's own folder. The process holds an `flock` on it, which the kernel takes away when
the process ends, however it ends; and a thread sets the folder's time of last change every minute. A lock
shows on the same machine alone (on NFS, where folders cannot be locked, nowhere), the time wherever the store
is mounted. Times are compared with one another, never with a machine's clock: what writes them, and what a
file has that is made now, is the store's own file system.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RENEWED_EVERY: Final = 60.0
"""Seconds."""

LIVE_FOR: Final = timedelta(days=1)
"""How long a writer is taken to be at work after its last sign, where no lock shows whether it is."""


@contextlib.contextmanager
def lease(folder: Path) -> Iterator[None]:
    """Around the work of an attempt in a folder that is there."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEWED_EVERY):
            # Published, it has another name, and needs no lease.
            with contextlib.suppress(OSError):
                os.utime(folder)

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        threading.Thread(target=renew, name="lease", daemon=True).start()
        yield
    finally:
        ended.set()
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Return whether a process of this machine holds the lease of a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # The file system has no such locks; the time of last change is all there is.
        return False
    finally:
        os.close(descriptor)
    return False


def store_time(folder: Path) -> datetime:
    """Return the time of a folder's file system; that of this machine if the folder is read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"now")
            probe.flush()
            return datetime.fromtimestamp(os.fstat(probe.fileno()).st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(time.time(), UTC)
