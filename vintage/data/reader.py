"""Reads a date's raw files strictly: by column name, with no row, column or file lost in silence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError
from vintage.data import libsvm, typed_files
from vintage.data.blame import Blame
from vintage.data.checked import CORRUPT, Checked, of_texts, plausible_rows, refused_lines
from vintage.data.contract import check_columns, check_unique, schema_text, struct_of
from vintage.data.folder_columns import check_folders, folder_values, split_columns
from vintage.data.raw import load_raw, readable_paths
from vintage.data.raw_text import PACKED_FOR_SPARK, TEXT_FORMATS, TextForm, fault_in, header_of, in_utf8, text_error
from vintage.data.strict import YEARS, Forms, as_text, column_of
from vintage.data.text_lines import bad_line
from vintage.data.undated import of_day
from vintage.data.xml_text import check_elements, xml_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame, Observation, SparkSession
    from pyspark.sql.types import StructType

    from vintage.data.raw import RawFiles
    from vintage.spec import Source

EXAMPLES: Final = 3
SHOWN: Final = 80

_MARKS_CORRUPT_ROWS: Final = frozenset({"csv", "json", "xml"})
_LEAST_HEADER: Final = 2
_ROW_A_FILE: Final = frozenset({"image", "binaryFile"})


@dataclass(frozen=True)
class RawRows:
    """A date's rows, not read yet.

    Attributes:
        rows: the declared columns in their order and, last, a text (`_corrupt_record`) where a row does not
            parse or a value is not valid for its type.
        schema: the declared columns.
        refusal: the error for so many such rows.
        every: the rows of all dates, where a column says which are the date's.
        undated: counts, once the rows are read, those of them that have no day.
    """

    rows: DataFrame
    schema: StructType
    refusal: Callable[[int], DataError]
    every: DataFrame | None = None
    undated: Observation | None = None


def infer_schema(spark: SparkSession, source: Source, raw: RawFiles, day: date, scratch: Path) -> str:
    """Return the schema of a date's files as DDL, for a source that declares none.

    Raises:
        DataError: a column occurs twice, or the text of a file is not the declared encoding's.
    """
    return _Reading(spark, source, raw, day, scratch).inferred()


def read_raw(
    spark: SparkSession, source: Source, raw: RawFiles, schema_ddl: str, day: date, scratch: Path
) -> RawRows:
    """Return the date's rows under the contract; columns are matched by name, whatever their order in a file.

    Args:
        spark: the session.
        source: says how files are read.
        raw: the files.
        schema_ddl: the contract.
        day: the partition date.
        scratch: a folder for copies of files that Spark cannot read as they stand; does not exist yet.

    Raises:
        DataError: the columns are not those of the contract, or a file is no file of its format.
        SpecError: the date column has no day.
    """
    return _Reading(spark, source, raw, day, scratch).rows(struct_of(schema_ddl))


def check_files(source: Source, raw: RawFiles, rows: int, day: date) -> None:
    """Require one row for each file of a format with one row per file.

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


def text_fault(source: Source, raw: RawFiles, day: date, *, read: RawFiles | None = None) -> DataError | None:
    """Return the error for the first fault in the text of a date's files, if there is one and they are text.

    Args:
        source: says how they are written.
        raw: the files.
        day: the partition date.
        read: their copies in UTF-8; left out, only those that are in UTF-8 are looked at.
    """
    if source.format not in TEXT_FORMATS:
        return None
    form = TextForm.of(source.reader_options)
    if read is None and form.encoding != "utf-8":
        return None
    for file, path in zip(raw.paths, (read or raw).paths, strict=True):
        if Path(path).suffix in PACKED_FOR_SPARK:
            continue
        fault = fault_in(Path(path), form, source.format)
        if fault is None and source.format == "xml":
            fault = xml_fault(Path(path), form.row)
        if fault is not None:
            return text_error(Path(file), day, fault, read=Path(path) if path != file else None)
    return None


