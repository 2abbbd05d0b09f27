"""What a family's evaluation is given and what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from spark_jobs.spec import Pipeline


@dataclass(frozen=True)
class Holdout:
    """The rows that a model is tested on, with what it says of them.

    Attributes:
        rows: feature rows, `label` among their columns.
        scored: what the family's `score` makes of them; persisted.
        count: how many there are.
        model: the model that is tested.
        pipeline: its spec.
        baseline: the champion as of the partition date, where the family compares with one.
        train: the rows that the model learnt from, where the family reads them.
    """

    rows: DataFrame
    scored: DataFrame
    count: int
    model: PipelineModel
    pipeline: Pipeline
    baseline: PipelineModel | None = None
    train: DataFrame | None = None


@dataclass(frozen=True)
class Measured:
    """What an evaluation gives.

    Attributes:
        rows: holdout rows that were measured.
        values: metric → value; NaN where the holdout does not define it.
        refusals: why these rows can tell nothing of a model, such as a holdout of one class; else empty.
        details: what the family has beside numbers, as JSON can say it: a confusion matrix, cluster sizes.
        uncompared: metrics that hold a model against the baseline, where there is none: they have no value,
            and their gates do not apply.
    """

    rows: int
    values: Mapping[str, float]
    refusals: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    uncompared: tuple[str, ...] = ()


def is_finite(column: Column) -> Column:
    """Whether a double is a number: neither null nor NaN nor infinite."""
    from pyspark.sql import functions as F

    return F.coalesce(F.abs(column) < F.lit(math.inf), F.lit(False)) & ~F.isnan(column)


def stage_with(model: PipelineModel, param: str) -> Any:
    """The last stage of a fitted pipeline that has a Param of that name.

    Raises:
        LookupError: none has.
    """
    found = [stage for stage in model.stages if stage.hasParam(param)]
    if not found:
        raise LookupError(f"no stage of the model has the Param {param}")
    return found[-1]
