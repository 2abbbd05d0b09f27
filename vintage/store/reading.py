"""Opens the small files of a store, and nothing else that stands under their names."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST: Final = 1 << 28
"""Bytes; a manifest of 100,000 files has a tenth of it."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file, to be read. To open a pipe is to wait for its writer, and some devices never end.

    Raises:
        OSError: it does not exist, may not be read, is none, or is larger than such a file is.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no file but something else of that name", str(path))
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"{status.st_size:,} bytes, more than such a file has", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def content_of(path: Path) -> bytes:
    """Return all bytes of it; raises as `opened` does."""
    with opened(path) as stream:
        return stream.read()