class _Reading:
    """One date's files, as Spark is to read them."""

    def __init__(self, spark: SparkSession, source: Source, raw: RawFiles, day: date, scratch: Path) -> None:
        self.spark, self.source, self.day, self.given = spark, source, day, raw
        check_folders(source.partition_columns, raw, day)
        self.is_text = source.format in TEXT_FORMATS
        self.form = TextForm.of(source.reader_options if self.is_text else {})
        is_csv = source.format == "csv"
        self.raw = in_utf8(raw, self.form, scratch, day, quotes=is_csv) if self.is_text else raw

    def inferred(self) -> str:
        if self.source.format in typed_files.FORMATS:
            return schema_text(typed_files.typed_schema(self.spark, self.source, self.raw, self.day))
        inferring = {"inferSchema": "true"} if self.source.format == "csv" else {}
        found = self.load(self.raw.paths, inferring).schema
        for path in self.raw.paths:
            names = self._names_in(path) if self.has_header else None
            names = [*names, *self.source.partition_columns] if names else found.names
            check_unique(names, day=self.day, where=self.original(path))
        if CORRUPT in found.names:
            # Spark adds it where something does not parse; no contract is made of that.
            row = self.load(self.raw.paths, {}, found).where(column_of(CORRUPT).isNotNull()).first()
            raise self._text_fault() or DataError(
                f"raw rows of {self.day} do not parse",
                expected=f"whole {self.source.format}",
                found=str(row[CORRUPT])[:SHOWN] if row else "",
                fix="Correct the delivery and run again; nothing of it was used.",
            )
        return schema_text(found)

    def rows(self, declared: StructType) -> RawRows:
        from pyspark.sql import functions as F

        match self.source.format:
            case "image" | "binaryFile":
                rows = self._rows_of_files()
                return RawRows(rows, declared, lambda count: self._undecoded(rows, count))
            case "libsvm":
                features = int(_option(self.source, "numFeatures"))
                libsvm.check_lines(self.spark, self.raw, features, self.day)
                parts = [
                    Checked(self.load(self.raw.paths, {}).withColumn(CORRUPT, F.lit(None).cast("string")))
                ]
            case kind if kind in typed_files.FORMATS:
                typed = typed_files.typed_rows(
                    self.spark, self.source, self.raw, declared, self.day, corrupt=CORRUPT
                )
                parts = [plausible_rows(typed, declared, Forms(years=self.source.years or YEARS))]
            case _:
                parts = self._rows_by_name(declared)
        rows = parts[0].rows
        for part in parts[1:]:
            rows = rows.unionByName(part.rows)
        blame = Blame(self.source, declared, self.day)

        def refusal(count: int) -> DataError:
            return self._text_fault() or blame.error(parts, count)

        if self.source.date_column is not None:
            kept, undated = of_day(rows, declared, self.source.date_column, self.day, corrupt=CORRUPT)
            return RawRows(kept, declared, refusal, rows, undated)
        return RawRows(rows, declared, refusal)

    def _rows_by_name(self, declared: StructType) -> list[Checked]:
        from pyspark.sql import functions as F
        from pyspark.sql.types import StringType, StructField, StructType

        by_header: dict[tuple[str, ...], list[str]] = {}
        for path in self.raw.paths:
            by_header.setdefault(self._columns_of(path, declared), []).append(path)
        parts = []
        forms = self._forms()
        for header, paths in by_header.items():
            schema, options = StructType([declared[name] for name in header]), {}
            if self.source.format in _MARKS_CORRUPT_ROWS:
                texts = [StructField(field.name, as_text(field.dataType)) for field in schema.fields]
                schema = StructType(texts).add(CORRUPT, StringType())
                options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
            frame = self.load(paths, options, schema)
            if self.source.format == "csv":
                frame = self._without_headers(frame, declared)
            if self.source.format in _MARKS_CORRUPT_ROWS:
                parts.append(of_texts(frame, declared, forms))
            else:
                _, folders = split_columns(declared, self.source.partition_columns)
                values, bad = folder_values(folders, forms)
                columns = [values.get(name, column_of(name)).alias(name) for name in declared.names]
                corrupt = F.coalesce(F.lit(None).cast("string"), *bad)
                rows = frame.select(*columns, corrupt.alias(CORRUPT))
                parts.append(plausible_rows(rows, declared, forms))
        if self.is_text:
            lines = self._bad_lines(declared)
            if self.raw.parts <= 1:
                return [*parts, lines]
            # Tasks of lines among those of rows would leave cores idle: here the lines are looked at first.
            count = lines.rows.count()
            if count:
                raise self._text_fault() or Blame(self.source, declared, self.day).error([lines], count)
        return parts

    def _without_headers(self, frame: DataFrame, declared: StructType) -> DataFrame:
        """Return the rows; refuse those that are a header: of files that were put together, or of a source
        whose options deny it.

        Where a column is no text, its name is no value of it.
        """
        from pyspark.sql import functions as F

        in_files, _ = split_columns(declared, self.source.partition_columns)
        if any(field.dataType.typeName() != "string" for field in in_files.fields):
            return frame
        if len(in_files.fields) < _LEAST_HEADER and not self.has_header:
            # One word may well be a value.
            return frame
        marked = F.lit("\ufeff")
        again = reduce(
            lambda one, other: one & other,
            (F.replace(column_of(name), marked, F.lit("")) == name for name in in_files.names),
        )
        what = "the header again: " if self.has_header else "a header, though source.options.header is not true: "
        told = F.concat(F.lit(what), F.concat_ws(",", *map(column_of, in_files.names)))
        others = [column_of(name) for name in frame.columns if name != CORRUPT]
        return frame.select(*others, F.coalesce(CORRUPT, F.when(again, told)).alias(CORRUPT))

    def _bad_lines(self, declared: StructType) -> Checked:
        """Return the lines that Spark's readers would take for others; none of a delivery that is right."""
        from pyspark.sql import functions as F

        if self.source.format == "xml" or (self.source.format in {"csv", "json"} and self.form.many_lines):
            # Rows of several lines cannot be distinguished from bad ones line by line.
            fault = self._text_fault()
            if fault is not None:
                raise fault
        ends = {"lineSep": self.form.line_end} if self.form.line_end else {}
        paths, further = readable_paths(self.raw.paths)
        lines = self.spark.read.options(**ends, **further).text(paths)
        return refused_lines(lines, bad_line(F.col("value"), self.form, self.source.format), declared)

    def _text_fault(self) -> DataError | None:
        return text_fault(self.source, self.given, self.day, read=self.raw)

    def _forms(self) -> Forms:
        return Forms.of(
            self.source.format,
            self.source.options,
            self.source.years or YEARS,
            decimals=_decimals_of(self.spark, _option(self.source, "locale")),
        )

    def _columns_of(self, path: str, declared: StructType) -> tuple[str, ...]:
        from pyspark.sql.types import StringType, StructField, StructType

        if self.source.format == "text":
            return tuple(declared.names)
        folders = self.source.partition_columns
        in_files, _ = split_columns(declared, folders)
        where = self.original(path)
        names = self._names_in(path)
        if names is None:
            found = self.load([path], {}).schema
        else:
            found = StructType([StructField(name, StringType()) for name in (*names, *folders)])
        if CORRUPT in found.names and CORRUPT not in declared.names:
            # What Spark infers of a text of which something does not parse; it is reported with its rows.
            fault = self._text_fault()
            if fault is not None:
                raise fault
            found = StructType([field for field in found.fields if field.name != CORRUPT] or declared.fields)
        if self.source.format == "xml":
            check_elements(declared, found, self.form.row, day=self.day, where=where)
        if self.source.format == "csv" and not self.has_header:
            if len(found.fields) != len(declared.fields):
                raise DataError(
                    f"the raw rows of {self.day} have another number of columns ({where})",
                    expected=f"{len(in_files.fields)}: {', '.join(in_files.names)}",
                    found=str(len(found.fields) - len(folders)),
                    fix="Correct the delivery, or change source.schema if the change is meant.",
                )
            return (*in_files.names, *folders)
        check_unique(found.names, day=self.day, where=where)
        check_columns(
            declared, found, typed=False, day=self.day, where=where, folders=self.given, first_line=self.has_header
        )
        return tuple(found.names)

    def _names_in(self, path: str) -> list[str] | None:
        """Return the columns of a CSV file as its first row has them; None of another format."""
        if self.source.format != "csv" or Path(path).suffix in PACKED_FOR_SPARK:
            return None
        return [name or f"_c{index}" for index, name in enumerate(header_of(Path(path), self.form))]

    def _rows_of_files(self) -> DataFrame:
        """One row a file, with its path below the source's folder: no machine's path or time is in a row."""
        from pyspark.sql import functions as F

        frame = self.load(self.raw.paths, {})
        folder = f"{os.path.normpath(self.raw.root)}/"

        def relative(uri: Column) -> Column:
            path = F.regexp_replace(uri, "^file:/+", "/")
            outside = F.raise_error(F.concat(F.lit(f"a file outside {folder}: "), path)).cast("string")
            return F.when(path.startswith(folder), path.substr(len(folder) + 1, 2**31 - 1)).otherwise(outside)

        if self.source.format == "binaryFile":
            return frame.select(
                relative(F.col("path")).alias("path"),
                "length",
                "content",
                *self.source.partition_columns,
                F.lit(None).cast("string").alias(CORRUPT),
            )
        # Spark gives a picture that it cannot decode a negative height and no data.
        # It escapes the origin as a URI does, in which a plus is a plus.
        origin = relative(F.url_decode(F.replace(F.col("image.origin"), F.lit("+"), F.lit("%2B"))))
        rest = [F.col(f"image.{name}") for name in ("height", "width", "nChannels", "mode", "data")]
        bad = F.when(F.col("image.height") < 0, origin).alias(CORRUPT)
        image = F.struct(origin.alias("origin"), *rest).alias("image")
        return frame.select(image, *self.source.partition_columns, bad)

    def _undecoded(self, rows: DataFrame, count: int) -> DataError:
        bad = rows.where(rows[CORRUPT].isNotNull()).select(CORRUPT).orderBy(CORRUPT).limit(EXAMPLES)
        names = ", ".join(str(row[0]) for row in bad.collect())
        return DataError(
            f"{count} raw image{'s' if count > 1 else ''} of {self.day} cannot be decoded: {names}",
            expected="whole files of PNG, JPEG, GIF or BMP",
            found=f"others in {self.raw.root}",
            fix="Deliver them again, or take them away; nothing of the date was used.",
        )

    @property
    def has_header(self) -> bool:
        return _option(self.source, "header").lower() == "true"

    def original(self, path: str) -> str:
        """Return the raw file of which a path is the file or its copy."""
        return dict(zip(self.raw.paths, self.given.paths, strict=True)).get(path, path)

    def load(
        self, paths: list[str], options: Mapping[str, str], schema: StructType | None = None
    ) -> DataFrame:
        # What is not in UTF-8 was copied.
        utf8 = {"encoding": "UTF-8"} if self.form.declared else {}
        return load_raw(self.spark, self.source, paths, {**utf8, **options}, schema)


def _option(source: Source, name: str) -> str:
    return next((value for given, value in source.options.items() if given.lower() == name.lower()), "")


def _decimals_of(spark: SparkSession, locale: str) -> tuple[str, str]:
    """Point and grouping mark of a locale's numbers; a point and no mark where none is declared."""
    if not locale:
        return ".", ""
    java: Any = spark.sparkContext._jvm
    symbols = java.java.text.DecimalFormatSymbols.getInstance(java.java.util.Locale.forLanguageTag(locale))
    return str(symbols.getDecimalSeparator()), str(symbols.getGroupingSeparator())
