"""What files of Parquet and ORC say of their types and moments that Spark's reader does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql.types import DataType, StructType

_WIDEST_DECIMAL: Final = 38
_SPARK_WROTE: Final = b"org.apache.spark.version"


def has_nanos(footer: Any) -> bool:
    """Return whether a column, or a part of it, is a timestamp in nanoseconds (or INT96, as Arrow has it)."""
    import pyarrow as pa

    return any(pa.types.is_timestamp(kind) and kind.unit == "ns" for _, kind in _leaves(footer))


def unsupported(footer: Any) -> Iterator[tuple[str, str, str]]:
    """Name, type and what to write instead of each column that Spark cannot read."""
    import pyarrow as pa

    for name, kind in _leaves(footer):
        if pa.types.is_time(kind):
            yield name, f"a time of day ({kind})", "text, or as a whole number of microseconds"
        elif pa.types.is_float16(kind):
            yield name, "a float of 16 bits", "float32"
        elif pa.types.is_decimal(kind) and kind.precision > _WIDEST_DECIMAL:
            yield name, str(kind), f"a decimal of at most {_WIDEST_DECIMAL} digits, or text"


def as_meant(found: StructType, footer: Any) -> StructType:
    """Spark's schema with a moment where Spark gives a count of nanoseconds, and void where nothing is kept.

    Args:
        found: with `nanosAsLong`, by which Spark reads nanoseconds as BIGINT.
        footer: Arrow's schema of the same file.
    """
    from pyspark.sql.types import StructField, StructType

    return StructType(
        [
            StructField(field.name, _meant(field.dataType, footer.field(index).type))
            for index, field in enumerate(found.fields)
        ]
    )


def int96_loss(path: str) -> tuple[str, str] | None:
    """Return the first INT96 column with a digit below a microsecond, and such a value; None without any.

    Spark would cut it off without a word. Its own files have none, and are not looked at.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    leaves = [file.schema.column(index) for index in range(len(file.schema))]
    names = dict.fromkeys(leaf.path.split(".")[0] for leaf in leaves if leaf.physical_type == "INT96")
    if not names or _SPARK_WROTE in (file.metadata.metadata or {}):
        return None
    micros = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    for name in names:
        batches = zip(file.iter_batches(columns=[name]), micros.iter_batches(columns=[name]), strict=True)
        for exact, cut in batches:
            lost = _first_loss(exact.column(0), cut.column(0))
            if lost is not None:
                return name, lost
    return None


def orc_loss(path: str) -> tuple[str, str] | None:
    """Return the same of ORC, whose moments are all of nanoseconds."""
    import pyarrow as pa
    from pyarrow import orc

    file = orc.ORCFile(path)
    names = list(dict.fromkeys(name.split(".")[0] for name, kind in _leaves(file.schema) if _is_moment(kind)))
    if not names or _SPARK_WROTE in (file.metadata or {}):
        return None
    for stripe in range(file.nstripes):
        batch = file.read_stripe(stripe, columns=names)
        for name in names:
            for moments in _moments(batch.column(name), "ns"):
                whole = moments.cast(pa.int64()).drop_null().to_numpy()
                rest = whole % 1000
                if rest.any():
                    first = int(rest.nonzero()[0][0])
                    return name, _with_rest(int(whole[first]) // 1000, int(rest[first]))
    return None


def _is_moment(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind))


def _with_rest(micros: int, nanos: int) -> str:
    import numpy as np

    return f"{np.datetime64(micros, 'us')} and {nanos} ns"


def _first_loss(exact: Any, cut: Any) -> str | None:
    import numpy as np
    import pyarrow as pa

    for nanos, micros in zip(_moments(exact, "ns"), _moments(cut, "us"), strict=True):
        whole, kept = nanos.cast(pa.int64()).drop_null(), micros.cast(pa.int64()).drop_null()
        with np.errstate(over="ignore"):
            # Beyond 2262 both wrap around alike, so that the difference stays right.
            rest = whole.to_numpy() - kept.to_numpy() * np.int64(1000)
        places = np.flatnonzero(rest)
        if len(places):
            place = int(places[0])
            return _with_rest(int(kept[place].as_py()), int(rest[place]))
    return None


def _moments(array: Any, unit: str) -> Iterator[Any]:
    """Yield the arrays of moments within an array, in order."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _moments(part, unit)
    elif pa.types.is_map(kind):
        yield from _moments(array.keys, unit)
        yield from _moments(array.items, unit)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _moments(array.flatten(), unit)
    elif pa.types.is_timestamp(kind) and kind.unit == unit:
        yield array


def _meant(found: DataType, kind: Any) -> DataType:
    import pyarrow as pa
    from pyspark.sql.types import (
        ArrayType,
        LongType,
        MapType,
        NullType,
        StructField,
        StructType,
        TimestampNTZType,
        TimestampType,
    )

    if pa.types.is_null(kind):
        return NullType()
    if isinstance(found, StructType) and pa.types.is_struct(kind):
        fields = [
            StructField(field.name, _meant(field.dataType, kind.field(index).type))
            for index, field in enumerate(found.fields)
        ]
        return StructType(fields)
    if isinstance(found, MapType) and pa.types.is_map(kind):
        return MapType(_meant(found.keyType, kind.key_type), _meant(found.valueType, kind.item_type))
    if isinstance(found, ArrayType) and hasattr(kind, "value_type"):
        return ArrayType(_meant(found.elementType, kind.value_type))
    if isinstance(found, LongType) and pa.types.is_timestamp(kind):
        return TimestampNTZType() if kind.tz is None else TimestampType()
    return found


def _leaves(footer: Any) -> Iterator[tuple[str, Any]]:
    """Dotted name and Arrow type of everything that holds no further types."""
    for field in footer:
        yield from _within(field.name, field.type)


def _within(name: str, kind: Any) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        for field in kind:
            yield from _within(f"{name}.{field.name}", field.type)
    elif pa.types.is_map(kind):
        yield from _within(f"{name}.key", kind.key_type)
        yield from _within(f"{name}.value", kind.item_type)
    elif pa.types.is_nested(kind) and hasattr(kind, "value_type"):
        yield from _within(f"{name}.element", kind.value_type)
    else:
        yield name, kind
