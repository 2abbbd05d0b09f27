"""Rows of which every value was looked at: those that are refused carry a text in `_corrupt_record`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.data.strict import Forms, any_of, as_text, column_of, implausible, refused, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField, StructType

CORRUPT: Final = "_corrupt_record"
COLUMN: Final = "column"
TEXT: Final = "text"
FILE: Final = "file"
ROW: Final = ""
"""Stands for a column's name where a row as a whole is refused."""

FILE_OF_ROW: Final = "file of the row"
"""Column of a frame that tells each row's file; read for refused rows alone."""

FILE_NAME: Final = "_metadata.file_name"


@dataclass(frozen=True)
class Checked:
    """Rows of the declared columns and `_corrupt_record`.

    Attributes:
        rows: the rows.
        faults: what is refused of them, a row each: column, text and file; the same expressions that decide
            what is refused. None where nothing of them can be.
        lines: whether the rows are lines that are refused as they stand in a file, beside the rows that a
            reader makes of them.
    """

    rows: DataFrame
    faults: Callable[[], DataFrame] | None = None
    lines: bool = False


def of_texts(frame: DataFrame, declared: StructType, forms: Forms) -> Checked:
    """Return rows that a reader hands over as texts, as values of the declared types.

    Args:
        frame: the columns by name, of the types that `as_text` gives, and `_corrupt_record`.
        declared: the columns in their order.
        forms: how values are written.
    """
    from pyspark.sql import functions as F

    changed = [field for field in declared.fields if as_text(field.dataType) != field.dataType]

    def with_texts(rows: DataFrame, *more: Column) -> DataFrame:
        values = [value_of(column_of(each.name), each.dataType, forms).alias(each.name) for each in declared]
        texts = [column_of(each.name).alias(_text(each)) for each in changed]
        return rows.select(*values, *texts, F.col(CORRUPT), *more)

    bad = [refused(column_of(_text(each)), column_of(each.name), each.dataType, forms) for each in changed]

    def faults() -> DataFrame:
        found = with_texts(frame, F.col(FILE_NAME).alias(FILE_OF_ROW))
        return _listed(found, changed, bad, [column_of(_text(each)) for each in changed])

    return Checked(_marked(with_texts(frame), declared, bad), faults)


def refused_lines(lines: DataFrame, bad: Column, declared: StructType) -> Checked:
    """Return the lines of files that are refused as they stand, each as a row of nulls.

    Args:
        lines: a text a line, `value`.
        bad: whether it is refused.
        declared: the columns.
    """
    from pyspark.sql import functions as F

    value = F.col("value")
    nothing = [F.lit(None).cast(field.dataType).alias(field.name) for field in declared.fields]

    def faults() -> DataFrame:
        return lines.where(bad).select(
            F.lit(ROW).alias(COLUMN), value.alias(TEXT), F.col(FILE_NAME).alias(FILE)
        )

    return Checked(lines.where(bad).select(*nothing, value.alias(CORRUPT)), faults, lines=True)


def plausible_rows(
    frame: DataFrame, declared: StructType, forms: Forms, *, texts: Collection[str] = ()
) -> Checked:
    """Return rows that come with their types: only their dates are looked at, and columns that are texts yet.

    Args:
        frame: the declared columns, and `_corrupt_record`: what else is wrong with a row. Where there is a
            column `FILE_OF_ROW`, it tells the row's file.
        declared: the columns.
        forms: how texts are written, and which years are plausible.
        texts: columns that are read as texts.
    """
    from pyspark.sql import functions as F

    bad: dict[str, Column] = {}
    columns = []
    for field in declared.fields:
        column = column_of(field.name)
        if field.name in texts:
            column = value_of(column, field.dataType, forms)
            bad[field.name] = refused(column_of(field.name), column, field.dataType, forms)
            columns.append(column.alias(field.name))
            continue
        condition = implausible(column, field.dataType, forms.years)
        if condition is not None:
            bad[field.name] = condition
        if field.name in bad and field.dataType.typeName() == "date":
            # Python has no year beyond 9999: a refused date is not to get into a profile.
            column = F.when(~bad[field.name], column).alias(field.name)
        columns.append(column)
    corrupt = F.col(CORRUPT)
    if bad:
        corrupt = F.coalesce(corrupt, F.when(any_of(list(bad.values())), F.lit("date"))).alias(CORRUPT)

    def faults() -> DataFrame:
        listed = [F.when(F.col(CORRUPT).isNotNull(), _fault(ROW, F.col(CORRUPT)))]
        listed += [F.when(condition, _fault(name, column_of(name))) for name, condition in bad.items()]
        told = frame if FILE_OF_ROW in frame.columns else frame.withColumn(FILE_OF_ROW, F.lit(""))
        return _exploded(told, listed)

    return Checked(frame.select(*columns, corrupt), faults)


def _marked(rows: DataFrame, declared: StructType, bad: Sequence[Column]) -> DataFrame:
    from pyspark.sql import functions as F

    corrupt = F.col(CORRUPT)
    if bad:
        corrupt = F.coalesce(corrupt, F.when(any_of(list(bad)), F.lit("value"))).alias(CORRUPT)
    return rows.select(*(column_of(name) for name in declared.names), corrupt)


def _listed(
    rows: DataFrame, fields: Sequence[StructField], bad: Sequence[Column], texts: Sequence[Column]
) -> DataFrame:
    """Return each refused value as a row with column, text and file; an unparsable row as a whole."""
    from pyspark.sql import functions as F

    parses = F.col(CORRUPT).isNull()
    # Spark reads `_corrupt_record` only beside another column, so that all of them are named.
    beside = F.to_json(F.struct(*(column_of(name) for name in rows.columns)))
    listed = [F.when(~parses, _fault(ROW, F.coalesce(F.col(CORRUPT), beside)))]
    for field, condition, text in zip(fields, bad, texts, strict=True):
        listed.append(F.when(parses & condition, _fault(field.name, text)))
    return _exploded(rows, listed)


def _fault(name: str, text: Column) -> Column:
    from pyspark.sql import functions as F

    return F.struct(F.lit(name).alias(COLUMN), text.cast("string").alias(TEXT))


def _exploded(rows: DataFrame, listed: Sequence[Column]) -> DataFrame:
    from pyspark.sql import functions as F

    found = F.explode(F.filter(F.array(*listed), lambda each: each.isNotNull()))
    return rows.select(found.alias("fault"), F.col(FILE_OF_ROW)).select(
        F.col(f"fault.{COLUMN}"), F.col(f"fault.{TEXT}"), F.col(FILE_OF_ROW).alias(FILE)
    )


def _text(field: StructField) -> str:
    return f"text of {field.name}"
