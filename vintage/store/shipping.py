"""How user code reaches Python workers: as the driver imports it, and in no other version."""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.store.user_code import import_path, look_in, user_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    from vintage.store.user_code import UserPackage

_ARCHIVE: Final = re.compile(r"vintage_(\w+)_[0-9a-f]{16}\.zip")


def ship(spark: Callable[[], SparkSession], home: Path, paths: Sequence[str]) -> None:
    """Import what dotted paths lead to, as it lies there now, and have executors import the same.

    Args:
        spark: gives the session; not asked where there is no user code.
        home: where imports come from, after all else.
        paths: dotted.

    Raises:
        CannotImport: something cannot be imported; nothing is shipped.
    """
    look_in(home)
    for path in paths:
        import_path(path)
    packages = {_archive_name(package): package for package in user_packages(paths)}
    if not packages:
        return
    context = spark().sparkContext
    # What Spark has, it keeps under its name.
    there = {file.rpartition("/")[2] for file in context.listFiles}
    for name, package in packages.items():
        if name not in there:
            _add(context, package, name)
    # Spark hands them to a Python worker as a set: of two versions, it would import any.
    included = context._python_includes or []
    others = [name for name in included if not _ARCHIVE.fullmatch(name)]
    kept = [name for name in included if name not in packages and _is_as_it_lies_there(name)]
    own = sorted([*packages, *kept])
    context._python_includes = [*others, *own]
    # Python workers are kept for the next task of the same environment: another code, another worker.
    context.environment["VINTAGE_USER_CODE"] = " ".join(own)


def _add(context: SparkContext, package: UserPackage, name: str) -> None:
    """Give Spark a package's files as an archive that Python can import from."""
    folder = tempfile.mkdtemp(prefix="vintage-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = Path(folder) / name
    with zipfile.ZipFile(archive, "w") as packed:
        for file in package.files:
            packed.writestr(zipfile.ZipInfo(file.relative_to(package.root).as_posix()), file.read_bytes())
    before = list(sys.path)
    context.addPyFile(str(archive))
    # The driver imports the files themselves.
    sys.path[:] = before


def _archive_name(package: UserPackage) -> str:
    """Of no other package, and of no other version of it."""
    return f"vintage_{package.name}_{package.digest[:16]}.zip"


def _is_as_it_lies_there(archive_name: str) -> bool:
    """Return whether the archive of a user package holds the version that would be imported now."""
    named = _ARCHIVE.fullmatch(archive_name)
    return named is not None and archive_name in {_archive_name(each) for each in user_packages([named[1]])}
