"""The profile of a date's rows: one pass, from counts and sketches that merge across dates."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from datasketches import hll_sketch, kll_doubles_sketch

from vintage.data.rows import write_rows
from vintage.ordered import JARS_SETTING
from vintage.session import require_classes
from vintage.store.fingerprint import quoted
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

NAME: Final = "profile.json"
"""File of an artifact's own, beside `data`."""
FORMAT: Final = 2
"""Of that file. Format 1 was `sketches.json`, with the rest in the snapshot's manifest."""
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_OF_MANIFEST: Final = 5
_PROFILE: Final = "profile"
_ROWS: Final = "rows_profiled"


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
    """Write rows as `write_rows` does, and profile them in the same pass.

    Args:
        rows: what to write.
        folder: does not exist yet.
        aggregates: name → SQL aggregate expression over the frame's columns.
        files: at most this many files.
        drop: columns that the aggregates see, and neither the files nor the profile has.
        also: name → SQL expression over the columns that are kept: what only the profile has.

    Returns:
        name → value of each aggregate, and the profile.

    Raises:
        EnvironmentProblem: Spark was started without the JAR.
    """
    from pyspark.sql.types import StructType

    also = also or {}
    wide = rows.selectExpr("*", *(f"{expression} AS {quoted(name)}" for name, expression in also.items()))
    fields = StructType([field for field in wide.schema if field.name not in drop])
    wanted = {**aggregates, _ROWS: "count(1)", _PROFILE: profile_sql(rows.sparkSession, fields)}
    observed = write_rows(wide, folder, wanted, files=files, drop=(*drop, *also))
    return observed, profile(fields, observed.pop(_PROFILE), observed.pop(_ROWS))


def profile_sql(spark: SparkSession, schema: StructType) -> str:
    """Return a SQL aggregate of a session that gives what `profile` reads: `profile.scala`.

    Raises:
        EnvironmentProblem: Spark was started without the JAR.
    """
    java: Any = spark.sparkContext._jvm
    require_classes(java, spark.sparkContext.getConf().get(JARS_SETTING))
    java.vintage.data.RowProfile.register(spark._jsparkSession)
    return f"vintage_profile({', '.join(quoted(name) for name in schema.names)})"


def profile(schema: StructType, observed: Mapping[str, Mapping[str, Any]], rows: int) -> Profile:
    """Return the profile from the value of `profile_sql`."""
    columns: dict[str, dict[str, Any]] = {}
    sketches: dict[str, dict[str, str]] = {}
    for index, field in enumerate(schema.fields):
        values = {"type": field.dataType.simpleString(), **observed[f"c{index}"]}
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


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, int | str | bool | None) else str(value)
