"""Columns that stand in the names of folders (`region=eu`), not in the files below them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError
from vintage.data.strict import refused, value_of
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField, StructType

    from vintage.data.raw import RawFiles
    from vintage.data.strict import Forms

# What Hive and Spark name the folder of rows without a value.
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"


def in_folders(raw: RawFiles) -> dict[str, str]:
    """Return the columns in the folder names of raw files, each with an example: `region` → `region=eu`."""
    return {name: f"{name}={value}" for file in raw.files for name, value in _named(file.path)}


def split_columns(schema: StructType, names: Collection[str]) -> tuple[StructType, list[StructField]]:
    """Return the columns that the files hold, and those that stand in folders."""
    from pyspark.sql.types import StructType

    folders = [field for field in schema.fields if field.name in names]
    return StructType([field for field in schema.fields if field not in folders]), folders


def check_folders(names: Iterable[str], raw: RawFiles, day: date) -> None:
    """Require one folder for each partition column in the path of each file.

    Raises:
        DataError: names a file, and its folders.
    """
    for file in raw.files:
        found = [name for name, _ in _named(file.path)]
        for name in names:
            if found.count(name) != 1:
                folders = PurePosixPath(file.path).parent.as_posix()
                raise DataError(
                    f"raw file {raw.root / file.path} of {day} does not lie in one folder {name}=…",
                    expected=f"each file below one folder for each column in source.partition_columns: "
                    f"{', '.join(f'{each}=…' for each in names)}",
                    found="no folder" if folders == "." else f"the folders {folders}",
                    fix="Move the file, or correct source.partition_columns.",
                )


def with_folder_columns(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Return the rows of files with the values of their folders, as texts."""
    return frame.select("*", *(_value(name).alias(name) for name in names)) if names else frame


def folder_values(fields: Iterable[StructField], forms: Forms) -> tuple[dict[str, Column], list[Column]]:
    """Return the values of partition columns that are still text, and what is invalid or null in each row."""
    from pyspark.sql import functions as F

    values, bad = {}, []
    for field in fields:
        text = F.col(quoted(field.name))
        values[field.name] = value_of(text, field.dataType, forms)
        wrong = refused(text, values[field.name], field.dataType, forms)
        kind = field.dataType.simpleString()
        bad.append(F.when(wrong, F.concat(F.lit(f"no {kind}: folder {field.name}="), text)))
    return values, bad


def hint(missing: Iterable[str], raw: RawFiles) -> str:
    """Return what to declare when missing columns are in folder names; empty otherwise."""
    folders = in_folders(raw)
    found = [name for name in folders if name.casefold() in {each.casefold() for each in missing}]
    if not found:
        return ""
    shown = ", ".join(folders[name] for name in found)
    return f"A folder's name is no column unless it is declared ({shown}): {_declared(found)}."


def _declared(names: Sequence[str]) -> str:
    return f"source.partition_columns: [{', '.join(names)}]"


def _named(path: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in PurePosixPath(path).parent.parts)
    return [(name, value) for name, sign, value in parts if sign and name]


def _value(name: str) -> Column:
    """Return the text of a row's folder, its escapes undone; a percent sign that begins none is one."""
    from pyspark.sql import functions as F

    def plain(text: Column) -> Column:
        # A plus is a plus.
        return F.coalesce(F.try_url_decode(F.replace(text, F.lit("+"), F.lit("%2B"))), text)

    # The deepest folder of the name: one above the date may have it too.
    pattern = rf"^.*/{_java(name)}=([^/]*)/"
    found = F.regexp_extract(plain(F.col("_metadata.file_path")), pattern, 1)
    return F.when(found != _NULL, plain(found))


def _java(name: str) -> str:
    return re.sub(r"([^\w])", r"\\\1", name, flags=re.ASCII) if name.isascii() else rf"\Q{name}\E"
