"""Reads files that carry types (Parquet, ORC, Avro) under the contract: whole, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError
from vintage.data.checked import FILE_NAME, FILE_OF_ROW
from vintage.data.contract import check_columns, check_unique
from vintage.data.folder_columns import folder_values, split_columns
from vintage.data.lossless import converted, losses
from vintage.data.parquet_types import as_meant, has_nanos, int96_loss, orc_loss, unsupported
from vintage.data.raw import load_raw
from vintage.data.strict import YEARS, Forms
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructField, StructType

    from vintage.data.raw import RawFiles
    from vintage.spec import Source

FORMATS: Final = frozenset({"parquet", "orc", "avro"})
# What Spark would cut off without a word.
_LOSSES: Final = {"parquet": int96_loss, "orc": orc_loss}
_NO_CODECS: Final = frozenset({"BROTLI", "LZO"})
_SPLIT: Final = "BYTE_STREAM_SPLIT"
_VECTORIZED: Final = "spark.sql.parquet.enableVectorizedReader"
_NANOS: Final = "spark.sql.legacy.parquet.nanosAsLong"


@dataclass(frozen=True)
class _Alike:
    """Files of one schema: as Spark reads it, and as it is meant (a count of nanoseconds is a moment)."""

    paths: tuple[str, ...]
    read: StructType
    meant: StructType


def typed_schema(spark: SparkSession, source: Source, raw: RawFiles, day: date) -> StructType:
    """Return the schema of a date's files; of several, that of the first.

    Raises:
        DataError: a column occurs twice, or is of a type that Spark does not read.
    """
    from pyspark.sql.types import NullType, StringType, StructField, StructType

    # Of its own, because a setting is changed.
    alike = list(_alike(spark.newSession(), source, raw, day))
    for each in alike:
        check_unique([*each.meant.names, *source.partition_columns], day=day, where=each.paths[0])
    first = alike[0]
    empty = [field.name for field in first.meant.fields if isinstance(field.dataType, NullType)]
    if empty:
        raise DataError(
            f"the type of {', '.join(empty)} cannot be determined from the raw data of {day} ({first.paths[0]})",
            expected="a value in each column of the first file, or source.schema",
            found="nulls alone",
            fix="Declare source.schema.",
        )
    folders = [StructField(name, StringType()) for name in source.partition_columns]
    return StructType([*first.meant.fields, *folders])


def typed_rows(
    spark: SparkSession, source: Source, raw: RawFiles, declared: StructType, day: date, *, corrupt: str
) -> DataFrame:
    """Return the date's rows in the contract's types.

    `corrupt` has what is lost in a row, if anything, as text, and `FILE_OF_ROW` the row's file.

    Args:
        spark: a session of the date's own; a setting of it is changed.
        source: says how the files are read.
        raw: the files.
        declared: the contract. Columns and fields of structs are matched by name; numbers may be narrower.
        day: the partition date.
        corrupt: name of the last column but one.

    Raises:
        DataError: the columns are not those of the contract.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import StringType, StructField, StructType

    frames = []
    in_files, folders = split_columns(declared, source.partition_columns)
    forms = Forms(years=source.years or YEARS)
    for each in _alike(spark, source, raw, day):
        where = each.paths[0]
        check_unique([*each.meant.names, *source.partition_columns], day=day, where=where)
        check_columns(in_files, each.meant, typed=True, day=day, where=where, folders=raw)
        for path in each.paths if source.format in _LOSSES else ():
            _refuse_loss(source.format, path, day)
        texts = [StructField(field.name, StringType()) for field in folders]
        frame = load_raw(spark, source, each.paths, {}, StructType([*each.read.fields, *texts]))
        values = {
            field.name: converted(
                F.col(quoted(field.name)),
                each.read[field.name].dataType,
                each.meant[field.name].dataType,
                field.dataType,
            )
            for field in in_files.fields
        }
        in_folders, bad = folder_values(folders, forms)
        values |= in_folders
        columns = [values[name].alias(name) for name in declared.names]
        beside = [F.coalesce(_lost(each), *bad).alias(corrupt), F.col(FILE_NAME).alias(FILE_OF_ROW)]
        frames.append(frame.select(*columns, *beside))
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.unionByName(frame)
    return rows


