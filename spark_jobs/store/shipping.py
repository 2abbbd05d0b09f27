"""How code of one's own reaches Python workers: as the driver imports it, and in no other version."""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spark_jobs.store.own_code import own_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark import SparkContext

    from spark_jobs.store.own_code import OwnPackage

_ARCHIVE: Final = re.compile(r"vintage_(\w+)_[0-9a-f]{16}\.zip")


def ship(context: SparkContext, packages: Sequence[OwnPackage]) -> None:
    """Has executors import these packages as the driver does, and no version that was shipped before."""
    if not packages:
        return
    # What Spark has, it keeps under its name.
    there = {file.rpartition("/")[2] for file in context.listFiles}
    for package in packages:
        if _archive_name(package) in there:
            continue
        folder = tempfile.mkdtemp(prefix="vintage-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        before = list(sys.path)
        context.addPyFile(str(zipped(package, Path(folder))))
        # The driver imports the files themselves.
        sys.path[:] = before
    # Spark hands them to a Python worker as a set: of two versions, it would import any.
    included = context._python_includes or []
    others = [name for name in included if not _ARCHIVE.fullmatch(name)]
    own = {_archive_name(package) for package in packages}
    own |= {name for name in included if _is_as_it_lies_there(name)}
    context._python_includes = [*others, *sorted(own)]
    # Python workers are kept for the next task of the same environment: another code, another worker.
    context.environment["VINTAGE_OWN_CODE"] = " ".join(sorted(own))


def zipped(package: OwnPackage, folder: Path) -> Path:
    """A package's files as an archive that Python can import from; the same files give the same bytes."""
    archive = folder / _archive_name(package)
    with zipfile.ZipFile(archive, "w") as packed:
        for file in package.files:
            packed.writestr(zipfile.ZipInfo(file.relative_to(package.root).as_posix()), file.read_bytes())
    return archive


def _archive_name(package: OwnPackage) -> str:
    """Of no other package, and of no other version of it."""
    return f"vintage_{package.name}_{package.digest[:16]}.zip"


def _is_as_it_lies_there(archive_name: str) -> bool:
    """Whether the archive of a package of one's own holds the version that would be imported now."""
    named = _ARCHIVE.fullmatch(archive_name)
    return named is not None and archive_name in {_archive_name(each) for each in own_packages([named[1]])}
