"""How raw data comes to lie in its folder: each file in one step, and only if its content differs."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


class LoaderError(RuntimeError):
    """The raw data cannot be written: the package, an argument or the disk is not as it must be."""


def packaged(package: str, path: str) -> Path:
    """Return a file or a folder within an installed package, found without importing it.

    Args:
        package: the distribution's name.
        path: below the folder that packages lie in, `pyspark/jars`, for example.

    Raises:
        LoaderError: the package is not installed, or comes without it.
    """
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        raise LoaderError(f"the package {package} is not installed; run `make setup`") from None
    if not found.exists():
        raise LoaderError(f"the package {package} has no {found}")
    return found


def write_if_changed(path: Path, content: bytes) -> bool:
    """Put the content in place in one step; a file that holds it already is not touched."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # A leading dot keeps a half-written file out of Spark's sight.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".raw-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True
