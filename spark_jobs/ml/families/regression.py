"""Regression metrics from two aggregations over the scored holdout, in sums that no order of rows changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from spark_jobs.ml.families.counting import set_number
from spark_jobs.ml.families.jackknife import GROUPS, group_column, interval
from spark_jobs.ml.families.measured import Holdout, Measured, Slice, is_finite, stage_with
from spark_jobs.ml.families.slices import SLICES, leading, slice_columns
from spark_jobs.ml.splits import key_columns
from spark_jobs.sources.rows import LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame, Row

    from spark_jobs.ml.families.slices import Sliced
    from spark_jobs.spec import Pipeline

COMPARES: Final = False
READS_TRAIN: Final = False
UNWRITTEN: Final = (SLICES,)

TERMS: Final = ("y", "yy", "p", "pp", "e", "ee")
METRICS: Final = ("rmse", "mse", "mae", "r2", "var")
QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
GROWTH: Final = 1.001
"""Bounds of a bin of residuals: each is so many times the one before it."""
SMALLEST: Final = 1e-9
"""Residuals below this share of the largest count as zero in the quantiles."""


@dataclass(frozen=True)
class Part:
    """Some of the rows: `values` as in `Errors`, and `left_out` without each group of rows in turn."""

    rows: int
    values: Mapping[str, float]
    left_out: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Errors:
    """How far predictions are from labels.

    Attributes:
        rows: rows with a label and a prediction.
        unmeasured: rows without either.
        values: `rmse`, `mse`, `mae`, `r2`, `var`; NaN where the rows do not define them.
        quantiles: share of rows → residual (label less prediction) that so many do not exceed.
        left_out: metric → its value without each group of rows in turn; empty where rows are not grouped.
        slices: for each column that rows are sliced by, code of its value → those rows.
    """

    rows: int
    unmeasured: int
    values: Mapping[str, float]
    quantiles: Mapping[str, float]
    left_out: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    slices: tuple[Mapping[int, Part], ...] = ()


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """The holdout with the model's predictions.

    Returns:
        The key's columns, `label` and `prediction` (doubles); and the slices, which are not kept.
    """
    from pyspark.sql import functions as F

    prediction = stage_with(model, "predictionCol").getOrDefault("predictionCol")
    return model.transform(rows).select(
        *key_columns(pipeline),
        F.col(LABEL),
        F.col(f"`{prediction}`").cast("double").alias("prediction"),
        *slice_columns(pipeline),
    )


def measure(holdout: Holdout) -> Measured:
    """The metrics, with the detail `residual_quantiles`.

    `rmse`, `mse`, `mae` and `r2` are the usual ones. `var` is the explained variance as Spark's
    RegressionEvaluator has it: the mean of (prediction - mean of the labels)². r2 is NaN when all labels are
    equal. Rows without a label or a prediction that is no finite number refuse the model.
    """
    spec = holdout.pipeline.evaluate
    sliced = leading(holdout.scored, holdout.sliced)
    group = group_column(holdout.pipeline) if holdout.thorough else None
    found = errors_of(holdout.scored, group=group, sliced=sliced)
    refusals = (
        (f"{found.unmeasured} rows of the holdout have no label, or a prediction that is no finite number",)
        if found.unmeasured
        else ()
    )
    values = dict.fromkeys(METRICS, math.nan) if found.unmeasured else dict(found.values)
    spread = {
        name: interval(values[name], left_out, spec.confidence) for name, left_out in found.left_out.items()
    }
    slices = [
        Slice(
            each.column,
            each.value_of(code),
            part.rows,
            part.values,
            interval(part.values[spec.metric], part.left_out[spec.metric], spec.confidence),
            others=not code,
        )
        for each, parts in zip(sliced, found.slices, strict=True)
        for code, part in sorted(parts.items())
    ]
    return Measured(
        found.rows + found.unmeasured,
        values,
        refusals,
        {"residual_quantiles": dict(found.quantiles)},
        intervals={name: each for name, each in spread.items() if each is not None},
        slices=tuple(slices),
        left_out=found.left_out,
    )


def errors_of(scored: DataFrame, *, group: Column | None = None, sliced: Sequence[Sliced] = ()) -> Errors:
    """The errors of a frame with `label` and `prediction`.

    The first pass finds the ranges, the second adds. Labels and predictions are added as their distance from
    the middle of the labels, in units of the largest, as decimals: so no sum depends on the order of rows,
    and none overflows nor loses the small beside the large. The second pass counts residuals in bins whose
    bounds grow by 0.1 %, so that a quantile is that exact and what is collected does not grow with the rows.

    Args:
        scored: the rows.
        group: of a row, for intervals; without it neither groups nor slices are measured.
        sliced: what the rows are sliced by.
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
    nothing = dict.fromkeys(METRICS, math.nan)
    none: tuple[Mapping[int, Part], ...] = tuple({} for _ in sliced)
    if not seen["rows"]:
        return Errors(0, seen["unmeasured"], nothing, {}, slices=none)
    middle = seen["low"] / 2 + seen["high"] / 2
    reach = max(seen["high"] - middle, abs(seen["least"] - middle), abs(seen["most"] - middle))
    if not math.isfinite(reach + seen["error"]):
        # Beyond what a double holds.
        return Errors(0, seen["rows"] + seen["unmeasured"], nothing, {}, slices=none)
    spread, unit = _power_of_two(reach), _power_of_two(seen["error"])
    y, p, e = (label - middle) / spread, (prediction - middle) / spread, (label - prediction) / unit
    terms = {"y": y, "yy": y * y, "p": p, "pp": p * p, "e": F.abs(e), "ee": e * e}
    named = {
        "bin": _bin(label - prediction, seen["error"]),
        **({} if group is None else {"group": group}),
        **{f"slice_{place}": each.code for place, each in enumerate(sliced)},
    }
    sets = [["bin"], *([["group"]] if group is not None else []), *(["group", name] for name in [*named][2:])]
    frame = known.select(LABEL, "prediction", *(column.alias(name) for name, column in named.items()))
    counted = (
        frame.groupingSets([[F.col(name) for name in names] for names in sets], *map(F.col, named))
        .agg(
            F.grouping_id().alias("set"),
            F.count(F.lit(1)).alias("rows"),
            F.min(label - prediction).alias("least"),
            F.max(label - prediction).alias("most"),
            *(F.sum(value.cast("decimal(28,27)")).alias(name) for name, value in terms.items()),
        )
        .collect()
    )
    bins, *grouped = ([row for row in counted if row["set"] == set_number(names, [*named])] for names in sets)
    scale = _Scale(spread, unit)
    whole = _Sums.of(bins)
    found = scale.left_out({row["group"]: _Sums.of([row]) for row in grouped[0]}) if grouped else {}
    return Errors(
        seen["rows"],
        seen["unmeasured"],
        scale.values(whole),
        _quantiles(bins, seen["rows"]),
        found,
        tuple(_parts(rows, f"slice_{place}", scale) for place, rows in enumerate(grouped[1:])),
    )


