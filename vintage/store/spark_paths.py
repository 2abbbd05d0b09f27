"""Paths as Spark takes them: it would read `[1]` or `{a,b}` in one for a pattern, and find other files."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, DataFrameReader

AS_IS: Final = {"__globPaths__": "false"}
"""The option of Spark's readers of files that has them take a path as it is: one path alone.

Of several paths, Spark 4.1 gives all of them once more for each that looks like a pattern
(`DataSource.checkAndGlobPathIfNecessary`), so that their rows are read several times.
"""
_OF_A_PATTERN: Final = re.compile(r"([\\\[\]{}*?])")


def places(paths: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return paths as Spark's readers take them, to read each once, and the options that they need with them.

    Raises:
        ValueError: several paths of which one has a colon and one looks like a pattern; Hadoop reads none so.
    """
    if len(paths) == 1:
        return list(paths), dict(AS_IS)
    if not any(_OF_A_PATTERN.search(path) for path in paths):
        return list(paths), {}
    if any(":" in path for path in paths):
        raise ValueError("several paths with colons and with signs of patterns in them")
    return [_OF_A_PATTERN.sub(r"\\\1", path) for path in paths], {}


def parquet(reader: DataFrameReader, *folders: Path) -> DataFrame:
    """Return the rows of folders of this machine, or of a file system that all machines share."""
    paths = [str(folder) for folder in folders]
    try:
        found, options = places(paths)
    except ValueError:
        frames = [reader.options(**AS_IS).parquet(path) for path in paths]
        return reduce(lambda one, other: one.unionByName(other), frames)
    return reader.options(**options).parquet(*found)


def uri(folder: Path) -> str:
    """Return a local folder as Spark writes to it; unlike Path.as_uri, nothing after file:// is escaped."""
    return f"file://{folder.absolute()}"


def loadable(folder: Path) -> str:
    """Return a local folder for the loaders of models, which have no option and read a path as a pattern.

    Where there is a colon too, Hadoop cannot read the pattern: the folder is given another name, by a link.
    """
    place = folder.absolute()
    if not _OF_A_PATTERN.search(str(place)):
        return uri(place)
    if ":" in str(place):
        return uri(_linked(place))
    return _OF_A_PATTERN.sub(r"\\\1", uri(place))


@cache
def _linked(folder: Path) -> Path:
    scratch = Path(tempfile.mkdtemp(prefix="vintage-path-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    link = scratch / "model"
    link.symlink_to(folder, target_is_directory=True)
    return link
