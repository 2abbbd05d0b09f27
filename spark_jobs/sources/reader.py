"""Reads a date's raw files strictly: by column name, with no row, column or file lost in silence."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spark_jobs.errors import DataError
from spark_jobs.sources import libsvm, typed_files
from spark_jobs.sources.contract import check_columns, check_unique, schema_text, struct_of
from spark_jobs.sources.raw import load_raw
from spark_jobs.sources.undated import of_day
from spark_jobs.store.fingerprint import quoted

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame, Observation, SparkSession
    from pyspark.sql.types import StructType

    from spark_jobs.sources.raw import RawFiles
    from spark_jobs.spec import Source

log = logging.getLogger(__name__)

CORRUPT: Final = "_corrupt_record"
EXAMPLES: Final = 3

_MARKS_CORRUPT_ROWS: Final = frozenset({"csv", "json", "xml"})
_ROW_A_FILE: Final = frozenset({"image", "binaryFile"})


@dataclass(frozen=True)
class RawRows:
    """A date's rows, not read yet.

    Attributes:
        rows: the declared columns in their order and, last, the text of a row that did not parse
            (`_corrupt_record`) where the format can tell.
        schema: the declared columns.
        every: the rows of all dates, where a column says which are the date's.
        undated: counts, once the rows are read, those of them that have no day.
    """

    rows: DataFrame
    schema: StructType
    every: DataFrame | None = None
    undated: Observation | None = None


def infer_schema(spark: SparkSession, source: Source, raw: RawFiles, day: date) -> str:
    """The schema of a date's files as DDL, for a source that declares none.

    Raises:
        DataError: a column stands twice.
    """
    if source.format in typed_files.FORMATS:
        return schema_text(typed_files.typed_schema(spark, source, raw, day))
    inferring = {"inferSchema": "true"} if source.format == "csv" else {}
    found = load_raw(spark, source, raw.paths, inferring).schema
    for path in raw.paths:
        check_unique(_names_in(spark, source, path, found), day=day, where=path)
    return schema_text(found)


def read_raw(spark: SparkSession, source: Source, raw: RawFiles, schema_ddl: str, day: date) -> RawRows:
    """The date's rows under the contract; columns are matched by name, whatever their order in a file.

    Raises:
        DataError: the columns are not those of the contract, or a file is no file of its format.
        SpecError: the date column has no day.
    """
    from pyspark.sql import functions as F

    declared = struct_of(schema_ddl)
    if source.format in _ROW_A_FILE:
        rows = _rows_of_files(spark, source, raw)
    elif source.format == "libsvm":
        libsvm.check_lines(spark, raw, int(_option(source, "numFeatures")), day)
        rows = load_raw(spark, source, raw.paths, {}).withColumn(CORRUPT, F.lit(None).cast("string"))
    elif source.format in typed_files.FORMATS:
        rows = typed_files.typed_rows(spark, source, raw, declared, day, corrupt=CORRUPT)
    else:
        rows = _rows_by_name(spark, source, raw, declared, day)
    if source.date_column is not None:
        kept, undated = of_day(rows, declared, source.date_column, day, corrupt=CORRUPT)
        return RawRows(kept, declared, rows, undated)
    return RawRows(rows, declared)


def check_files(source: Source, raw: RawFiles, rows: int, day: date) -> None:
    """Holds a format of one row a file to one row for each file.

    Raises:
        DataError: there are fewer or more.
    """
    if source.format in _ROW_A_FILE and rows != len(raw.files):
        raise DataError(
            f"not every raw file of {day} became one row of format {source.format}",
            expected=f"{len(raw.files)} rows, one for each file in {raw.root}",
            found=f"{rows}",
            fix="Look at source.options; nothing of the date was used.",
        )


def unparsable(
    spark: SparkSession, source: Source, raw: RawFiles, raw_rows: RawRows, count: int, day: date
) -> DataError:
    """The error for rows that do not parse; reads the date once more as text to name columns and values."""
    from pyspark.sql import functions as F

    # Spark refuses to read this column alone from a file; from a cache it does not.
    cached = raw_rows.rows.cache()
    bad = cached.where(F.col(CORRUPT).isNotNull())
    lines = [str(row[0]) for row in bad.select(CORRUPT).orderBy(CORRUPT).limit(EXAMPLES).collect()]
    cached.unpersist()
    if source.format == "image":
        return DataError(
            f"{count} raw image{'s' if count > 1 else ''} of {day} cannot be decoded: {', '.join(lines)}",
            expected="whole files of PNG, JPEG, GIF or BMP",
            found=f"others in {raw.root}",
            fix="Deliver them again, or take them away; nothing of the date was used.",
        )
    reasons = _failing_columns(spark, source, raw, raw_rows.schema) if source.format == "csv" else []
    found = f"{count} such row{'s' if count > 1 else ''}: {' | '.join(lines)}"
    return DataError(
        f"raw rows of {day} do not parse" + (f": {'; '.join(reasons)}" if reasons else ""),
        expected=f"rows of {len(raw_rows.schema.fields)} fields in source.schema's types",
        found=found,
        fix="Correct the delivery and run again; nothing of it was used.",
    )


def unreadable(raw: RawFiles, day: date, reason: str) -> DataError:
    """The error for a file that is not what its format says: cut short, or of another format."""
    names = ", ".join(file.path for file in raw.files[:EXAMPLES])
    more = f" and {len(raw.files) - EXAMPLES} more" if len(raw.files) > EXAMPLES else ""
    return DataError(
        f"the raw files of {day} cannot be read ({names}{more} in {raw.root})",
        expected="complete files of the source's format",
        found=reason,
        fix="A file may be cut short; deliver it again.",
    )


def _rows_by_name(
    spark: SparkSession, source: Source, raw: RawFiles, declared: StructType, day: date
) -> DataFrame:
    from pyspark.sql import functions as F
    from pyspark.sql.types import StringType, StructType

    by_header: dict[tuple[str, ...], list[str]] = {}
    for path in raw.paths:
        found = _columns_of(spark, source, path, declared, day)
        by_header.setdefault(found, []).append(path)
    frames = []
    for header, paths in by_header.items():
        schema = StructType([declared[name] for name in header])
        options = {}
        if source.format in _MARKS_CORRUPT_ROWS:
            schema = schema.add(CORRUPT, StringType())
            options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
        frame = load_raw(spark, source, paths, options, schema)
        if CORRUPT not in schema.names:
            frame = frame.withColumn(CORRUPT, F.lit(None).cast("string"))
        frames.append(frame.select(*(F.col(quoted(name)) for name in [*declared.names, CORRUPT])))
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.unionByName(frame)
    return rows


def _rows_of_files(spark: SparkSession, source: Source, raw: RawFiles) -> DataFrame:
    """One row a file, with its path below the source's folder: no machine's path and no time is in a row."""
    from pyspark.sql import functions as F

    frame = load_raw(spark, source, raw.paths, {})
    folder = f"{os.path.normpath(raw.root)}/"

    def relative(uri: Column) -> Column:
        path = F.regexp_replace(uri, "^file:/+", "/")
        outside = F.raise_error(F.concat(F.lit(f"a file outside {folder}: "), path)).cast("string")
        return F.when(path.startswith(folder), path.substr(len(folder) + 1, 2**31 - 1)).otherwise(outside)

    if source.format == "binaryFile":
        return frame.select(
            relative(F.col("path")).alias("path"),
            "length",
            "content",
            F.lit(None).cast("string").alias(CORRUPT),
        )
    # Spark gives a picture that it cannot decode a negative height and no data.
    # It escapes the origin as a URI does, in which a plus is a plus.
    origin = relative(F.url_decode(F.replace(F.col("image.origin"), F.lit("+"), F.lit("%2B"))))
    rest = [F.col(f"image.{name}") for name in ("height", "width", "nChannels", "mode", "data")]
    bad = F.when(F.col("image.height") < 0, origin).alias(CORRUPT)
    return frame.select(F.struct(origin.alias("origin"), *rest).alias("image"), bad)


def _columns_of(
    spark: SparkSession, source: Source, path: str, declared: StructType, day: date
) -> tuple[str, ...]:
    if source.format == "text":
        return tuple(declared.names)
    found = load_raw(spark, source, [path], {}).schema
    if source.format == "csv" and not _has_header(source):
        if len(found.fields) != len(declared.fields):
            raise DataError(
                f"the raw rows of {day} have another number of columns ({path})",
                expected=f"{len(declared.fields)}: {', '.join(declared.names)}",
                found=str(len(found.fields)),
                fix="Correct the delivery, or change source.schema if the change is meant.",
            )
        return tuple(declared.names)
    check_unique(_names_in(spark, source, path, found), day=day, where=path)
    check_columns(declared, found, typed=False, day=day, where=path)
    return tuple(found.names)


def _names_in(spark: SparkSession, source: Source, path: str, found: StructType) -> list[str]:
    """The names as they stand in the file.

    Spark's CSV reader tells columns of one name apart by adding their position. Where that may have happened,
    the header is read as a row; `x1, x2` is a header of its own right too.
    """
    if source.format != "csv" or not _has_header(source):
        return found.names
    cut = [
        name.removesuffix(str(position)).casefold()
        for position, name in enumerate(found.names)
        if name.endswith(str(position))
    ]
    if len(set(cut)) == len(cut):
        return found.names
    header = load_raw(spark, source, [path], {"header": "false", "inferSchema": "false"}).first()
    return [str(name) for name in header or ()]


def _has_header(source: Source) -> bool:
    return _option(source, "header").lower() == "true"


def _option(source: Source, name: str) -> str:
    return next((value for given, value in source.options.items() if given.lower() == name.lower()), "")


def _failing_columns(spark: SparkSession, source: Source, raw: RawFiles, schema: StructType) -> list[str]:
    from pyspark.sql import functions as F
    from pyspark.sql.types import StringType, StructField, StructType

    as_text = StructType([StructField(name, StringType()) for name in schema.names])
    rows = load_raw(spark, source, raw.paths, {"mode": "PERMISSIVE"}, as_text)
    checks = []
    for index, field in enumerate(schema.fields):
        column = F.col(quoted(field.name))
        wrong = column.isNotNull() & column.try_cast(field.dataType).isNull()
        checks += [F.count_if(wrong).alias(f"n{index}"), F.min(F.when(wrong, column)).alias(f"v{index}")]
    seen = rows.agg(*checks).first()
    counts: dict[str, Any] = seen.asDict() if seen else {}
    return [
        f"column {field.name}: {counts[f'n{index}']} not {field.dataType.simpleString()}, "
        f"such as {counts[f'v{index}']!r}"
        for index, field in enumerate(schema.fields)
        if counts.get(f"n{index}")
    ]
