"""Silhouette, cost and agreement are those of scikit-learn; any model with clusters or topics will do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import metrics as reference

from tests.ml.families.conftest import holdout_of
from tests.ml.test_stages import pipeline_of
from vintage.ml.families import EvaluationResult, distances
from vintage.ml.families.clustering import adjusted_rand_index, measure, score
from vintage.ml.families.jackknife import group_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

PIPELINE = pipeline_of(
    "- VectorAssembler: {inputCols: [x, y], outputCol: features}\n- KMeans: {k: 3}\n",
    task="clustering",
    evaluate={"metric": "silhouette"},
)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Three groups that overlap a little, far from the origin."""
    random = np.random.default_rng(11)
    centres = np.array([[100.0, 0.0], [103.0, 0.0], [100.0, 5.0]])
    return np.concatenate([random.normal(centre, 1.0, (40, 2)) for centre in centres])


@pytest.fixture(scope="module")
def rows(spark: SparkSession, points: np.ndarray) -> DataFrame:
    return frame(spark, points).persist()


def frame(spark: SparkSession, points: np.ndarray) -> DataFrame:
    values = [(number, float(x), float(y)) for number, (x, y) in enumerate(points)]
    return spark.createDataFrame(values, "id int, x double, y double")


def fitted(rows: DataFrame, estimator: Any) -> PipelineModel:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler

    return Pipeline(stages=[VectorAssembler(inputCols=["x", "y"], outputCol="features"), estimator]).fit(rows)


def measured(
    rows: DataFrame, model: PipelineModel, baseline: PipelineModel | None = None
) -> EvaluationResult:
    scored = score(rows, model, PIPELINE).persist()
    return measure(holdout_of(scored, rows=rows, model=model, baseline=baseline))


def clusters(rows: DataFrame, model: PipelineModel) -> np.ndarray:
    found = {row["id"]: row["prediction"] for row in score(rows, model, PIPELINE).collect()}
    return np.array([found[number] for number in range(len(found))])


def group_numbers(rows: DataFrame) -> np.ndarray:
    """The group of each row, in the order of their numbers."""
    return np.array([row["of"] for row in rows.orderBy("id").select(group_of("id").alias("of")).collect()])


def k_means(**params: Any) -> Any:
    from pyspark.ml.clustering import KMeans

    return KMeans(**{"k": 3, "seed": 1, **params})


def bisecting(**params: Any) -> Any:
    from pyspark.ml.clustering import BisectingKMeans

    return BisectingKMeans(**{"k": 3, "seed": 1, **params})


@pytest.mark.parametrize("estimator", [k_means, bisecting])
def test_silhouette_cost_and_sizes_are_those_of_scikit_learn(
    rows: DataFrame, points: np.ndarray, estimator: Callable[[], Any]
) -> None:
    model = fitted(rows, estimator())
    found, assigned = measured(rows, model), clusters(rows, model)
    centres = np.array(model.stages[-1].clusterCenters())
    assert found.values == pytest.approx(
        {
            "silhouette": reference.silhouette_score(points, assigned, metric="sqeuclidean"),
            "cost": ((points - centres[assigned]) ** 2).sum(),
        },
        rel=1e-9,
    )
    assert found.details["cluster_sizes"] == {str(each): int((assigned == each).sum()) for each in range(3)}
    assert (found.rows, found.refusals, found.uncompared) == (120, (), ("stability",))


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_each_group_of_rows_is_left_out_in_turn(rows: DataFrame, points: np.ndarray, distance: str) -> None:
    model = fitted(rows, k_means(distanceMeasure=distance))
    scored = score(rows, model, PIPELINE).persist()
    found = measure(holdout_of(scored, rows=rows, model=model, pipeline=PIPELINE, thorough=True))
    plain = measure(holdout_of(scored, rows=rows, model=model, pipeline=PIPELINE))
    assert found.values == plain.values
    assert plain.intervals == {}
    numbers, groups = clusters(rows, model), group_numbers(rows)
    given = points / np.linalg.norm(points, axis=1)[:, None] if distance == "cosine" else points
    ends = np.array(model.stages[-1].clusterCenters())[numbers]
    if distance == "cosine":
        ends = ends / np.linalg.norm(ends, axis=1)[:, None]
    costs = ((given - ends) ** 2).sum(axis=1) / (2 if distance == "cosine" else 1)
    assert costs.sum() == pytest.approx(found.values["cost"], rel=1e-9)
    for group in np.unique(groups):
        kept = groups != group
        assert found.left_out["silhouette"][group] == pytest.approx(
            reference.silhouette_score(given[kept], numbers[kept], metric="sqeuclidean"), rel=1e-9
        )
        assert found.left_out["cost"][group] == pytest.approx(costs[kept].mean() * len(points), rel=1e-9)
    for spread, value in ((found.intervals[name], found.values[name]) for name in ("silhouette", "cost")):
        assert spread.low < value < spread.high


