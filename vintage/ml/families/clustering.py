"""Clustering metrics: sums by cluster, Spark's silhouette, and the baseline's clusters of the same rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.errors import SpecError
from vintage.ml.families.distances import VECTOR, left_out
from vintage.ml.families.jackknife import GROUPS, METHOD, group_of, intervals
from vintage.ml.families.measured import EvaluationResult, Holdout
from vintage.ml.splits import key_columns
from vintage.ml.training import canonical
from vintage.session import root_cause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame, Row

    from vintage.spec import Pipeline

COMPARES: Final = True
READS_TRAIN: Final = False
UNWRITTEN: Final = ("features",)

_OURS: Final = "_cluster"
_GROUP: Final = "_group"


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the holdout with the cluster of each row, in the canonical order of rows.

    Returns:
        The key's columns, `prediction` (int: the cluster; of a topic model the likeliest topic, the first of
        equals), and `features` (the vector that the model read), which is not kept.

    Raises:
        SpecError: the model gives neither a prediction nor topics, or reads no vector.
    """
    from pyspark.sql import functions as F

    predictor = _predictor(model)
    if not predictor.hasParam("featuresCol"):
        raise SpecError(
            f"{type(predictor).__name__} of {pipeline.name} has no featuresCol",
            expected="a clustering model that reads one vector column",
        )
    features = F.col(f"`{predictor.getOrDefault('featuresCol')}`")
    return model.transform(canonical(rows, pipeline, rows.columns)).select(
        *key_columns(pipeline), _cluster(predictor).alias("prediction"), features.alias("features")
    )


def measure(holdout: Holdout) -> EvaluationResult:
    """Return the metrics, with details `cluster_sizes`, `distance` and, where there is one, `baseline`.

    `silhouette` is the mean over the rows of (b - a) / max(a, b), where a is the mean distance to the rows of
    the row's own cluster and b that to the nearest other cluster; Spark's ClusteringEvaluator computes it
    from sums by cluster. The distance is the squared Euclidean one, or the cosine distance where the model's
    `distanceMeasure` says so. NaN when the holdout falls into one cluster.

    `cost` is the sum of the distances of the rows to the centres of their clusters; NaN for a model that has
    no `clusterCenters`, such as a mixture or a topic model.

    `stability` is the adjusted Rand index (Hubert and Arabie, 1985) of the model's and the baseline's
    clusters of the same rows: 1 when they agree but for the numbers, about 0 when they agree by chance alone.
    Without a baseline it has no value; NaN when the baseline does not run on these rows.

    The intervals leave out groups of rows; those of silhouette and cost are found from a sample of the rows.
    """
    predictor = _predictor(holdout.model)
    distance = (
        predictor.getOrDefault("distanceMeasure") if predictor.hasParam("distanceMeasure") else "euclidean"
    )
    cosine = distance == "cosine"
    centres = _centres(predictor)
    scored = _directed(holdout.scored, cosine=cosine)
    by_cluster = _by_cluster(scored)
    sizes = {row["prediction"]: row["rows"] for row in by_cluster}
    total = sum(sizes.values())
    several = len(sizes) > 1
    values = {
        "silhouette": _silhouette(holdout.scored, cosine=cosine) if several else math.nan,
        "cost": _cost(by_cluster, centres, cosine=cosine) if total and centres is not None else math.nan,
    }
    known = range(len(centres)) if centres is not None else range(_clusters(predictor))
    details: dict[str, Any] = {
        "cluster_sizes": {str(each): sizes.get(each, 0) for each in sorted({*known, *sizes})},
        "distance": "cosine" if cosine else "squaredEuclidean",
    }
    apart: dict[str, tuple[float, ...]] = {}
    if holdout.thorough and several:
        ends = None if centres is None else [_direction(each) if cosine else each for each in centres]
        apart = left_out(scored, key_columns(holdout.pipeline), total, ends)
        if cosine and "cost" in apart:
            apart["cost"] = tuple(each / 2 for each in apart["cost"])
    uncompared: tuple[str, ...] = ()
    if holdout.baseline is None:
        uncompared = ("stability",)
    else:
        values["stability"], apart["stability"], details["baseline"] = _stability(holdout, holdout.baseline)
    refusals = ("all rows of the holdout fall into one cluster",) if total and not several else ()
    return EvaluationResult(
        total,
        values,
        refusals,
        details,
        uncompared,
        intervals=intervals(values, apart, holdout.pipeline.evaluate.confidence),
        method=METHOD,
        left_out=apart,
    )


