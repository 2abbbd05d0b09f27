"""Paths as Spark takes them: it would read `[1]` or `{a,b}` in one for a pattern, and find other files."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader

AS_IS: Final = {"__globPaths__": "false"}
"""The option of Spark's readers of files that has them take a path as it is."""
_OF_A_PATTERN: Final = re.compile(r"([\\\[\]{}*?])")


def parquet(reader: DataFrameReader, *folders: Path) -> DataFrame:
    """The rows of folders of this machine, or of a file system that all machines share."""
    return reader.options(**AS_IS).parquet(*(str(folder) for folder in folders))


def uri(folder: Path) -> str:
    """A local folder as Spark writes to it; not Path.as_uri: what is behind file:// is taken as it is."""
    return f"file://{folder.absolute()}"


def loadable(folder: Path) -> str:
    """A local folder as the loaders of models take it: they have no option, and read a path as a pattern.

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
