"""Regression metrics from two aggregations over the scored holdout, in sums that no order of rows changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import LABEL
from vintage.ml.families.counting import SHARE, set_number
from vintage.ml.families.error_sums import METRICS, Scale, Sums, power_of_two
from vintage.ml.families.jackknife import METHOD, group_of, interval, intervals
from vintage.ml.families.measured import Answers, EvaluationResult, Slice, is_finite, stage_with
from vintage.ml.families.residuals import (
    by_prediction,
    prediction_bin,
    quantiles_of,
    residual_bin,
    spread_of,
)
from vintage.ml.families.slices import SLICES, leading, slice_columns
from vintage.ml.families.weights import WEIGHT, Weights, weight_columns
from vintage.ml.splits import key_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame, Row

    from vintage.ml.families.slices import Sliced
    from vintage.spec import Pipeline

COMPARES: Final = False
READS_TRAIN: Final = False
UNWRITTEN: Final = (SLICES, WEIGHT)


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
        spread: `edges` of residuals and the `rows` between them.
        predicted: by prediction, bins of about as many rows: `rows`, mean `predicted` and `actual`, `rmse`.
        left_out: metric → its value without each group of rows in turn; empty where rows are not grouped.
        slices: for each column that rows are sliced by, code of its value → those rows.
    """

    rows: int
    unmeasured: int
    values: Mapping[str, float]
    quantiles: Mapping[str, float]
    spread: Mapping[str, Sequence[float]]
    predicted: tuple[Mapping[str, float], ...] = ()
    left_out: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    slices: tuple[Mapping[int, Part], ...] = ()


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the holdout with the model's predictions.

    Returns:
        The key's columns, `label` and `prediction` (doubles); and slices and weight, which are not kept.
    """
    from pyspark.sql import functions as F

    prediction = stage_with(model, "predictionCol").getOrDefault("predictionCol")
    return model.transform(rows).select(
        *key_columns(pipeline),
        F.col(LABEL),
        F.col(f"`{prediction}`").cast("double").alias("prediction"),
        *slice_columns(pipeline),
        *weight_columns(pipeline),
    )


def measure(holdout: Answers) -> EvaluationResult:
    """Return the metrics, with details `residual_quantiles`, `residuals` and `predicted` (see `Errors`).

    `rmse`, `mse`, `mae` and `r2` are the usual ones. `var` is the explained variance as Spark's
    RegressionEvaluator has it: the mean of (prediction - mean of the labels)². r2 is NaN when all labels are
    equal. Rows without a label or a prediction that is no finite number refuse the model. Residuals are
    counted by row, whatever a row weighs.
    """
    spec = holdout.pipeline.evaluate
    sliced = leading(holdout.scored, holdout.sliced)
    group = group_of(*key_columns(holdout.pipeline)) if holdout.thorough else None
    weights = Weights.of(holdout.scored)
    found = errors_of(holdout.scored, group=group, sliced=sliced, weights=weights)
    refusals: tuple[str, ...] = (
        (f"{found.unmeasured} rows of the holdout have no label, or a prediction that is no finite number",)
        if found.unmeasured
        else ()
    )
    if weights is not None:
        refusals += weights.refusals
    values = dict.fromkeys(METRICS, math.nan) if found.unmeasured else dict(found.values)
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
    details: dict[str, Any] = {"residual_quantiles": dict(found.quantiles)}
    if found.spread:
        details["residuals"] = dict(found.spread)
    if found.predicted:
        details["predicted"] = list(found.predicted)
    return EvaluationResult(
        found.rows + found.unmeasured,
        values,
        refusals,
        details,
        intervals=intervals(values, found.left_out, spec.confidence),
        method=METHOD,
        slices=tuple(slices),
        left_out=found.left_out,
    )


def errors_of(
    scored: DataFrame,
    *,
    group: Column | None = None,
    sliced: Sequence[Sliced] = (),
    weights: Weights | None = None,
) -> Errors:
    """Return the errors of a frame with `label` and `prediction`.

    The first pass finds the ranges, the second adds. Labels and predictions are added as their distance from
    the middle of the labels, in units of the largest, as decimals: so no sum depends on the order of rows,
    and none overflows nor loses the small beside the large. The second pass counts residuals in bins whose
    bounds grow by 0.1 %, so that a quantile is that exact and what is collected does not grow with the rows.

    Args:
        scored: the rows.
        group: of a row, for intervals; without it there are neither groups, slices nor bins of predictions.
        sliced: what the rows are sliced by.
        weights: of the rows, in all but the quantiles and the spread of residuals.
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
        return Errors(0, seen["unmeasured"], nothing, {}, {}, slices=none)
    middle = seen["low"] / 2 + seen["high"] / 2
    reach = max(seen["high"] - middle, abs(seen["least"] - middle), abs(seen["most"] - middle))
    if not math.isfinite(reach + seen["error"]):
        # Beyond what a double holds.
        return Errors(0, seen["rows"] + seen["unmeasured"], nothing, {}, {}, slices=none)
    spread, unit = power_of_two(reach), power_of_two(seen["error"])
    y, p, e = (label - middle) / spread, (prediction - middle) / spread, (label - prediction) / unit
    terms = {"y": y, "yy": y * y, "p": p, "pp": p * p, "e": F.abs(e), "ee": e * e}
    if weights is None:
        sums = {"w": F.count(F.lit(1)), **{name: _added(term) for name, term in terms.items()}}
    else:
        weight = F.col(SHARE)
        sums = {name: _added(term * weight.cast("double")) for name, term in terms.items()}
        sums["w"] = F.sum(weight)
    named = {"bin": residual_bin(label - prediction, seen["error"])}
    sets = [["bin"]]
    if group is not None:
        codes = {f"slice_{place}": each.code for place, each in enumerate(sliced)}
        named |= {"predicted": prediction_bin(p), "group": group, **codes}
        sets += [["predicted"], ["group"], *(["group", name] for name in codes)]
    share = [] if weights is None else [weights.share.alias(SHARE)]
    columns = [column.alias(name) for name, column in named.items()]
    frame = known.select(LABEL, "prediction", *columns, *share)
    counted = (
        frame.groupingSets([[F.col(name) for name in names] for names in sets], *map(F.col, named))
        .agg(
            F.grouping_id().alias("set"),
            F.count(F.lit(1)).alias("rows"),
            F.min(label - prediction).alias("least"),
            F.max(label - prediction).alias("most"),
            *(column.alias(name) for name, column in sums.items()),
        )
        .collect()
    )
    bins, *rest = ([row for row in counted if row["set"] == set_number(names, [*named])] for names in sets)
    predicted, *grouped = rest or [[]]
    scale = Scale(spread, unit)
    whole = Sums.of(bins)
    found = scale.left_out({row["group"]: Sums.of([row]) for row in grouped[0]}) if grouped else {}
    return Errors(
        seen["rows"],
        seen["unmeasured"],
        scale.values(whole),
        quantiles_of(bins, seen["rows"]),
        spread_of(bins, seen["rows"]),
        tuple(by_prediction(predicted, middle, scale)),
        found,
        tuple(_parts(rows, f"slice_{place}", scale) for place, rows in enumerate(grouped[1:])),
    )


def _added(term: Column) -> Column:
    """Return the sum of a term from -1 to 1, that no order of rows changes."""
    from pyspark.sql import functions as F

    return F.sum(term.cast("decimal(28,27)"))


def _parts(counted: Sequence[Row], name: str, scale: Scale) -> dict[int, Part]:
    """Code of a slice's value → its rows."""
    by_code: dict[int, dict[int, Sums]] = {}
    for row in counted:
        by_code.setdefault(row[name], {})[row["group"]] = Sums.of([row])
    found = {}
    for code, groups in by_code.items():
        whole = sum(groups.values(), Sums())
        found[code] = Part(whole.rows, scale.values(whole), scale.left_out(groups))
    return found