def _parts(counted: Sequence[Row], name: str, scale: _Scale) -> dict[int, Part]:
    """Code of a slice's value → its rows."""
    by_code: dict[int, dict[int, _Sums]] = {}
    for row in counted:
        by_code.setdefault(row[name], {})[row["group"]] = _Sums.of([row])
    found = {}
    for code, groups in by_code.items():
        whole = sum(groups.values(), _Sums())
        found[code] = Part(whole.rows, scale.values(whole), scale.left_out(groups))
    return found


@dataclass(frozen=True)
class _Sums:
    """Rows, and the sums of a row's terms: label y, prediction p, error e (absolute), and their squares."""

    rows: int = 0
    terms: tuple[Fraction, ...] = (Fraction(0),) * len(TERMS)

    @classmethod
    def of(cls, counted: Sequence[Row]) -> _Sums:
        terms = (sum((Fraction(row[name]) for row in counted), Fraction(0)) for name in TERMS)
        return cls(sum(row["rows"] for row in counted), tuple(terms))

    def __add__(self, other: _Sums) -> _Sums:
        both = zip(self.terms, other.terms, strict=True)
        return _Sums(self.rows + other.rows, tuple(own + their for own, their in both))

    def __sub__(self, other: _Sums) -> _Sums:
        both = zip(self.terms, other.terms, strict=True)
        return _Sums(self.rows - other.rows, tuple(own - their for own, their in both))


@dataclass(frozen=True)
class _Scale:
    """The units of sums: `spread` of labels and predictions, `unit` of errors."""

    spread: float
    unit: float

    def values(self, sums: _Sums) -> dict[str, float]:
        """The metrics of the rows."""
        y, yy, p, pp, e, ee = sums.terms
        rows, spread, unit = sums.rows, self.spread, self.unit
        mean = y / rows
        total = yy - mean * y
        explained = pp / rows - 2 * mean * p / rows + mean * mean
        mse = float(ee / rows) * unit * unit
        return {
            "rmse": math.sqrt(ee / rows) * unit,
            "mse": mse,
            "mae": float(e / rows) * unit,
            "r2": 1.0 - float(ee / total) * (unit / spread) ** 2 if total > 0 else math.nan,
            "var": float(explained) * spread * spread,
        }

    def left_out(self, groups: Mapping[int, _Sums]) -> dict[str, tuple[float, ...]]:
        """Metric → its value without each group in turn; NaN without a group that has no rows."""
        whole = sum(groups.values(), _Sums())
        nothing = dict.fromkeys(METRICS, math.nan)
        rests = [
            self.values(whole - groups[place])
            if place in groups and whole.rows > groups[place].rows
            else nothing
            for place in range(GROUPS)
        ]
        return {name: tuple(rest[name] for rest in rests) for name in METRICS}


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