def test_a_sample_tells_how_far_all_rows_vary(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    points = np.concatenate([random.normal(centre, 1.0, (1000, 2)) for centre in ([0, 0], [4, 0], [0, 4])])
    many = frame(spark, points).persist()
    model = fitted(many, k_means())

    def widths() -> dict[str, float]:
        scored = score(many, model, PIPELINE).persist()
        found = measure(holdout_of(scored, rows=many, model=model, pipeline=PIPELINE, thorough=True))
        return {name: each.high - each.low for name, each in found.intervals.items()}

    of_all = widths()
    monkeypatch.setattr(distances, "SAMPLED", 500)
    assert widths() == pytest.approx(of_all, rel=0.4)


def test_the_interval_of_a_silhouette_is_as_wide_as_it_varies(spark: SparkSession, rows: DataFrame) -> None:
    """Of 60 other samples of the same points' distribution, against the one interval."""
    model = fitted(rows, k_means())
    random = np.random.default_rng(3)
    centres = np.array([[100.0, 0.0], [103.0, 0.0], [100.0, 5.0]])
    given = model.stages[-1].clusterCenters()

    def silhouette(points: np.ndarray) -> float:
        nearest = np.argmin([((points - centre) ** 2).sum(axis=1) for centre in given], axis=0)
        return float(reference.silhouette_score(points, nearest, metric="sqeuclidean"))

    drawn = [
        silhouette(np.concatenate([random.normal(centre, 1.0, (40, 2)) for centre in centres]))
        for _ in range(60)
    ]
    scored = score(rows, model, PIPELINE).persist()
    found = measure(holdout_of(scored, rows=rows, model=model, pipeline=PIPELINE, thorough=True))
    spread = found.intervals["silhouette"]
    assert (spread.high - spread.low) / 2 == pytest.approx(2.01 * np.std(drawn, ddof=1), rel=0.4)


def test_the_stability_of_groups(rows: DataFrame) -> None:
    ours, theirs = fitted(rows, k_means()), fitted(rows, k_means(k=4))
    scored = score(rows, ours, PIPELINE).persist()
    found = measure(
        holdout_of(scored, rows=rows, model=ours, baseline=theirs, pipeline=PIPELINE, thorough=True)
    )
    groups, own, other = group_numbers(rows), clusters(rows, ours), clusters(rows, theirs)
    for group in np.unique(groups):
        kept = groups != group
        assert found.left_out["stability"][group] == pytest.approx(
            reference.adjusted_rand_score(own[kept], other[kept]), abs=1e-12
        )
    assert found.intervals["stability"].low < found.values["stability"]


def test_the_cosine_distance_is_that_of_the_model(rows: DataFrame, points: np.ndarray) -> None:
    model = fitted(rows, k_means(distanceMeasure="cosine", k=2))
    found, assigned = measured(rows, model), clusters(rows, model)
    centres = np.array(model.stages[-1].clusterCenters())[assigned]
    cosine = (points * centres).sum(axis=1) / np.linalg.norm(points, axis=1) / np.linalg.norm(centres, axis=1)
    assert found.values["cost"] == pytest.approx((1 - cosine).sum(), rel=1e-6)
    assert found.values["silhouette"] == pytest.approx(
        reference.silhouette_score(points, assigned, metric="cosine"), rel=1e-6
    )
    assert found.details["distance"] == "cosine"


def test_a_mixture_has_no_cost(rows: DataFrame, points: np.ndarray) -> None:
    from pyspark.ml.clustering import GaussianMixture

    model = fitted(rows, GaussianMixture(k=3, seed=1))
    found = measured(rows, model)
    assert math.isnan(found.values["cost"])
    assigned = clusters(rows, model)
    assert found.values["silhouette"] == pytest.approx(
        reference.silhouette_score(points, assigned, metric="sqeuclidean")
    )


def test_topics_are_clusters(spark: SparkSession) -> None:
    from pyspark.ml.clustering import LDA

    counts = np.array([[9.0, 1.0], [8.0, 0.0], [7.0, 1.0], [0.0, 9.0], [1.0, 8.0], [0.0, 7.0]])
    rows = frame(spark, counts)
    model = fitted(rows, LDA(k=2, seed=3, maxIter=10, optimizer="em"))
    assert len(set(clusters(rows, model)[:3])) == len(set(clusters(rows, model)[3:])) == 1
    found = measured(rows, model)
    assert sorted(found.details["cluster_sizes"].values()) == [3, 3]
    assert found.values["silhouette"] > 0.9


def test_stability_is_the_adjusted_rand_index_on_the_same_rows(rows: DataFrame) -> None:
    model, before = fitted(rows, k_means()), fitted(rows, k_means(k=2, seed=5))
    found = measured(rows, model, before)
    assert found.values["stability"] == pytest.approx(
        reference.adjusted_rand_score(clusters(rows, model), clusters(rows, before))
    )
    assert (found.uncompared, found.details["baseline"]) == ((), {"clusters": 2})
    assert measured(rows, model, model).values["stability"] == 1.0


def test_a_baseline_of_other_columns_is_told_and_gives_no_number(rows: DataFrame) -> None:
    before = fitted(rows, k_means())
    renamed = rows.withColumnRenamed("y", "z")
    from pyspark.ml.feature import VectorAssembler

    before.stages[0] = VectorAssembler(inputCols=["x", "y"], outputCol="features")
    model = fitted(rows, k_means())
    model.stages[0] = VectorAssembler(inputCols=["x", "z"], outputCol="features")
    found = measured(renamed, model, before)
    assert math.isnan(found.values["stability"])
    assert "does not run on these rows" in found.details["baseline"]["incomparable"]
    assert "y" in found.details["baseline"]["incomparable"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0]),
        ([0, 0, 1, 2], [0, 0, 1, 1]),
        ([0, 1, 0, 1], [0, 0, 1, 1]),
        ([0, 0, 0], [0, 0, 0]),
        ([0, 1, 2], [0, 1, 2]),
        ([0, 1, 2], [0, 0, 0]),
        ([0], [0]),
    ],
)
def test_the_adjusted_rand_index_is_that_of_scikit_learn(ours: list[int], theirs: list[int]) -> None:
    counts = np.zeros((3, 3), dtype=np.int64)
    np.add.at(counts, (ours, theirs), 1)
    assert adjusted_rand_index(counts) == pytest.approx(reference.adjusted_rand_score(ours, theirs))


def test_one_cluster_refuses(spark: SparkSession, rows: DataFrame) -> None:
    found = measured(frame(spark, np.full((5, 2), 100.0)), fitted(rows, k_means()))
    assert math.isnan(found.values["silhouette"])
    assert found.refusals == ("all rows of the holdout fall into one cluster",)
    assert sorted(found.details["cluster_sizes"].values()) == [0, 0, 5]


def test_one_row(spark: SparkSession, rows: DataFrame) -> None:
    found = measured(frame(spark, np.array([[100.0, 0.0]])), fitted(rows, k_means()))
    assert math.isnan(found.values["silhouette"])
    assert found.values["cost"] > 0


def test_an_empty_holdout_defines_nothing(spark: SparkSession, rows: DataFrame) -> None:
    found = measured(frame(spark, np.zeros((0, 2))), fitted(rows, k_means()))
    assert (found.rows, found.refusals) == (0, ())
    assert all(math.isnan(value) for value in found.values.values())


def test_the_order_and_partitioning_of_rows_change_no_bit(rows: DataFrame) -> None:
    model = fitted(rows, k_means())
    assert measured(rows.repartition(5), model) == measured(rows.orderBy("y").coalesce(1), model)
