"""The profile of a date's rows: one pass, from counts and sketches that merge across dates."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from datasketches import hll_sketch, kll_doubles_sketch

from vintage.data.rows import write_rows
from vintage.store.fingerprint import quoted
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField, StructType

NAME: Final = "profile.json"
"""File of an artifact's own, beside `data`."""
FORMAT: Final = 2
"""Of that file. Format 1 was `sketches.json`, with the rest in the snapshot's manifest."""
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_VALUES: Final = 100
TOP_OF_MANIFEST: Final = 5
AT_ONCE: Final = 50
"""Columns of one aggregation: what Spark plans and compiles for one grows faster than their number."""
_PROFILE: Final = "profile"
_ROWS: Final = "rows_profiled"

_NUMBERS: Final = frozenset({"byte", "short", "integer", "long", "float", "double", "decimal"})
_ORDERED: Final = _NUMBERS | {"string", "date", "timestamp", "timestamp_ntz", "boolean"}


@dataclass(frozen=True)
class Profile:
    """What a date's rows look like.

    Attributes:
        rows: how many there are.
        columns: column → type, nulls, min, max, mean, std, distinct, quantiles, top, as far as its type has
            them. `top` holds up to 100 values with their counts, exact where a date has few.
        sketches: column → Apache DataSketches as base64: `kll` (quantiles, of doubles) and `hll` (distinct
            values; of numbers, of their xxHash64).
    """

    rows: int
    columns: Mapping[str, Mapping[str, Any]]
    sketches: Mapping[str, Mapping[str, str]]

    @property
    def brief(self) -> dict[str, dict[str, Any]]:
        """The columns with their five commonest values, for a manifest."""
        return {
            name: {**values, "top": values["top"][:TOP_OF_MANIFEST]} if values.get("top") else dict(values)
            for name, values in self.columns.items()
        }

    def as_json(self) -> str:
        """Return what `profile.json` holds: each column's values and sketches."""
        columns = {name: {**values, **self.sketches.get(name, {})} for name, values in self.columns.items()}
        return json.dumps({"format": FORMAT, "rows": self.rows, "columns": columns})

    def write(self, artifact: Path) -> None:
        """Write `profile.json` into the folder of an artifact that is being made."""
        (artifact / NAME).write_text(self.as_json(), encoding="utf-8")


def write_profiled(
    rows: DataFrame,
    folder: Path,
    aggregates: Mapping[str, str],
    *,
    files: int = 1,
    drop: Sequence[str] = (),
    also: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], Profile]:
    """Write rows as `write_rows` does, and profile them: in the same pass, unless they have many columns.

    Args:
        rows: what to write.
        folder: does not exist yet.
        aggregates: name → SQL aggregate expression over the frame's columns.
        files: at most this many files.
        drop: columns that the aggregates see, and neither the files nor the profile has.
        also: name → SQL expression over the columns that are kept: what only the profile has.

    Returns:
        name → value of each aggregate, and the profile.
    """
    from pyspark.sql.types import StructType

    also = also or {}
    added = [f"{expression} AS {quoted(name)}" for name, expression in also.items()]
    wide = rows.selectExpr("*", *added)
    fields = StructType([field for field in wide.schema if field.name not in drop])
    wanted = {**aggregates, _ROWS: "count(1)"}
    if len(fields) <= AT_ONCE:
        wanted[_PROFILE] = profile_sql(fields)
    observed = write_rows(wide, folder, wanted, files=files, drop=(*drop, *also))
    seen = observed.pop(_PROFILE, None)
    if seen is None:
        kept = StructType([field for field in fields if field.name not in also])
        written = parquet(rows.sparkSession.read.schema(kept), folder)
        seen = observed_in_groups(written.selectExpr("*", *added))
    return observed, profile(fields, seen, observed.pop(_ROWS))


def profile_sql(schema: StructType) -> str:
    """Return a SQL aggregate that gives what `profile` reads."""
    parts = (f"'c{index}', {_column_sql(field)}" for index, field in enumerate(schema.fields))
    return f"named_struct({', '.join(parts)})"


def observed_in_groups(written: DataFrame) -> dict[str, dict[str, Any]]:
    """Return what `profile_sql` gives, of rows that are kept already, some columns at a time.

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


def profile(schema: StructType, observed: Mapping[str, Mapping[str, Any]], rows: int) -> Profile:
    """Return the profile from the value of `profile_sql`."""
    columns: dict[str, dict[str, Any]] = {}
    sketches: dict[str, dict[str, str]] = {}
    for index, field in enumerate(schema.fields):
        values = dict(observed[f"c{index}"])
        kept = {name: values.pop(name) for name in ("kll", "hll") if name in values}
        if "hll" in kept:
            values["distinct"] = _distinct(kept["hll"])
        if "kll" in kept:
            values["quantiles"] = _quantiles(kept["kll"])
        sketches[field.name] = {
            name: base64.b64encode(sketch).decode() for name, sketch in kept.items() if sketch is not None
        }
        columns[field.name] = {name: _plain(value) for name, value in values.items()}
    return Profile(rows, columns, {name: found for name, found in sketches.items() if found})


def _distinct(sketch: bytes | None) -> int:
    """Return how many distinct values a sketch has seen, rounded as Spark's `hll_sketch_estimate` does."""
    return math.floor(hll_sketch.deserialize(bytes(sketch)).get_estimate() + 0.5) if sketch else 0


def _quantiles(sketch: bytes | None) -> dict[str, float] | None:
    """Return quantile → value as Spark's `kll_sketch_get_quantile_double` does; None without a value."""
    if not sketch:
        return None
    seen = kll_doubles_sketch.deserialize(bytes(sketch))
    if seen.is_empty():
        return None
    return dict(zip(map(str, QUANTILES), seen.get_quantiles(list(QUANTILES), True), strict=True))


def _column_sql(field: StructField) -> str:
    name = quoted(field.name)
    kind = field.dataType.typeName()
    parts = [f"'type', '{field.dataType.simpleString()}'", f"'nulls', count_if(isnull({name}))"]
    if kind in _ORDERED:
        # A moment is reported in the session's zone, which is UTC; Python would tell it in the machine's.
        text = "::string" if kind == "timestamp" else ""
        parts += [f"'min', min({name}){text}", f"'max', max({name}){text}"]
        # A number's text costs more than all the rest of its profile.
        value = f"IF(isnull({name}), NULL, xxhash64({name}))" if kind in _NUMBERS else f"{name}::string"
        # Spark would fill a sketch for each use of it: what it reports is asked of it later.
        parts += [f"'hll', hll_sketch_agg({value})"]
    if kind in _NUMBERS:
        number = f"{name}::double"
        parts += [f"'mean', avg({number})", f"'std', stddev_samp({number})"]
        parts += [f"'kll', kll_sketch_agg_double({number})"]
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
