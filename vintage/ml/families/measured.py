"""What a family's evaluation is given and what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Metric, Pipeline


@dataclass(frozen=True)
class Answers:
    """Rows with a label and what a model said of them, with or without the model.

    Attributes:
        scored: what the family's `score` gives of such rows; persisted.
        count: how many there are.
        pipeline: the model's spec.
        thorough: whether slices and intervals are measured too.
    """

    scored: DataFrame
    count: int
    pipeline: Pipeline
    thorough: bool = True

    @property
    def sliced(self) -> Mapping[str, tuple[str | None, ...]]:
        """Column → values that are measured whatever their rows; empty where no slice is measured."""
        return self.pipeline.evaluate.sliced if self.thorough else {}


@dataclass(frozen=True, kw_only=True)
class Holdout(Answers):
    """The rows that a model is tested on, with what it says of them.

    Attributes:
        rows: feature rows, `label` among their columns; `scored` is what the model says of them.
        model: the model that is tested.
        baseline: the champion as of the partition date, where the family or a gate compares with one.
        train: the rows that the model was trained on, where the family reads them.
        thorough: as of any answers; a candidate of a tuning needs neither.
    """

    rows: DataFrame
    model: PipelineModel
    baseline: PipelineModel | None = None
    train: DataFrame | None = None
    thorough: bool = False


@dataclass(frozen=True)
class Interval:
    """Where a number lies with the spec's confidence, were the holdout drawn again."""

    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """By how much a model is better than the baseline on the same rows; above 0 is better in any metric."""

    value: float
    interval: Interval | None = None

    def in_direction(self, metric: Metric) -> Gain:
        """Return the gain of a difference in a metric: the smaller value may be the better one."""
        if metric.larger_is_better:
            return self
        turned = None if self.interval is None else Interval(-self.interval.high, -self.interval.low)
        return Gain(-self.value, turned)


@dataclass(frozen=True)
class Slice:
    """The rows of a holdout that have one value in a column.

    Attributes:
        column: of the feature rows.
        value: as Spark writes it as text; None is null.
        others: whether it is all values beyond the leading ones together; `value` is None then.
        rows: how many there are.
        values: metric → value; NaN where these rows do not define it.
        interval: of the deciding metric, where it has one.
    """

    column: str
    value: str | None
    rows: int
    values: Mapping[str, float]
    interval: Interval | None = None
    others: bool = False


@dataclass(frozen=True)
class Comparison:
    """What the baseline reaches on the rows that a model is measured on.

    Attributes:
        rows: rows that both models gave an answer for.
        values: metric → the baseline's value on them; NaN where they do not define it.
        gains: metric → by how much the model is better on them.
    """

    rows: int
    values: Mapping[str, float]
    gains: Mapping[str, Gain]


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation gives.

    Attributes:
        rows: holdout rows that were measured.
        values: metric → value; NaN where the holdout does not define it.
        refusals: why these rows can tell nothing of a model, such as a holdout of one class; else empty.
        details: what the family has beside numbers, as JSON values: a confusion matrix, cluster sizes.
        uncompared: metrics that compare a model with the baseline, where there is none: they have no value,
            and their gates do not apply.
        intervals: metric → its confidence interval, where the family gives one.
        method: how the intervals were found, in words.
        slices: the slices that the spec asks for.
        left_out: metric → its values without each group of rows in turn, where the family knows them.
        notes: metric → what a gate on it tells beside its value.
    """

    rows: int
    values: Mapping[str, float]
    refusals: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    uncompared: tuple[str, ...] = ()
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    method: str = ""
    slices: tuple[Slice, ...] = ()
    left_out: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def is_finite(column: Column) -> Column:
    """Return whether a double is a number: neither null nor NaN nor infinite."""
    from pyspark.sql import functions as F

    return F.coalesce(F.abs(column) < F.lit(math.inf), F.lit(False)) & ~F.isnan(column)


def stage_with(model: PipelineModel, param: str) -> Any:
    """Return the last stage of a fitted pipeline that has a Param of that name.

    Raises:
        LookupError: none has.
    """
    found = [stage for stage in model.stages if stage.hasParam(param)]
    if not found:
        raise LookupError(f"no stage of the model has the Param {param}")
    return found[-1]
