"""The raw files of a date: which there are, and whether they changed since they were last read."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError
from vintage.data.folder_columns import split_columns, with_folder_columns
from vintage.spec import SOURCE_VIEW
from vintage.spec.raw_paths import data_files
from vintage.spec.stray_files import strays_at
from vintage.store.fingerprint import quoted
from vintage.store.spark_paths import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from vintage.spec import Pipeline, Source

NEARBY_DAYS = 31
MOST_STRAYS = 5
BYTES_PER_FILE: Final = 128 * 2**20
# Hadoop looks for a checksum beside each local file, and cannot build its name where there is a colon in it.
_WITH_COLON = {
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
}


@dataclass(frozen=True)
class RawFile:
    """One raw file as it stood: path relative to the source's folder, bytes, and modification time in ns."""

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class RawFiles:
    """The raw files of one date, sorted by path."""

    root: Path
    files: tuple[RawFile, ...]

    @property
    def paths(self) -> list[str]:
        """Full paths, as Spark's reader takes them."""
        return [str(self.root / file.path) for file in self.files]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def parts(self) -> int:
        """Into how many files at most the rows are written: one for each 128 MiB that came in."""
        return math.ceil(self.size / BYTES_PER_FILE)

    def note(self) -> dict[str, Any]:
        """Return what to remember, to see later whether anything changed."""
        return {"files": [asdict(file) for file in self.files]}

    def unchanged_since(self, note: Mapping[str, Any]) -> bool:
        """Return whether names, sizes and modification times are those that were remembered."""
        return bool(note.get("files") == self.note()["files"])


def list_raw_files(path: str, day: date) -> RawFiles | None:
    """Return the files at a date's path; None where nothing has been delivered.

    Files whose name begins with `_` or `.` are not data, by Spark's own rule.

    Raises:
        DataError: a copy that has not ended or a backup lies there; or a file is empty: zero bytes are a
            delivery that failed, and Spark would skip it silently.
    """
    root, paths = data_files(path)
    strays = list(strays_at(path, paths))
    if strays:
        raise DataError(
            f"beside the raw data of {day} lie files that are no delivery",
            expected="the date's data alone, or a path that names such files itself",
            found="; ".join(f"{each}, which looks like {kind}" for each, kind in strays[:MOST_STRAYS])
            + (f" and {len(strays) - MOST_STRAYS} more" if len(strays) > MOST_STRAYS else ""),
            fix="Wait until the copy has ended, or move them elsewhere; or have source.path name the data "
            "alone (…/*.csv).",
        )
    found = []
    for each in paths:
        status = each.stat()
        if status.st_size == 0:
            raise DataError(
                f"raw file {each} for {day} has zero bytes",
                expected="a complete file, with a header even when there are no rows",
                fix="Deliver it again, or remove it if the date has no data.",
            )
        found.append(RawFile(each.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns))
    return RawFiles(root, tuple(found)) if found else None


def no_raw_data(pipeline: Pipeline, source: Source, day: date, *, view: str) -> DataError:
    """Return the error for a date without raw files, with the source and the nearest dates with files."""
    numbers = (day.toordinal() + step * sign for step in range(1, NEARBY_DAYS) for sign in (-1, 1))
    # The calendar has a first and a last day.
    ends = range(date.min.toordinal(), date.max.toordinal() + 1)
    around = (date.fromordinal(number) for number in numbers if number in ends)
    near = (
        [other for other in around if data_files(pipeline.source_path(other, source))[1]][:3]
        if source.dated
        else []
    )
    return DataError(
        f"no raw data for {day}"
        if view == SOURCE_VIEW
        else f"the joined source {view} has no raw data for {day}",
        expected=f"files at {pipeline.source_path(day, source)}",
        found=f"none; the nearest dates with data: {', '.join(map(str, sorted(near)))}" if near else "none",
        fix="Deliver the data and run again"
        + (
            ", or choose another date."
            if source.dated
            else ": the source has no dates, and needs it on each."
        ),
    )


def load_raw(
    spark: SparkSession,
    source: Source,
    paths: Sequence[str],
    options: Mapping[str, str],
    schema: StructType | None = None,
) -> DataFrame:
    """Return the rows of files as Spark's reader of the format does, with the columns in folder names.

    Args:
        spark: the session.
        source: its format and options.
        paths: full paths.
        options: they win over those of the source.
        schema: of all columns, those that stand in folders as STRING; left out, the reader tells it.
    """
    # One spelling for one option: Spark takes any, and two spellings of one would both be handed on.
    ours = {name.lower() for name in options}
    given = {name: value for name, value in source.reader_options.items() if name.lower() not in ours}
    readable, further = readable_paths(paths)
    reader = spark.read.format(source.format).options(**{**given, **options, **further})
    if schema is None:
        return with_folder_columns(reader.load(readable), source.partition_columns)
    in_files, _ = split_columns(schema, source.partition_columns)
    frame = with_folder_columns(reader.schema(in_files).load(readable), source.partition_columns)
    return frame.select(*(quoted(name) for name in schema.names))


def readable_paths(paths: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return paths as Spark's readers must be given them, and the options that they need with them.

    Raises:
        DataError: several files of which one has a colon and one a sign of patterns in its path.
    """
    try:
        found, options = places(paths)
    except ValueError as error:
        raise DataError(
            "Hadoop cannot read the raw files by their names",
            expected="no colon in the path of a file, or none of { } [ ] * ? \\",
            found=f"both among {paths[0]} and {len(paths) - 1} more",
            fix="Rename the files, or deliver them as one.",
        ) from error
    return found, {**options, **(_WITH_COLON if any(":" in Path(path).name for path in paths) else {})}
