"""What a projection keeps is what numpy says of the same rows and components."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.datasets import load_wine

from tests.ml.families.conftest import holdout_of
from tests.ml.test_stages import pipeline_of
from vintage.errors import SpecError
from vintage.ml.families import EvaluationResult
from vintage.ml.families.reduction import measure, score

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

NAMES = [f"x{place}" for place in range(5)]
PIPELINE = pipeline_of(
    "- VectorAssembler: {inputCols: [x0], outputCol: features}\n"
    "- PCA: {k: 2, inputCol: features, outputCol: reduced}\n",
    task="reduction",
    evaluate={"metric": "explainedVariance"},
)


def frame(spark: SparkSession, points: np.ndarray) -> DataFrame:
    rows = [(number, *map(float, point)) for number, point in enumerate(points)]
    return spark.createDataFrame(rows, "id int, " + ", ".join(f"{name} double" for name in NAMES))


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.asarray(load_wine().data)[:, :5]


def fitted(rows: DataFrame, k: int = 2) -> PipelineModel:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import PCA, VectorAssembler

    assembler = VectorAssembler(inputCols=NAMES, outputCol="features")
    return Pipeline(stages=[assembler, PCA(k=k, inputCol="features", outputCol="short")]).fit(rows)


@pytest.fixture(scope="module")
def model(spark: SparkSession, points: np.ndarray) -> PipelineModel:
    return fitted(frame(spark, points[:100]))


def measured(
    rows: DataFrame, model: PipelineModel, baseline: PipelineModel | None = None
) -> EvaluationResult:
    scored = score(rows, model, PIPELINE).persist()
    return measure(holdout_of(scored, rows=rows, model=model, baseline=baseline))


def test_variance_and_error_are_those_of_the_rebuilt_rows(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    holdout = points[100:]
    found = measured(frame(spark, holdout), model)
    components = model.stages[-1].pc.toArray()
    centred = holdout - holdout.mean(axis=0)
    rebuilt = centred @ components @ components.T
    error = ((centred - rebuilt) ** 2).sum(axis=1).mean()
    assert found.values == pytest.approx(
        {"explainedVariance": 1 - error / (centred**2).sum(axis=1).mean(), "reconstructionError": error},
        rel=1e-9,
    )
    by_component = (centred @ components).var(axis=0, ddof=1)
    assert found.details["variance"]["by_component"] == pytest.approx(list(by_component))
    assert (found.details["components"], found.rows) == (2, 78)
    assert found.uncompared == ("subspaceChange",)


def test_of_the_training_rows_it_is_sparks_own_explained_variance(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    found = measured(frame(spark, points[:100]), model)
    spark_says = model.stages[-1].explainedVariance.toArray().sum()
    assert found.values["explainedVariance"] == pytest.approx(spark_says)


def test_all_components_rebuild_everything(spark: SparkSession, points: np.ndarray) -> None:
    found = measured(frame(spark, points), fitted(frame(spark, points), k=5))
    assert found.values["explainedVariance"] == pytest.approx(1.0)
    assert 0 <= found.values["reconstructionError"] < 1e-9


def test_the_change_is_the_sine_of_the_largest_principal_angle(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    rows = frame(spark, points[100:])
    before = fitted(frame(spark, points[60:]))
    found = measured(rows, model, before)
    angles = subspace_angles(model.stages[-1].pc.toArray(), before.stages[-1].pc.toArray())
    assert found.values["subspaceChange"] == pytest.approx(np.sin(angles.max()))
    assert found.values["subspaceChange"] > 1e-6
    assert measured(rows, model, model).values["subspaceChange"] < 1e-12
    assert found.uncompared == ()


def test_a_baseline_of_other_features_gives_no_number(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import PCA, VectorAssembler

    rows = frame(spark, points)
    assembler = VectorAssembler(inputCols=NAMES[:3], outputCol="features")
    other = Pipeline(stages=[assembler, PCA(k=2, inputCol="features", outputCol="short")]).fit(rows)
    found = measured(rows, model, other)
    assert math.isnan(found.values["subspaceChange"])
    assert found.details["baseline"] == {"incomparable": "the baseline reads 3 features, this model 5"}


def test_rows_that_do_not_vary_refuse(spark: SparkSession, model: PipelineModel) -> None:
    for count in (1, 4):
        found = measured(frame(spark, np.ones((count, 5))), model)
        assert found.refusals == ("the rows of the holdout do not vary",)
        assert all(math.isnan(value) for value in found.values.values())


def test_rows_that_are_nan_refuse(spark: SparkSession, points: np.ndarray, model: PipelineModel) -> None:
    from pyspark.ml.feature import VectorAssembler

    holdout = np.where(np.arange(5) == 3, np.nan, points[:9])
    keeping = model.copy()
    keeping.stages[0] = VectorAssembler(inputCols=NAMES, outputCol="features", handleInvalid="keep")
    found = measured(frame(spark, holdout), keeping)
    assert found.refusals
    assert all(math.isnan(value) for value in found.values.values())


def test_an_empty_holdout_defines_nothing(spark: SparkSession, model: PipelineModel) -> None:
    found = measured(frame(spark, np.zeros((0, 5))), model)
    assert (found.rows, found.refusals) == (0, ())
    assert all(math.isnan(value) for value in found.values.values())


def test_the_order_and_partitioning_of_rows_change_no_bit(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    rows = frame(spark, points)
    assert measured(rows.repartition(5), model) == measured(rows.orderBy("x2").coalesce(1), model)


def test_a_model_without_components_is_refused(spark: SparkSession, points: np.ndarray) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler

    rows = frame(spark, points[:3])
    model = Pipeline(stages=[VectorAssembler(inputCols=NAMES, outputCol="features")]).fit(rows)
    with pytest.raises(SpecError, match="no stage of the model has principal components"):
        score(rows, model, PIPELINE)


def test_without_a_group_the_values_are_those_of_the_other_rows(
    spark: SparkSession, points: np.ndarray, model: PipelineModel
) -> None:
    from pyspark.sql import functions as F

    from vintage.ml.families.jackknife import GROUPS, group_of

    rows = frame(spark, points)
    scored = score(rows, model, PIPELINE).persist()
    found = measure(holdout_of(scored, rows=rows, model=model, pipeline=PIPELINE, thorough=True))
    groups = [row["group"] for row in rows.select(group_of("id").alias("group")).distinct().collect()]
    for name in ("explainedVariance", "reconstructionError"):
        assert [math.isfinite(value) for value in found.left_out[name]] == [
            place in groups for place in range(GROUPS)
        ]
        interval = found.intervals[name]
        assert interval.low < found.values[name] < interval.high
    left = sorted(groups)[3]
    rest = measured(rows.where(group_of("id") != F.lit(left)), model)
    for name, value in rest.values.items():
        assert found.left_out[name][left] == pytest.approx(value, rel=1e-9)
