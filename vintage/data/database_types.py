"""Columns of a database of which Spark's JDBC reader would change values: they are read as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructField

_MICROS: Final = 6
_MOMENTS: Final = frozenset({"timestamp", "timestamp_ntz"})
# What Spark keeps, beside a column, of what the driver says.
_PLACES: Final = "scale"
_TIME: Final = "logical_time_type"


def is_time(field: StructField) -> bool:
    """Whether a column is a TIME, which Spark makes a moment of 1970-01-01."""
    return bool(field.metadata.get(_TIME))


def is_changed(field: StructField) -> bool:
    """Whether Spark would change values of a column without a word.

    It rounds a NUMERIC of any number of digits to 18 places (of Oracle 10), and cuts off what a TIMESTAMP
    has below a microsecond.
    """
    from pyspark.sql.types import DecimalType

    places = field.metadata.get(_PLACES)
    if isinstance(field.dataType, DecimalType):
        return places is not None and places != field.dataType.scale
    return is_time(field) or (field.dataType.typeName() in _MOMENTS and (places or 0) > _MICROS)


def meant_by_text(field: StructField, declared: DataType) -> DataType:
    """The type to hold a column to that is read as a text.

    A number may be of any digits: whether they fit the contract's is seen by value. Whatever it is, it may be
    declared a text; a TIME is one.
    """
    from pyspark.sql.types import StringType

    if is_time(field):
        return StringType()
    return declared if isinstance(declared, type(field.dataType) | StringType) else field.dataType
