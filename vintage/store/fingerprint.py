"""The content fingerprint of rows: the same for the same rows in any order and any partitioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType

MASK: Final = 2**64 - 1
VECTOR: Final = "vector"
SPARSE: Final = 0
SECOND_SEED: Final = 7_046_029_254_386_353_131


def fingerprint_sql(schema: StructType) -> str:
    """Return a SQL aggregate that gives the four partial sums and the count of `fingerprint`.

    Each row is hashed twice by xxHash64, every column followed by whether it is null (Spark's hash skips
    nulls, so that without it two columns could swap a null unnoticed). Sums are kept as 32-bit halves, which
    holds up to 2³¹ rows without overflow. Of vectors it hashes what `with_vector_contents` adds.
    """
    first, second = row_hash_sql(schema), row_hash_sql(schema, seed=SECOND_SEED)
    sums = ", ".join(
        f"'{name}_low', sum({hashed} & 4294967295L), '{name}_high', sum(shiftrightunsigned({hashed}, 32))"
        for name, hashed in (("a", first), ("b", second))
    )
    return f"named_struct({sums}, 'rows', count(1))"


def row_hash_sql(schema: StructType, *, seed: int | None = None) -> str:
    """Return a SQL expression that hashes a row to 64 bits; of vectors, what `with_vector_contents` adds."""
    columns = [_hashed(field.name, field.dataType) for field in schema]
    salt = [] if seed is None else [f"{seed}L"]
    return f"xxhash64({', '.join([*salt, *columns])})"


def fingerprint(sums: Mapping[str, int | None]) -> str:
    """Return the fingerprint `<32 hexadecimal digits>-<rows>`: two sums of row hashes, and the count."""
    halves = [
        ((sums[f"{name}_low"] or 0) + ((sums[f"{name}_high"] or 0) << 32)) & MASK for name in ("a", "b")
    ]
    return f"{halves[0]:016x}{halves[1]:016x}-{sums['rows']}"


def with_vector_contents(rows: DataFrame) -> tuple[DataFrame, list[str]]:
    """Return the rows with the hashable content of each vector, and the names of the added columns.

    A vector is its length and its entries other than zero, whether it is kept dense or sparse.
    """
    from pyspark.sql import functions as F

    added = {}
    for field in rows.schema:
        if field.dataType.simpleString() == VECTOR:
            vector = F.unwrap_udt(F.col(quoted(field.name)))
            values = vector["values"]
            dense = F.transform(values, lambda value, index: F.struct(index.alias("i"), value.alias("v")))
            sparse = F.transform(
                F.arrays_zip(vector["indices"], values),
                lambda pair: F.struct(pair["indices"].alias("i"), pair["values"].alias("v")),
            )
            entries = F.when(vector["type"] == SPARSE, sparse).otherwise(dense)
            length = F.coalesce(vector["size"], F.size(values))
            added[_content(field.name)] = F.struct(length, F.filter(entries, lambda entry: entry["v"] != 0.0))
    return (rows.withColumns(added) if added else rows), list(added)


def _hashed(name: str, kind: DataType) -> str:
    column = quoted(name)
    value = quoted(_content(name)) if kind.simpleString() == VECTOR else _comparable(column, kind)
    return f"{value}, isnull({column})"


def _comparable(value: str, kind: DataType, depth: int = 0) -> str:
    """Return a value as SQL that Spark can hash: a map as sorted entries, a variant as JSON and type.

    What Spark can hash stays as it is, so that its hash stays too.
    """
    from pyspark.sql.types import ArrayType, MapType, StructType

    if not _has(kind, "map", "variant"):
        return value
    inner = f"x{depth}"
    match kind:
        case MapType():
            entries = f"map_entries({value})"
            if _has(kind.keyType, "map", "variant") or _has(kind.valueType, "map", "variant"):
                # The key is what the entries are sorted by, and no two are the same.
                pair = f"{inner}.key, {_nullable(f'{inner}.value', kind.valueType, depth + 1)}"
                entries = f"transform({entries}, {inner} -> struct({pair}))"
            return f"array_sort({entries})"
        case ArrayType():
            return f"transform({value}, {inner} -> struct({_nullable(inner, kind.elementType, depth + 1)}))"
        case StructType():
            fields = ", ".join(
                _nullable(f"{value}.{quoted(field.name)}", field.dataType, depth + 1) for field in kind.fields
            )
            return f"if(isnull({value}), NULL, struct({fields}))"
    return f"struct(to_json({value}), schema_of_variant({value}))"


def _nullable(value: str, kind: DataType, depth: int) -> str:
    return f"{_comparable(value, kind, depth)}, isnull({value})"


def _has(kind: DataType, *names: str) -> bool:
    """Return whether a type is of one of those names, or holds one that is."""
    from pyspark.sql.types import ArrayType, MapType, StructType

    if kind.typeName() in names:
        return True
    match kind:
        case MapType():
            return _has(kind.keyType, *names) or _has(kind.valueType, *names)
        case ArrayType():
            return _has(kind.elementType, *names)
        case StructType():
            return any(_has(field.dataType, *names) for field in kind.fields)
    return False


def _content(name: str) -> str:
    return f"content of {name}"


def quoted(name: str) -> str:
    """Return a column's name as SQL and Spark's functions take it, whatever characters are in it."""
    return f"`{name.replace('`', '``')}`"
