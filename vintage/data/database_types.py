"""Columns of a database of which Spark's JDBC reader would change values: they are read as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pyspark.sql.types import DataType, StructField

_MICROS: Final = 6
_MOMENTS: Final = frozenset({"timestamp", "timestamp_ntz"})
# What Spark keeps, beside a column, of what the driver says.
_PLACES: Final = "scale"
_TIME: Final = "logical_time_type"


def is_time(field: StructField) -> bool:
    """Return whether a column is a TIME, which Spark makes a moment of 1970-01-01."""
    return bool(field.metadata.get(_TIME))


def is_changed(field: StructField) -> bool:
    """Return whether Spark would change values of a column, or of an array's elements, without a word.

    It rounds a NUMERIC of any number of digits to 18 places (of Oracle 10), and cuts off what a TIMESTAMP
    has below a microsecond.
    """
    from pyspark.sql.types import DecimalType

    places = field.metadata.get(_PLACES)
    kind = _element(field.dataType)
    if isinstance(kind, DecimalType):
        return places is not None and places != kind.scale
    return is_time(field) or (kind.typeName() in _MOMENTS and (places or 0) > _MICROS)


def require_whole(fields: Iterable[StructField], partitioned_by: str, day: date, where: str) -> None:
    """Refuse columns that Spark would change and that cannot be read as texts either.

    Args:
        fields: the columns as Spark's JDBC reader has them.
        partitioned_by: casefolded name of the column by which tasks share the rows: it keeps its type.
        day: the date that is read, for the message.
        where: what is read, for the message.

    Raises:
        DataError: names the columns and their types.
    """
    from pyspark.sql.types import ArrayType

    found = [
        f"{field.name} ({field.dataType.simpleString()}, {field.metadata[_PLACES]} places in the database)"
        for field in fields
        if is_changed(field)
        and not is_time(field)
        and (isinstance(field.dataType, ArrayType) or field.name.casefold() == partitioned_by)
    ]
    if found:
        raise DataError(
            f"Spark would round or cut values of {where} for {day}",
            expected="NUMERIC with its precision and scale, and TIMESTAMP of 6 places at most, within arrays "
            "and in partitionColumn",
            found="; ".join(found),
            fix="Cast the column in source.query, for example CAST(price AS NUMERIC(20, 4)[]) or "
            "CAST(at AS TIMESTAMP(6)).",
        )


def _element(kind: DataType) -> DataType:
    """Return the type of an array's elements, however deep; other types as they are."""
    from pyspark.sql.types import ArrayType

    return _element(kind.elementType) if isinstance(kind, ArrayType) else kind


def meant_by_text(field: StructField, declared: DataType) -> DataType:
    """Return the type to hold a column to that is read as a text.

    A number may be of any digits: whether they fit the contract's is seen by value. Whatever it is, it may be
    declared a text; a TIME is one.
    """
    from pyspark.sql.types import StringType

    if is_time(field):
        return StringType()
    return declared if isinstance(declared, type(field.dataType) | StringType) else field.dataType