def adjusted_rand_index(counts: NDArray[np.int64]) -> float:
    """Return how far two partitions of the same rows agree beyond chance.

    Args:
        counts: rows by the one's cluster (down) and the other's (across).

    Returns:
        At most 1; 1 also when neither tells any rows apart or both tell all of them apart, NaN without rows.
    """

    def pairs(sizes: NDArray[np.int64]) -> int:
        return sum(int(size) * (int(size) - 1) // 2 for size in sizes.ravel())

    total = int(counts.sum())
    if not total:
        return math.nan
    both, ours, theirs = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    every = total * (total - 1) // 2
    expected = ours * theirs / every if every else 0.0
    most = (ours + theirs) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _predictor(model: PipelineModel) -> Any:
    for stage in reversed(model.stages):
        if stage.hasParam("predictionCol") or stage.hasParam("topicDistributionCol"):
            return stage
    raise SpecError(
        "no stage of the model assigns clusters",
        expected="a stage with predictionCol or topicDistributionCol",
    )


def _cluster(predictor: Any) -> Column:
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    if predictor.hasParam("predictionCol"):
        return F.col(f"`{predictor.getOrDefault('predictionCol')}`").cast("int")
    topics = vector_to_array(F.col(f"`{predictor.getOrDefault('topicDistributionCol')}`"))
    return (F.array_position(topics, F.array_max(topics)) - 1).cast("int")


def _centres(predictor: Any) -> Sequence[NDArray[np.float64]] | None:
    ask = getattr(predictor, "clusterCenters", None)
    return None if ask is None else list(ask())


def _clusters(predictor: Any) -> int:
    return int(predictor.getOrDefault("k")) if predictor.hasParam("k") else 0


def _directed(scored: DataFrame, *, cosine: bool) -> DataFrame:
    """With the vectors that squared distances are of: for the cosine distance, their directions."""
    from pyspark.ml.feature import Normalizer
    from pyspark.sql import functions as F

    if cosine:
        return Normalizer(inputCol="features", outputCol=VECTOR, p=2.0).transform(scored)
    return scored.withColumn(VECTOR, F.col("features"))


def _direction(centre: NDArray[np.float64]) -> NDArray[np.float64]:
    # numpy's norm is that of a BLAS, whose last bits follow from the CPU.
    return centre / math.sqrt(float((centre * centre).sum()))


def _by_cluster(scored: DataFrame) -> list[Row]:
    """Rows, mean and variance of the vectors by cluster."""
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F

    summary = Summarizer.metrics("mean", "variance").summary(F.col(VECTOR))
    grouped = scored.groupBy("prediction").agg(F.count(F.lit(1)).alias("rows"), summary.alias("of"))
    return sorted(grouped.collect(), key=lambda row: row["prediction"])


def _cost(by_cluster: Sequence[Row], centres: Sequence[NDArray[np.float64]] | None, *, cosine: bool) -> float:
    """Return the sum over clusters of (n - 1) · variance + n · |mean - centre|².

    Of directions, half the squared Euclidean distance is 1 - cos, the cosine distance.
    """
    total = 0.0
    for row in by_cluster:
        centre = (centres or ())[row["prediction"]]
        if cosine:
            centre = _direction(centre)
        mean, variance = row["of"]["mean"].toArray(), row["of"]["variance"].toArray()
        total += (row["rows"] - 1) * variance.sum() + row["rows"] * ((mean - centre) ** 2).sum()
    return float(total / 2 if cosine else total)


def _silhouette(scored: DataFrame, *, cosine: bool) -> float:
    from pyspark.ml.evaluation import ClusteringEvaluator

    measure = "cosine" if cosine else "squaredEuclidean"
    # Spark's evaluator wants a double, and every cluster's number among the rows.
    return float(ClusteringEvaluator(distanceMeasure=measure).evaluate(scored))


def _stability(
    holdout: Holdout, baseline: PipelineModel
) -> tuple[float, tuple[float, ...], Mapping[str, Any]]:
    """Return the index, its values without each group of rows in turn, and what is told of the baseline."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    # The baseline's stages add columns of the same names as ours: it is given the raw columns and our answer.
    columns = [F.col(f"`{name}`") for name in holdout.rows.columns]
    try:
        ours = holdout.model.transform(holdout.rows).select(
            *columns,
            _cluster(_predictor(holdout.model)).alias(_OURS),
            group_of(*key_columns(holdout.pipeline)).alias(_GROUP),
        )
        theirs = baseline.transform(ours).select(
            _OURS, _GROUP, _cluster(_predictor(baseline)).alias("theirs")
        )
        counted = theirs.groupBy(_OURS, "theirs", _GROUP).count().collect()
    except (PySparkException, Py4JJavaError, SpecError) as error:
        why = f"the baseline does not run on these rows: {root_cause(error)}"
        return math.nan, (), {"incomparable": why}
    down = sorted({row[_OURS] for row in counted})
    across = sorted({row["theirs"] for row in counted})
    counts = np.zeros((GROUPS, len(down), len(across)), dtype=np.int64)
    for row in counted:
        counts[row[_GROUP], down.index(row[_OURS]), across.index(row["theirs"])] = row["count"]
    whole = counts.sum(axis=0)
    rests = (adjusted_rand_index(whole - each) if each.any() else math.nan for each in counts)
    return adjusted_rand_index(whole), tuple(rests), {"clusters": len(across)}
