"""What a projection onto principal components keeps of a holdout, and how far it turned since."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.errors import SpecError
from vintage.ml.families.jackknife import GROUPS, METHOD, group_of, intervals
from vintage.ml.families.measured import EvaluationResult, Holdout
from vintage.ml.families.subspaces import subspace_change
from vintage.ml.splits import key_columns
from vintage.ml.training import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, Row

    from vintage.spec import Pipeline

COMPARES: Final = True
READS_TRAIN: Final = False
UNWRITTEN: Final = ("features", "projected")


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the holdout with its projection, in the canonical order of rows.

    Returns:
        The key's columns and `reduced` (array of doubles, one a component); and the vectors `features` and
        `projected`, which are not kept.

    Raises:
        SpecError: no stage of the model has principal components.
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    reducer = _reducer(model)
    features, projected = (F.col(f"`{reducer.getOrDefault(param)}`") for param in ("inputCol", "outputCol"))
    return model.transform(canonical(rows, pipeline, rows.columns)).select(
        *key_columns(pipeline),
        vector_to_array(projected).alias("reduced"),
        features.alias("features"),
        projected.alias("projected"),
    )


def measure(holdout: Holdout) -> EvaluationResult:
    """Return the metrics, with details `variance` and `components`, from one aggregation.

    With P the components (orthonormal columns), m the holdout's own mean (Spark's PCA keeps none) and n its
    rows, a row x is rebuilt as m + PPᵀ(x - m). Then, because P is orthonormal:

    - `explainedVariance`: the variance of Pᵀx, added over the components, as a share of the variance of x,
      added over the features. Between 0 and 1, of the holdout and not of the training rows; NaN when the
      rows do not vary.
    - `reconstructionError`: the mean squared Euclidean distance of x to what is rebuilt of it, which is
      the difference of those two variances · (n - 1) / n. In squared units of the features.
    - `subspaceChange`: the sine of the largest principal angle between the span of P and that of the
      baseline's components; 0 is the same span, 1 a direction that the other lacks altogether. Where one has
      fewer components, how far those lie outside the other's span.

    Details: `variance` of the holdout by component, and in all.
    """
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F

    components = _components(holdout.model)
    # Spark's Summarizer fails on no rows; a group by one value has none then.
    grouped = holdout.scored.groupBy(F.lit("all")).agg(
        F.count(F.lit(1)).alias("rows"),
        Summarizer.variance(F.col("features")).alias("of"),
        Summarizer.variance(F.col("projected")).alias("kept"),
    )
    found = grouped.collect()
    rows, by_component, total = 0, np.zeros(0), math.nan
    if found:
        rows, by_component = found[0]["rows"], found[0]["kept"].toArray()
        total = float(found[0]["of"].toArray().sum())
    kept = float(by_component.sum())
    values = {
        "explainedVariance": kept / total if total > 0 else math.nan,
        # Rounding must not make a distance of nothing negative.
        "reconstructionError": max(0.0, total - kept) * (rows - 1) / rows if total > 0 else math.nan,
    }
    details: dict[str, Any] = {
        "components": components.shape[1],
        "variance": {"by_component": [float(each) for each in by_component], "in_all": total}
        if math.isfinite(total)
        else None,
    }
    uncompared: tuple[str, ...] = ()
    if holdout.baseline is None:
        uncompared = ("subspaceChange",)
    else:
        values["subspaceChange"], details["baseline"] = _change(components, holdout.baseline)
    refusals = ("the rows of the holdout do not vary",) if rows and not total > 0 else ()
    left_out = _left_out(holdout) if holdout.thorough else {}
    return EvaluationResult(
        rows,
        values,
        refusals,
        details,
        uncompared,
        intervals=intervals(values, left_out, holdout.pipeline.evaluate.confidence),
        method=METHOD,
        left_out=left_out,
    )


def _left_out(holdout: Holdout) -> dict[str, tuple[float, ...]]:
    """Return explained variance and error without each group of rows in turn, from one aggregation.

    Groups are put together by the parallel algorithm for variances (Chan, Golub and LeVeque 1979).
    """
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F

    summaries = [
        Summarizer.metrics("count", "mean", "variance").summary(F.col(name)).alias(name)
        for name in ("features", "projected")
    ]
    group = group_of(*key_columns(holdout.pipeline)).alias("group")
    counted = sorted(holdout.scored.groupBy(group).agg(*summaries).collect(), key=lambda row: row["group"])
    kept: list[float] = []
    errors: list[float] = []
    for left in range(GROUPS):
        rest = [row for row in counted if row["group"] != left]
        whole = len(rest) < len(counted)
        (rows, of), (_, part) = (
            _squares(rest, name) if whole else (0, 0.0) for name in ("features", "projected")
        )
        kept.append(part / of if of > 0 else math.nan)
        errors.append(max(0.0, of - part) / rows if of > 0 else math.nan)
    return {"explainedVariance": tuple(kept), "reconstructionError": tuple(errors)}


def _squares(counted: Sequence[Row], name: str) -> tuple[int, float]:
    """Return the rows of some groups, and the sum of their squared distances from their common mean."""
    if not counted:
        return 0, 0.0
    rows = np.array([row[name]["count"] for row in counted], dtype=float)
    means = np.array([row[name]["mean"].toArray() for row in counted])
    within = sum((row[name]["count"] - 1) * row[name]["variance"].toArray().sum() for row in counted)
    centre = (rows[:, None] * means).sum(axis=0) / rows.sum()
    between = (rows * ((means - centre) ** 2).sum(axis=1)).sum()
    return int(rows.sum()), float(within + between)


def _change(components: NDArray[np.float64], baseline: PipelineModel) -> tuple[float, dict[str, Any]]:
    try:
        theirs = _components(baseline)
    except SpecError as error:
        return math.nan, {"incomparable": str(error)}
    if theirs.shape[0] != components.shape[0]:
        found = f"the baseline reads {theirs.shape[0]} features, this model {components.shape[0]}"
        return math.nan, {"incomparable": found}
    return subspace_change(components, theirs), {"components": theirs.shape[1]}


def _reducer(model: PipelineModel) -> Any:
    for stage in reversed(model.stages):
        if hasattr(stage, "pc") and stage.hasParam("inputCol") and stage.hasParam("outputCol"):
            return stage
    raise SpecError(
        "no stage of the model has principal components",
        expected="PCA, or a model of your own with inputCol, outputCol and the matrix pc",
    )


def _components(model: PipelineModel) -> NDArray[np.float64]:
    """Features down, components across."""
    matrix: NDArray[np.float64] = _reducer(model).pc.toArray()
    return matrix
