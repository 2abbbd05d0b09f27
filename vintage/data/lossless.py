"""From a file's type to the contract's: which conversions lose nothing, and how each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.data.strict import any_of, or_false

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyspark.sql import Column
    from pyspark.sql.types import DataType

    _Test = Callable[[Column, DataType, DataType], Column | None]

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


def losses(column: Column, read: DataType, meant: DataType) -> Iterator[tuple[str, Column]]:
    """Yield each kind of loss that a column's type allows, with whether a value has it.

    Spark cuts digits below a microsecond, shows other bytes for a text that is not UTF-8, and finds one value
    of a map's key that occurs twice.

    Args:
        column: the values.
        read: their type as Spark reads it.
        meant: what they are: a count of nanoseconds is a moment.
    """
    for what, test in _LOSSES.items():
        if (lost := _anywhere(column, read, meant, test)) is not None:
            yield what, lost


def _anywhere(column: Column, read: DataType, meant: DataType, test: _Test) -> Column | None:
    """Return whether a test is true of a value or of a part of it; None where none can have it."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    def within(parts: Column, read: DataType, meant: DataType) -> Column | None:
        if _anywhere(F.lit(None), read, meant, test) is None:
            return None
        return F.exists(parts, lambda each: or_false(_anywhere(each, read, meant, test)))

    found = [test(column, read, meant)]
    match read, meant:
        case StructType(), StructType():
            found += [
                _anywhere(column.getField(name), read[name].dataType, meant[name].dataType, test)
                for name in read.names
            ]
        case ArrayType(), ArrayType():
            found.append(within(column, read.elementType, meant.elementType))
        case MapType(), MapType():
            found.append(within(F.map_keys(column), read.keyType, meant.keyType))
            found.append(within(F.map_values(column), read.valueType, meant.valueType))
    conditions = [F.coalesce(each, F.lit(False)) for each in found if each is not None]
    return any_of(conditions) if conditions else None


def _below_a_microsecond(column: Column, read: DataType, meant: DataType) -> Column | None:
    return column % _NANOS_IN_MICRO != 0 if _is_count(read, meant) else None


def _not_utf8(column: Column, read: DataType, meant: DataType) -> Column | None:
    from pyspark.sql import functions as F

    return ~F.is_valid_utf8(column) if read.typeName() == "string" else None


def _key_twice(column: Column, read: DataType, meant: DataType) -> Column | None:
    from pyspark.sql import functions as F
    from pyspark.sql.types import MapType

    if not isinstance(read, MapType):
        return None
    keys = F.map_keys(column)
    return F.size(F.array_distinct(keys)) != F.size(keys)


_LOSSES: Final[Mapping[str, _Test]] = {
    "has digits below a microsecond": _below_a_microsecond,
    "is not UTF-8": _not_utf8,
    "has a key twice": _key_twice,
}


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
