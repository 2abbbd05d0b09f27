"""Rows of one date that share their key across files: a file that was delivered twice under two names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from vintage.data.raw import RawFiles

_FILE: Final = "vintage file"
_MOST_NAMED: Final = 3


def refuse_doubled(
    written: DataFrame,
    read: Callable[[RawFiles], DataFrame],
    raw: RawFiles,
    key: Sequence[str],
    where: str,
    day: date,
) -> None:
    """Refuse rows of several files that share their key; within one file the SQL must distinguish them.

    Args:
        written: the date's rows.
        read: gives the rows of some of the files.
        raw: the date's files.
        key: its columns; a row in which one is null has none.
        where: which rows have a key at all.
        day: the partition date.

    Raises:
        DataError: names the files, the number of such keys, and one of them.
    """
    from pyspark.sql import functions as F

    columns = [F.col(quoted(name)) for name in key]
    names = {name.casefold(): name for name in written.columns}
    if not all(name.casefold() in names for name in key):
        return
    repeated = written.where(where).dropna(subset=[names[name.casefold()] for name in key])
    if repeated.groupBy(*columns).count().where("count > 1").isEmpty():
        return
    parts = [
        read(replace(raw, files=(file,))).where(where).select(*columns, F.lit(file.path).alias(_FILE))
        for file in raw.files
    ]
    together = parts[0]
    for part in parts[1:]:
        together = together.union(part)
    present = together.dropna(subset=[names[name.casefold()] for name in key])
    files = F.array_sort(F.collect_set(quoted(_FILE)))
    shared = present.groupBy(*columns).agg(files.alias(_FILE)).where(F.size(quoted(_FILE)) > 1)
    counted = shared.groupBy(quoted(_FILE)).agg(
        F.count(F.lit(1)).alias("keys"), F.min(F.struct(*columns).cast("string")).alias("one")
    )
    found = counted.orderBy(F.desc("keys"), quoted(_FILE)).limit(_MOST_NAMED).collect()
    if found:
        raise DataError(
            f"files of {day} hold the same rows: keys of {', '.join(key)} stand in several",
            expected=f"each key in one file of {raw.root}",
            found="; ".join(
                f"{row['keys']} in {' and '.join(row[_FILE])}, such as {row['one']}" for row in found
            ),
            fix="Take away the file that was delivered twice; or add to preprocess.key what tells the rows "
            "apart, or have the SQL give one row for each.",
        )
