"""The profile of a date's rows: one pass, from sketches that merge across dates."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField, StructType

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_VALUES: Final = 5
AT_ONCE: Final = 50
"""Columns of one aggregation: what Spark plans and compiles for one grows faster than their number."""

_NUMBERS: Final = frozenset({"byte", "short", "integer", "long", "float", "double", "decimal"})
_ORDERED: Final = _NUMBERS | {"string", "date", "timestamp", "timestamp_ntz", "boolean"}


@dataclass(frozen=True)
class Profile:
    """What a date's rows look like.

    Attributes:
        columns: column → nulls, min, max, mean, std, distinct, quantiles, top, as far as its type has them.
        sketches: column → Apache DataSketches as base64: `kll` (quantiles, of doubles) and `hll` (distinct
            values), to be merged with Spark's `kll_sketch_merge_double` and `hll_union`.
    """

    columns: Mapping[str, Mapping[str, Any]]
    sketches: Mapping[str, Mapping[str, str]]


def profile_sql(schema: StructType) -> str:
    """A SQL aggregate that gives what `profile` reads."""
    parts = (f"'c{index}', {_column_sql(field)}" for index, field in enumerate(schema.fields))
    return f"named_struct({', '.join(parts)})"


def observed_in_groups(written: DataFrame) -> dict[str, dict[str, Any]]:
    """What `profile_sql` gives, of rows that are kept already, some columns at a time.

    Within a group columns go by their places, so that groups of the same types share their compiled code.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructField, StructType

    found: dict[str, dict[str, Any]] = {}
    fields = written.schema.fields
    for start in range(0, len(fields), AT_ONCE):
        group = fields[start : start + AT_ONCE]
        names = [f"c{place}" for place in range(len(group))]
        placed = written.select(
            *(F.col(quoted(field.name)).alias(name) for field, name in zip(group, names, strict=True))
        )
        kinds = StructType(
            [StructField(name, field.dataType) for field, name in zip(group, names, strict=True)]
        )
        [row] = placed.selectExpr(f"{profile_sql(kinds)} AS seen").collect()
        seen = row["seen"].asDict(recursive=True)
        found |= {f"c{start + place}": seen[name] for place, name in enumerate(names)}
    return found


def profile(schema: StructType, observed: Mapping[str, Mapping[str, Any]]) -> Profile:
    """The profile from the value of `profile_sql`."""
    columns: dict[str, dict[str, Any]] = {}
    sketches: dict[str, dict[str, str]] = {}
    for index, field in enumerate(schema.fields):
        values = dict(observed[f"c{index}"])
        sketches[field.name] = {
            name: base64.b64encode(values.pop(name)).decode()
            for name in ("kll", "hll")
            if values.get(name) is not None
        }
        values.pop("kll", None)
        if values.get("quantiles") is not None:
            values["quantiles"] = dict(zip(map(str, QUANTILES), values["quantiles"], strict=True))
        columns[field.name] = {name: _plain(value) for name, value in values.items()}
    return Profile(columns, {name: found for name, found in sketches.items() if found})


def _column_sql(field: StructField) -> str:
    name = quoted(field.name)
    kind = field.dataType.typeName()
    parts = [f"'type', '{field.dataType.simpleString()}'", f"'nulls', count_if(isnull({name}))"]
    if kind in _ORDERED:
        # A moment is told in the session's zone, which is UTC; Python would tell it in the machine's.
        text = "::string" if kind == "timestamp" else ""
        parts += [f"'min', min({name}){text}", f"'max', max({name}){text}"]
        parts += [f"'distinct', hll_sketch_estimate(hll_sketch_agg({name}::string))"]
        parts += [f"'hll', hll_sketch_agg({name}::string)"]
    if kind in _NUMBERS:
        number = f"{name}::double"
        sketch = f"kll_sketch_agg_double({number})"
        points = ", ".join(f"{point}D" for point in QUANTILES)
        parts += [f"'mean', avg({number})", f"'std', stddev_samp({number})"]
        # A sketch of no value at all has no quantiles to give.
        quantiles = f"kll_sketch_get_quantile_double({sketch}, array({points}))"
        parts += [f"'quantiles', IF(count({name}) > 0, {quantiles}, NULL)", f"'kll', {sketch}"]
    if kind in {"string", "boolean"}:
        parts += [f"'top', approx_top_k({name}, {TOP_VALUES})"]
    return f"named_struct({', '.join(parts)})"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, int | str | bool | None) else str(value)
