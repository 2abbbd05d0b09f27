"""From a file's type to the contract's: which conversions lose nothing, and how each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column
    from pyspark.sql.types import DataType

_NANOS_IN_MICRO: Final = 1000
_MOMENTS: Final = frozenset({"timestamp", "timestamp_ntz"})
# Whole numbers: how many decimal digits one can have, and in which wider numbers all are exact.
_DIGITS: Final[Mapping[str, int]] = {"byte": 3, "short": 5, "integer": 10, "long": 19}
_WIDER: Final[Mapping[str, frozenset[str]]] = {
    "byte": frozenset({"short", "integer", "long", "float", "double"}),
    "short": frozenset({"integer", "long", "float", "double"}),
    "integer": frozenset({"long", "double"}),
    "float": frozenset({"double"}),
}


def mismatches(name: str, found: DataType, declared: DataType) -> Iterator[str]:
    """Yield why a column cannot be read under the contract without a loss; nothing where it can.

    Fields of structs are matched by name; a number may be narrower than declared, and void is null.
    """
    from pyspark.sql.types import ArrayType, MapType, StructType

    if found.simpleString() == declared.simpleString() or found.typeName() == "void":
        return
    if isinstance(found, StructType) and isinstance(declared, StructType):
        yield from (
            f"{name} lacks field {lacking}" for lacking in declared.names if lacking not in found.names
        )
        yield from (f"{name} has field {more} too" for more in found.names if more not in declared.names)
        for field in declared.fields:
            if field.name in found.names:
                yield from mismatches(f"{name}.{field.name}", found[field.name].dataType, field.dataType)
    elif isinstance(found, ArrayType) and isinstance(declared, ArrayType):
        yield from mismatches(f"{name}'s element", found.elementType, declared.elementType)
    elif isinstance(found, MapType) and isinstance(declared, MapType):
        yield from mismatches(f"{name}'s key", found.keyType, declared.keyType)
        yield from mismatches(f"{name}'s value", found.valueType, declared.valueType)
    elif not _widens(found, declared):
        yield f"{name} is {found.simpleString()} instead of {declared.simpleString()}"


def further(name: str, found: DataType, declared: DataType) -> Iterator[str]:
    """The fields of structs that a text's rows have and the contract does not: they would be dropped."""
    from pyspark.sql.types import ArrayType, StructType

    if isinstance(found, StructType) and isinstance(declared, StructType):
        known = {field.name.casefold(): field for field in declared.fields}
        for field in found.fields:
            if field.name.casefold() in known:
                theirs = known[field.name.casefold()]
                yield from further(f"{name}.{field.name}", field.dataType, theirs.dataType)
            else:
                yield f"{name} has field {field.name} too"
    elif isinstance(found, ArrayType) and isinstance(declared, ArrayType):
        yield from further(f"{name}'s element", found.elementType, declared.elementType)


def converted(column: Column, read: DataType, meant: DataType, declared: DataType) -> Column:
    """Return a column as Spark reads it, in the contract's type; `mismatches` has none.

    Args:
        column: the values.
        read: their type as Spark reads it.
        meant: what they are: a count of nanoseconds is a moment.
        declared: the contract's type.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    if meant.typeName() == "void":
        return F.lit(None).cast(declared)
    if read.simpleString() == declared.simpleString():
        return column
    match read, meant, declared:
        case StructType(), StructType(), StructType():
            fields = [
                converted(
                    column.getField(name), read[name].dataType, meant[name].dataType, declared[name].dataType
                ).alias(name)
                for name in declared.names
            ]
            return F.when(column.isNotNull(), F.struct(*fields))
        case ArrayType(), ArrayType(), ArrayType():
            inner = read.elementType, meant.elementType, declared.elementType
            return F.transform(column, lambda each: converted(each, *inner))
        case MapType(), MapType(), MapType():
            keys, values = (
                (read.keyType, meant.keyType, declared.keyType),
                (read.valueType, meant.valueType, declared.valueType),
            )
            entries = F.transform(
                F.map_entries(column),
                lambda each: F.struct(converted(each["key"], *keys), converted(each["value"], *values)),
            )
            return F.map_from_entries(entries)
    if _is_count(read, meant):
        micros = F.call_function("div", column, F.lit(_NANOS_IN_MICRO))
        column = F.timestamp_micros(micros).cast(meant)
    return column.cast(declared)


def losses(column: Column, read: DataType, meant: DataType) -> Column | None:
    """Return whether a value has digits below a microsecond, which Spark cannot keep; None where none can."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    found: list[Column] = []
    match read, meant:
        case StructType(), StructType():
            found = [
                lost
                for name in read.names
                if (lost := losses(column.getField(name), read[name].dataType, meant[name].dataType))
                is not None
            ]
        case ArrayType(), ArrayType():
            found = _any_of(column, read.elementType, meant.elementType)
        case MapType(), MapType():
            found = [
                *_any_of(F.map_keys(column), read.keyType, meant.keyType),
                *_any_of(F.map_values(column), read.valueType, meant.valueType),
            ]
        case _:
            if _is_count(read, meant):
                return F.coalesce(column % _NANOS_IN_MICRO != 0, F.lit(False))
    if not found:
        return None
    together = found[0]
    for each in found[1:]:
        together = together | each
    return together


def _any_of(column: Column, read: DataType, meant: DataType) -> list[Column]:
    from pyspark.sql import functions as F

    if losses(F.lit(None), read, meant) is None:
        return []

    def lost(each: Column) -> Column:
        found = losses(each, read, meant)
        return F.lit(False) if found is None else found

    return [F.coalesce(F.exists(column, lost), F.lit(False))]


def _is_count(read: DataType, meant: DataType) -> bool:
    return read.typeName() == "long" and meant.typeName() in _MOMENTS


def _widens(found: DataType, declared: DataType) -> bool:
    from pyspark.sql.types import DecimalType

    kind = found.typeName()
    if isinstance(declared, DecimalType):
        whole = declared.precision - declared.scale
        if isinstance(found, DecimalType):
            return found.scale <= declared.scale and found.precision - found.scale <= whole
        return _DIGITS.get(kind, whole + 1) <= whole
    return declared.typeName() in _WIDER.get(kind, frozenset())
