"""How far apart the numbers of two versions of the same rows are, where the same bits are not promised."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from spark_jobs.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

SMALL: Final = 1e-3
"""Numbers below this are held against it instead of against themselves: near zero all is far apart."""

_NUMBERS: Final = ("double", "float")
_NTH: Final = "vintage_row_of_its_key"


def greatest_difference(then: DataFrame, now: DataFrame, key: Sequence[str]) -> float:
    """The greatest |a - b| / max(|a|, |b|, 0.001) of two numbers, doubles and arrays of them, in one place.

    Args:
        then: rows with their key; those that share one are told apart by what else is in them.
        now: the same rows, whose numbers may be others.
        key: columns that identify a row.

    Returns:
        Infinity where rows or columns are missing, or values that are no such numbers differ.
    """
    from pyspark.sql import functions as F

    if then.dtypes != now.dtypes:
        return math.inf
    ours, theirs = _numbered(then, key).alias("then"), _numbered(now, key).alias("now")
    same = F.lit(True)
    for name in (*key, _NTH):
        same &= F.col(f"then.{quoted(name)}").eqNullSafe(F.col(f"now.{quoted(name)}"))
    pairs = ours.join(theirs, on=same, how="full_outer")
    unmatched = F.col(f"then.{_NTH}").isNull() | F.col(f"now.{_NTH}").isNull()
    distances = [
        _distance(F.col(f"then.{quoted(field.name)}"), F.col(f"now.{quoted(field.name)}"), field.dataType)
        for field in then.schema
    ]
    distance = F.when(unmatched, F.lit(math.inf)).otherwise(F.greatest(F.lit(0.0), *distances))
    [found] = pairs.agg(F.max(distance).alias("distance")).collect()
    return float(found["distance"] or 0.0)


def _numbered(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rest = [quoted(name) for name in rows.columns if name not in key]
    order = Window.partitionBy(*map(quoted, key)).orderBy(*(rest or map(quoted, key)))
    return rows.withColumn(_NTH, F.row_number().over(order))


def _distance(one: Column, other: Column, kind: DataType) -> Column:
    from pyspark.sql import functions as F

    if kind.simpleString() in _NUMBERS:
        return _apart(one, other)
    if kind.simpleString() in {f"array<{number}>" for number in _NUMBERS}:
        each = F.zip_with(one, other, _apart)
        greatest = F.coalesce(F.array_max(each), F.lit(0.0))
        return (
            F.when(one.eqNullSafe(other), F.lit(0.0))
            .when(one.isNull() | other.isNull() | (F.size(one) != F.size(other)), F.lit(math.inf))
            .otherwise(greatest)
        )
    return F.when(one.eqNullSafe(other), F.lit(0.0)).otherwise(F.lit(math.inf))


def _apart(one: Column, other: Column) -> Column:
    from pyspark.sql import functions as F

    size = F.greatest(F.abs(one), F.abs(other), F.lit(SMALL))
    distance = F.abs(one - other) / size
    return (
        F.when(one.eqNullSafe(other), F.lit(0.0))
        .when(one.isNull() | other.isNull() | F.isnan(distance), F.lit(math.inf))
        .otherwise(distance)
        .cast("double")
    )