def _lost(alike: _Alike) -> Column:
    """Return the first column of a row that cannot be kept whole, with its value; null where all can."""
    from pyspark.sql import functions as F

    found = [
        F.when(lost, F.concat(F.lit(f"{field.name} {what}: "), _shown(field, what)))
        for field, meant in zip(alike.read.fields, alike.meant.fields, strict=True)
        for what, lost in losses(F.col(quoted(field.name)), field.dataType, meant.dataType)
    ]
    return F.coalesce(*found) if found else F.lit(None).cast("string")


def _shown(field: StructField, what: str) -> Column:
    from pyspark.sql import functions as F

    value = F.col(quoted(field.name))
    if field.dataType.typeName() == "string":
        return F.concat(F.lit("bytes "), F.hex(value))
    shown = F.to_json(F.struct(value))
    return F.concat(shown, F.lit(" (ns since 1970)")) if "microsecond" in what else shown


def _alike(spark: SparkSession, source: Source, raw: RawFiles, day: date) -> Iterator[_Alike]:
    """Yield the files by their schemas, each schema told once by Spark, in the order of the files."""
    source = source.model_copy(update={"partition_columns": ()})
    if source.format != "parquet":
        by_schema: dict[str, tuple[StructType, list[str]]] = {}
        for path in raw.paths:
            found = load_raw(spark, source, [path], {}).schema
            by_schema.setdefault(found.json(), (found, []))[1].append(path)
        yield from (_Alike(tuple(paths), found, found) for found, paths in by_schema.values())
        return
    by_footer, split = _by_footer(raw.paths, day)
    if split:
        # Spark's quicker reader does not know this encoding.
        spark.conf.set(_VECTORIZED, "false")
    for footer, paths in by_footer.values():
        problems = list(unsupported(footer))
        if problems:
            raise DataError(
                f"Spark does not read every column of the raw data of {day} ({paths[0]})",
                expected="types that Spark has",
                found="; ".join(f"{name} is {kind}" for name, kind, _ in problems),
                fix="Write instead: " + "; ".join(f"{name} as {other}" for name, _, other in problems) + ".",
            )
        if has_nanos(footer):
            # Spark has no type for them; it then gives the count, of which nothing is lost.
            spark.conf.set(_NANOS, "true")
        found = load_raw(spark, source, paths[:1], {}).schema
        yield _Alike(tuple(paths), found, as_meant(found, footer))


def _by_footer(paths: Sequence[str], day: date) -> tuple[dict[str, tuple[object, list[str]]], bool]:
    """Return the files by their schemas; and whether one has bytes in split streams."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[str, tuple[object, list[str]]] = {}
    split = False
    for path in paths:
        try:
            metadata = pq.read_metadata(path)
            schema = metadata.schema.to_arrow_schema().remove_metadata()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path} of {day} is no whole Parquet file",
                expected="a file that begins and ends with PAR1, with a footer before its end",
                found=str(error).splitlines()[0],
                fix="It may be cut short, or of another format: deliver it again.",
            ) from error
        found.setdefault(schema.to_string(), (schema, []))[1].append(path)
        chunks = _chunks(metadata)
        lacking = {each.compression for each in chunks} & _NO_CODECS
        if lacking:
            raise DataError(
                f"{path} of {day} is compressed by {', '.join(sorted(lacking))}, which Spark does not unpack",
                expected="Snappy, Zstandard, gzip or LZ4",
                found=", ".join(sorted(lacking)),
                fix="Write it with another compression (pandas: df.to_parquet(…, compression='zstd')).",
            )
        split = split or any(_SPLIT in each.encodings for each in chunks)
    return found, split


def _chunks(metadata: Any) -> list[Any]:
    """Return what the first group of rows says of each column; a file's groups are written alike."""
    if not metadata.num_row_groups:
        return []
    group = metadata.row_group(0)
    return [group.column(place) for place in range(group.num_columns)]


def _refuse_loss(format_name: str, path: str, day: date) -> None:
    lost = _LOSSES[format_name](path)
    if lost is not None:
        name, value = lost
        raise DataError(
            f"column {name} of {path} for {day} has digits below a microsecond",
            expected="moments to the microsecond, which is what Spark keeps",
            found=value,
            fix="Round them where the file is written (pandas: df.astype({'"
            + name
            + "': 'datetime64[us]'})).",
        )
