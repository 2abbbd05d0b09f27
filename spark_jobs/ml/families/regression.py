"""Regression metrics from two aggregations over the scored holdout, in sums that no order of rows changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from spark_jobs.ml.families.measured import Holdout, Measured, is_finite, stage_with
from spark_jobs.ml.splits import key_columns
from spark_jobs.sources.rows import LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame, Row

    from spark_jobs.spec import Pipeline

COMPARES: Final = False
READS_TRAIN: Final = False
UNWRITTEN: Final = ()

METRICS: Final = ("rmse", "mse", "mae", "r2", "var")
QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
GROWTH: Final = 1.001
"""Bounds of a bin of residuals: each is so many times the one before it."""
SMALLEST: Final = 1e-9
"""Residuals below this share of the largest count as zero in the quantiles."""


@dataclass(frozen=True)
class Errors:
    """How far predictions are from labels.

    Attributes:
        rows: rows with a label and a prediction.
        unmeasured: rows without either.
        values: `rmse`, `mse`, `mae`, `r2`, `var`; NaN where the rows do not define them.
        quantiles: share of rows → residual (label less prediction) that so many do not exceed.
    """

    rows: int
    unmeasured: int
    values: Mapping[str, float]
    quantiles: Mapping[str, float]


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """The holdout with the model's predictions.

    Returns:
        The key's columns, `label` and `prediction` (doubles).
    """
    from pyspark.sql import functions as F

    prediction = stage_with(model, "predictionCol").getOrDefault("predictionCol")
    return model.transform(rows).select(
        *key_columns(pipeline),
        F.col(LABEL),
        F.col(f"`{prediction}`").cast("double").alias("prediction"),
    )


def measure(holdout: Holdout) -> Measured:
    """The metrics, with the detail `residual_quantiles`.

    `rmse`, `mse`, `mae` and `r2` are the usual ones. `var` is the explained variance as Spark's
    RegressionEvaluator has it: the mean of (prediction - mean of the labels)². r2 is NaN when all labels are
    equal. Rows without a label or a prediction that is no finite number refuse the model.
    """
    found = errors_of(holdout.scored)
    refusals = (
        (f"{found.unmeasured} rows of the holdout have no label, or a prediction that is no finite number",)
        if found.unmeasured
        else ()
    )
    values = dict.fromkeys(METRICS, math.nan) if found.unmeasured else dict(found.values)
    return Measured(
        found.rows + found.unmeasured, values, refusals, {"residual_quantiles": dict(found.quantiles)}
    )


def errors_of(scored: DataFrame) -> Errors:
    """The errors of a frame with `label` and `prediction`.

    The first pass finds the ranges, the second adds. Labels and predictions are added as their distance from
    the middle of the labels, in units of the largest, as decimals: so no sum depends on the order of rows,
    and none overflows nor loses the small beside the large. The second pass counts residuals in bins whose
    bounds grow by 0.1 %, so that a quantile is that exact and what is collected does not grow with the rows.
    """
    from pyspark.sql import functions as F

    label, prediction = F.col(LABEL), F.col("prediction")
    both = is_finite(label) & is_finite(prediction)
    known = scored.where(both)
    size = F.abs(label - prediction)
    [seen] = scored.agg(
        F.count_if(both).alias("rows"),
        F.count_if(~both).alias("unmeasured"),
        F.min(F.when(both, label)).alias("low"),
        F.max(F.when(both, label)).alias("high"),
        F.min(F.when(both, prediction)).alias("least"),
        F.max(F.when(both, prediction)).alias("most"),
        F.max(F.when(both, size)).alias("error"),
    ).collect()
    if not seen["rows"]:
        return Errors(0, seen["unmeasured"], dict.fromkeys(METRICS, math.nan), {})
    middle = seen["low"] / 2 + seen["high"] / 2
    reach = max(seen["high"] - middle, abs(seen["least"] - middle), abs(seen["most"] - middle))
    if not math.isfinite(reach + seen["error"]):
        # Beyond what a double holds.
        return Errors(0, seen["rows"] + seen["unmeasured"], dict.fromkeys(METRICS, math.nan), {})
    spread, unit = _power_of_two(reach), _power_of_two(seen["error"])
    y, p, e = (label - middle) / spread, (prediction - middle) / spread, (label - prediction) / unit
    sums = {"y": y, "yy": y * y, "p": p, "pp": p * p, "e": F.abs(e), "ee": e * e}
    counted = (
        known.groupBy(_bin(label - prediction, seen["error"]).alias("bin"))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(label - prediction).alias("least"),
            F.max(label - prediction).alias("most"),
            *(F.sum(value.cast("decimal(28,27)")).alias(name) for name, value in sums.items()),
        )
        .collect()
    )
    added = {name: sum((Fraction(row[name]) for row in counted), Fraction(0)) for name in sums}
    values = _values(added, seen["rows"], spread=spread, unit=unit)
    return Errors(seen["rows"], seen["unmeasured"], values, _quantiles(counted, seen["rows"]))


def _power_of_two(size: float) -> float:
    """The next power of two, so that a division by it loses nothing."""
    return float(2.0 ** min(math.frexp(size)[1], 1023)) if size else 1.0


def _bin(residual: Column, largest: float) -> Column:
    """0 for what is all but zero; else the sign and the number of bounds up to the residual's size."""
    from pyspark.sql import functions as F

    floor = largest * SMALLEST
    if not floor:
        return F.lit(0)
    steps = F.floor(F.log(F.abs(residual) / floor) / math.log(GROWTH)).cast("int") + 1
    return F.when(F.abs(residual) <= floor, 0).otherwise(F.signum(residual).cast("int") * steps)


def _values(sums: Mapping[str, Fraction], rows: int, *, spread: float, unit: float) -> dict[str, float]:
    mean = sums["y"] / rows
    total = sums["yy"] - mean * sums["y"]
    explained = sums["pp"] / rows - 2 * mean * sums["p"] / rows + mean * mean
    mse = float(sums["ee"] / rows) * unit * unit
    return {
        "rmse": math.sqrt(sums["ee"] / rows) * unit,
        "mse": mse,
        "mae": float(sums["e"] / rows) * unit,
        "r2": 1.0 - float(sums["ee"] / total) * (unit / spread) ** 2 if total > 0 else math.nan,
        "var": float(explained) * spread * spread,
    }


def _quantiles(counted: Sequence[Row], rows: int) -> dict[str, float]:
    """The residual at each share of the rows, as far as its bin tells; the ends are exact."""
    bins: list[Any] = sorted(counted, key=lambda row: row["bin"])
    found: dict[str, float] = {}
    for share in QUANTILES:
        rank, passed = max(1, math.ceil(share * rows)), 0
        for row in bins:
            passed += row["rows"]
            if passed >= rank:
                found[f"{share:g}"] = float(row["least"] if share == 0 else row["most"])
                break
    return found
