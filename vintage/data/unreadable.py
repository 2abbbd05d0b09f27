"""Errors of Spark about raw files: each is reported with its cause, and with what the files themselves show."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError, first_line
from vintage.data.raw_text import CUT, lines_of, packing_fault
from vintage.data.reader import text_fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.data.raw import RawFiles
    from vintage.spec import Source

log = logging.getLogger(__name__)

_EXAMPLES: Final = 3
_SHOWN: Final = 80
_TAIL: Final = 64
# What a whole file of a format begins with and, in its last bytes, has.
_MARKS: Final = {"parquet": (b"PAR1", b"PAR1"), "orc": (b"ORC", b"ORC"), "avro": (b"Obj\x01", b"")}
_CONDITION: Final = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")


def unreadable(source: Source, raw: RawFiles, day: date, error: Exception) -> DataError:
    """Return the error for raw files that Spark cannot read; "cut short" is said only of files that are."""
    log.error("Spark could not read the raw files of %s", day, exc_info=error)
    reason = cause_of(error)
    packing = {file.path: packing_fault(Path(path)) for file, path in zip(raw.files, raw.paths, strict=True)}
    damaged = {file: why for file, why in packing.items() if why and why != CUT}
    if damaged:
        return DataError(
            f"raw files of {day} are damaged ({_named(list(damaged), raw)})",
            expected="files that can be unpacked to their end",
            found="; ".join(dict.fromkeys(damaged.values())),
            fix="Deliver them again; nothing of the date was used.",
        )
    cut, others = _looked_at(source.format, raw, packing)
    # A file that is cut short cannot be looked through to its end.
    fault = None if cut else text_fault(source, raw, day)
    if fault is not None:
        return fault
    if "[COLUMN_ALREADY_EXISTS]" in str(error):
        return _twice(source, raw, day, reason)
    if cut:
        return DataError(
            f"raw files of {day} are cut short ({_named(cut, raw)})",
            expected="complete files of the source's format",
            found=reason,
            fix="Deliver them again; nothing of the date was used.",
        )
    if others:
        return DataError(
            f"the raw files of {day} cannot be read ({_named(others, raw)})",
            expected=f"files of format {source.format}",
            found=f"files that do not begin as such files do ({reason})",
            fix="Correct source.format or source.path, or deliver them again.",
        )
    return DataError(
        f"the raw files of {day} cannot be read ({_names(raw)})",
        expected=f"files that Spark reads as format {source.format} with source.options and source.schema",
        found=reason,
        fix="Spark's own error is above; no row of the date was used.",
    )


def _twice(source: Source, raw: RawFiles, day: date, reason: str) -> DataError:
    name = next(iter(re.findall(r"`([^`]+)`", reason)), "")
    where = _key_twice(raw) if source.format == "json" else ""
    return DataError(
        f"column {name} occurs twice in the raw data of {day} ({where or _names(raw)})",
        expected="names that differ by more than capital letters, each once in a row",
        found=reason,
        fix="Correct the delivery: which of two values of one key is meant is ambiguous.",
    )


def _key_twice(raw: RawFiles) -> str:
    """File, line and row of the first JSON object that has a key twice; empty where each has its own line."""

    def looked_at(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name.casefold() for name, _ in pairs]
        if len(set(names)) < len(names):
            raise _Twice
        return dict(pairs)

    for file, path in zip(raw.files, raw.paths, strict=True):
        with lines_of(Path(path)) as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    json.loads(line, object_pairs_hook=looked_at)
                except _Twice:
                    return f"{file.path}, line {number}: {line.strip()[:_SHOWN]}"
                except ValueError:
                    continue
    return ""


class _Twice(Exception):
    """A key occurs twice in an object."""


def cause_of(error: Exception) -> str:
    """One line of what happened below an error of Spark: the innermost message, and Spark's condition."""
    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    conditions = _CONDITION.findall(str(error))
    told = first_line(error)
    while java is not None:
        text = str(java.getMessage() or java.getClass().getName()).strip()
        conditions += _CONDITION.findall(text)
        told = text.splitlines()[0] if text else told
        java = java.getCause()
    innermost = conditions[-1] if conditions else ""
    return told if not innermost or innermost in told else f"[{innermost}] {told}"


def _looked_at(format_name: str, raw: RawFiles, packing: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the files that are cut short, and those that are of another format."""
    cut, others = [], []
    begin, end = _MARKS.get(format_name, (b"", b""))
    for file, full in zip(raw.files, raw.paths, strict=True):
        path = Path(full)
        try:
            with path.open("rb") as content:
                first = content.read(len(begin))
                content.seek(max(0, file.size - _TAIL))
                last = content.read()
        except OSError:
            continue
        if first != begin:
            others.append(file.path)
        elif end not in last or packing[file.path] == CUT:
            cut.append(file.path)
    return cut, others


def _names(raw: RawFiles) -> str:
    return _named([file.path for file in raw.files], raw)


def _named(files: list[str], raw: RawFiles) -> str:
    names = ", ".join(files[:_EXAMPLES])
    more = f" and {len(files) - _EXAMPLES} more" if len(files) > _EXAMPLES else ""
    return f"{names}{more} in {raw.root}"
