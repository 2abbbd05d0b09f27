"""Files that are no delivery: a copy that has not ended, a backup of an editor or of a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

UNFINISHED: Final = "a copy that has not ended"
BACKUP: Final = "a backup"
COMPANION: Final = "a mark, a lock or a checksum"

_WRITING: Final = (
    r"tmp|temp|part|partial|filepart|crdownload|opdownload|download|aria2|inprogress|in_progress|incomplete"
    r"|unfinished|pending|upload|uploading|writing|wip"
)
_KINDS: Final = (
    (re.compile(r"\._copying_$", re.IGNORECASE), UNFINISHED),
    (re.compile(rf"\.({_WRITING})$", re.IGNORECASE), UNFINISHED),
    # Before the name's own ending as well: orders.tmp.csv, orders.csv.tmp.gz.
    (re.compile(r"\.(tmp|temp)(\.[a-z0-9]+){1,2}$", re.IGNORECASE), UNFINISHED),
    # As Flink writes, and whoever adds a number: part-0.inprogress.9f3a, orders.csv.tmp.1234.
    (re.compile(r"\.(inprogress\.[^.]+|tmp[._-]?\d+)$", re.IGNORECASE), UNFINISHED),
    # As rsync writes: .orders.csv.aB3xYz.
    (re.compile(r"^\..+\.[^.]+\.(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$"), UNFINISHED),
    (
        re.compile(
            r"\.(bak|bk|bkp|backup|old|orig|prev|save|sav|swp|swo|rej|copy)([.~]?\d+)?$", re.IGNORECASE
        ),
        BACKUP,
    ),
    (re.compile(r"\.(bak|backup)(\.[a-z0-9]+){1,2}$", re.IGNORECASE), BACKUP),
    (re.compile(r"\.(rpmsave|rpmorig|dpkg-old|dpkg-bak)$| - Copy( \(\d+\))?\.[^.]+$|^Copy of "), BACKUP),
    (re.compile(r"~$|^~|^\.~lock\.|^#.+#$"), BACKUP),
    # Hidden ones of Hadoop's own, .orders.csv.crc, are beside every file that it wrote.
    (
        re.compile(
            r"^[^._].*\.(md5|sha1|sha256|sha512|crc|sig|lock|lck|done|ok)$"
            r"|^(Thumbs\.db|desktop\.ini)$|:Zone\.Identifier$",
            re.IGNORECASE,
        ),
        COMPANION,
    ),
)
_SPARK_WRITES: Final = ("_temporary", ".spark-staging")


def stray(path: Path) -> str:
    """Return what a file is instead of a delivery, by its name and folders; empty where nothing says so."""
    if any(part.startswith(_SPARK_WRITES) for part in path.parts[:-1]):
        return UNFINISHED
    return next((kind for pattern, kind in _KINDS if pattern.search(path.name)), "")


def strays_at(pattern: str, files: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the files at a path that are no delivery, and what they are; none if the path names such files.

    Hidden ones count, though Spark skips them: an upload that is under way is often hidden.

    Args:
        pattern: a file, a folder or a pattern.
        files: what was found there that is not hidden.
    """
    path = Path(pattern.removeprefix("file://"))
    if path.is_file() or stray(path):
        return
    among = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else files
    for each in among:
        below = each.relative_to(path) if path.is_dir() else each
        if kind := stray(below):
            yield each, kind
