"""Which files are the raw data at a path: what a snapshot reads, and what a night waits for."""

from __future__ import annotations

import glob
from itertools import takewhile
from pathlib import Path


def data_files(pattern: str) -> tuple[Path, list[Path]]:
    """Return the folder of a path, and its data files: a file, all below a folder, or those of a pattern.

    Files below a folder whose name, or whose folder's, begins with `_` or `.` are not data, by Spark's own
    rule.
    """
    path = Path(pattern.removeprefix("file://"))
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        return path, sorted(child for child in path.rglob("*") if child.is_file() and _is_data(child, path))
    # An existing path is no pattern, whatever characters it has: a home below `a[b]`, for example.
    there = next(parent for parent in path.parents if parent.exists())
    parts = path.relative_to(there).parts
    matches = sorted(glob.glob(str(Path(*parts)), root_dir=there))  # noqa: PTH207  (not below a hidden folder)
    files = [child for match in matches for child in data_files(str(there / match))[1]]
    plain = takewhile(lambda part: not glob.has_magic(part), parts)
    return there.joinpath(*plain), sorted(set(files))


def _is_data(path: Path, root: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.relative_to(root).parts)
