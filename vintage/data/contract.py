"""The schema contract: a date's raw columns are the declared ones by name and type, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vintage.errors import DataError
from vintage.data.folder_columns import hint
from vintage.data.lossless import further, mismatches
from vintage.spec.ddl import parse_ddl
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql.types import StructType

    from vintage.data.raw import RawFiles

VECTOR: Final = "VECTOR"
_NO_HEADER: Final = (
    "None of the columns is named by the first line: it may be no header (source.options.header), its fields may "
    "be separated otherwise (sep), or lines of something else may come before it (comment)."
)


def check_columns(
    declared: StructType,
    found: StructType,
    *,
    typed: bool,
    day: date,
    where: str,
    folders: RawFiles | None = None,
    first_line: bool = False,
) -> None:
    """Compare the columns of a file with those declared; report every difference at once.

    Args:
        declared: the contract.
        found: the columns of the file, as Spark's reader sees them.
        typed: whether the format itself carries types (Parquet does, CSV does not).
        day: the partition date.
        where: the file, for the message.
        folders: the raw files, whose folders' names may be what is missing.
        first_line: whether the columns are named by the first line of a text.

    Raises:
        DataError: a column is missing, added or of another type.
    """
    theirs = {field.name: field.dataType for field in found.fields}
    ours = {field.name: field.dataType for field in declared.fields}
    missing = [name for name in ours if name not in theirs]
    added = [name for name in theirs if name not in ours]
    retyped = [
        mismatch
        for name, kind in ours.items()
        if typed and name in theirs
        for mismatch in mismatches(name, theirs[name], kind)
    ]
    if not typed:
        retyped = [more for name in ours if name in theirs for more in further(name, theirs[name], ours[name])]
    if missing or added or retyped:
        differences = [
            _named("missing", missing),
            _named("added", added),
            f"{'retyped: ' if typed else ''}{', '.join(retyped)}",
        ]
        raise DataError(
            f"the raw columns of {day} are not those of the contract ({where})",
            expected=f"{len(ours)} columns: {', '.join(ours)}",
            found="; ".join(filter(None, differences)),
            fix=(hint(missing, folders) if folders else "")
            or (_NO_HEADER if first_line and len(missing) == len(ours) else "")
            or "Correct the delivery, or change source.schema if the change is meant.",
        )


def check_unique(found: Sequence[str], *, day: date, where: str) -> None:
    """Refuse two columns of one name; Spark ignores case.

    Raises:
        DataError: names the columns that stand twice.
    """
    folded = [name.casefold() for name in found]
    twice = sorted({name for name in found if folded.count(name.casefold()) > 1})
    if twice:
        raise DataError(
            f"a column occurs twice in the raw data of {day} ({where})",
            expected="names that differ by more than capital letters",
            found=", ".join(twice),
            fix="Correct the delivery.",
        )


def struct_of(schema_ddl: str) -> StructType:
    """Return the schema of a DDL text; a column of type VECTOR is one of pyspark.ml's vectors."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import StructField, StructType

    columns = parse_ddl(schema_ddl, vectors=True)
    if not any(column.type == VECTOR for column in columns):
        return cast("StructType", StructType.fromDDL(schema_ddl))
    fields: list[StructField] = []
    for column in columns:
        if column.type == VECTOR:
            fields.append(StructField(column.name, VectorUDT()))
        else:
            fields += cast("StructType", StructType.fromDDL(f"{quoted(column.name)} {column.type}")).fields
    return StructType(fields)


def schema_text(schema: StructType) -> str:
    """Return the DDL text that `struct_of` reads."""
    return ", ".join(
        f"{quoted(field.name)} {VECTOR if kind == 'vector' else kind}"
        for field in schema.fields
        for kind in [field.dataType.simpleString()]
    )


def _named(what: str, names: Sequence[str]) -> str:
    # A name with blanks at its ends, or a line's end in it, would not be seen as what it is.
    shown = (name if name.isprintable() and name == name.strip() else repr(name) for name in names)
    return f"{what}: {', '.join(shown)}" if names else ""
