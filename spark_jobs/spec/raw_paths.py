"""Which files are the raw data at a path: what a snapshot reads, and what a night waits for."""

from __future__ import annotations

import glob
from pathlib import Path


def data_files(pattern: str) -> tuple[Path, list[Path]]:
    """The folder that a path is in, and the files of data there: a file, all below a folder, or a pattern's.

    Files below a folder whose name, or whose folder's, begins with `_` or `.` are not data, by Spark's own
    rule.
    """
    path = Path(pattern.removeprefix("file://"))
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        return path, sorted(child for child in path.rglob("*") if child.is_file() and _is_data(child, path))
    matches = sorted(glob.glob(str(path)))  # noqa: PTH207  (Path.glob takes no absolute pattern)
    files = [child for match in matches for child in data_files(match)[1]]
    fixed = Path(
        *path.parts[: next((i for i, part in enumerate(path.parts) if glob.has_magic(part)), len(path.parts))]
    )
    return fixed, sorted(set(files))


def _is_data(path: Path, root: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.relative_to(root).parts)
