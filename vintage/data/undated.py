"""Which rows are a date's by a column; those without a day are counted, and refused unless declared."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError, SpecError
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame, Observation
    from pyspark.sql.types import StructField, StructType

    from vintage.spec import Source

UNDATED: Final = "undated_rows"
"""Where a manifest keeps the count, and what a pipeline calls how many there may be."""

_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])"
_LONGEST: Final = 40
_EXAMPLES: Final = 3


def on_day(schema: StructType, name: str, day: date) -> Column:
    """Return whether a row's date column lies on the day; in a form that Spark hands on to a database.

    Raises:
        SpecError: there is no such column, or its type has no day.
    """
    from pyspark.sql import functions as F

    field = _field(schema, name)
    column = F.col(quoted(field.name))
    match field.dataType.typeName():
        case "date":
            return column == F.lit(day)
        case "timestamp" | "timestamp_ntz" as kind:
            first, after = (F.expr(f"{kind} '{each} 00:00:00'") for each in (day, day + timedelta(days=1)))
            return (column >= first) & (column < after)
    return column.startswith(day.isoformat()) & ~has_no_day(schema, name)


def has_no_day(schema: StructType, name: str) -> Column:
    """Return whether a row belongs to no date: null, or a text that begins with no day of the calendar.

    Raises:
        SpecError: there is no such column, or its type has no day.
    """
    from pyspark.sql import functions as F

    field = _field(schema, name)
    column = F.col(quoted(field.name))
    if field.dataType.typeName() != "string":
        return column.isNull()
    told = F.regexp_like(column, F.lit(_DAY)) & F.substring(column, 1, 10).try_cast("date").isNotNull()
    return ~F.coalesce(told, F.lit(False))


def of_day(
    rows: DataFrame, schema: StructType, name: str, day: date, *, corrupt: str
) -> tuple[DataFrame, Observation]:
    """Return the rows of a day and the unparsable ones; and a counter of the rows without a day."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen = Observation()
    parsed = F.col(corrupt).isNull()
    counted = rows.observe(seen, F.count_if(has_no_day(schema, name) & parsed).alias(UNDATED))
    return counted.where(on_day(schema, name, day) | ~parsed), seen


def examples(rows: DataFrame, schema: StructType, name: str) -> list[str]:
    """Return the values of the date column in rows without a day, the most frequent first, with counts."""
    from pyspark.sql import functions as F

    value = F.substring(F.col(quoted(name)).cast("string"), 1, _LONGEST).alias("value")
    counted = rows.where(has_no_day(schema, name)).groupBy(value).count()
    first = counted.orderBy(F.desc("count"), "value").limit(_EXAMPLES).collect()
    return [f"{'null' if row['value'] is None else repr(row['value'])} ({row['count']})" for row in first]


def require_dated(
    source: Source,
    count: int,
    where: str,
    *,
    found: Sequence[str] = (),
) -> None:
    """Refuse rows without a day, if there are more than the source declares.

    Raises:
        DataError: reports how many, and what stands in their date column.
    """
    if source.undated_rows == "allow" or count <= source.undated_rows:
        return
    raise DataError(
        f"{count} rows of {where} have no day in {source.date_column}, and belong to no date",
        expected=f"{source.undated_rows or 'no'} such rows (source.undated_rows); a DATE, a TIMESTAMP or a "
        "text that begins with YYYY-MM-DD",
        found=", ".join(found) or f"{count} of them when the snapshot was taken",
        fix="Correct the delivery; or declare source.undated_rows: allow, or how many may be left out.",
    )


def _field(schema: StructType, name: str) -> StructField:
    field = next((each for each in schema.fields if each.name.casefold() == name.casefold()), None)
    if field is None or field.dataType.typeName() not in {"date", "timestamp", "timestamp_ntz", "string"}:
        raise SpecError(
            f"source.date_column {name} has no day",
            expected="a column of type DATE, TIMESTAMP or STRING",
            found=field.dataType.simpleString() if field else f"the columns {', '.join(schema.names)}",
        )
    return field
