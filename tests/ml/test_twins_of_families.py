"""Twins of models that no example has, held against Spark on rows made to hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.twins import Case, check
from vintage.twin import Input, Stage
from vintage.twin.compiler import compile_stages

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.long]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """Rows of which most features teach little, with labels of two and of three classes."""
    from pyspark.ml.linalg import Vectors

    made = [
        (
            Vectors.dense(float(n % 7), n / 9 - 3, *(float(n % each) for each in (2, 4, 5, 6, 8, 9, 10, 11))),
            float(n % 7 > 3),
            float(n % 3),
            n % 5 + n / 60,
            n / 30,
        )
        for n in range(60)
    ]
    columns = ["features", "two", "three", "amount", "offset"]
    return spark.createDataFrame(made, columns).coalesce(1).persist()


LASSO = {"elasticNetParam": 1.0, "maxIter": 8}
FITS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "two classes with sparse weights": ("LogisticRegression", "two", {**LASSO, "regParam": 0.1}),
    "three classes with sparse weights": ("LogisticRegression", "three", {**LASSO, "regParam": 0.1}),
    "two classes by softmax": ("LogisticRegression", "two", {"family": "multinomial", "maxIter": 5}),
    "numbers with sparse weights": ("LinearRegression", "amount", {**LASSO, "regParam": 0.5}),
    "an offset": (
        "GeneralizedLinearRegression",
        "amount",
        {"family": "poisson", "offsetCol": "offset", "linkPredictionCol": "link", "maxIter": 5},
    ),
    "no intercept": ("GeneralizedLinearRegression", "amount", {"fitIntercept": False}),
    "a power of its own": (
        "GeneralizedLinearRegression",
        "amount",
        {"family": "tweedie", "variancePower": 1.5, "linkPower": -0.5, "maxIter": 3, "regParam": 0.5},
    ),
    "cosine distances": ("KMeans", "", {"k": 3, "distanceMeasure": "cosine", "seed": 1}),
    "cosine distances by halves": ("BisectingKMeans", "", {"k": 4, "distanceMeasure": "cosine", "seed": 1}),
}
"""What is special → class, label and Params."""


@pytest.mark.parametrize("name", FITS)
def test_its_twin_gives_what_spark_gives(rows: DataFrame, tmp_path: Path, name: str) -> None:
    from pyspark.ml import Pipeline

    from vintage.ml.catalogue import find_stage_class

    kind, label, params = FITS[name]
    estimator = find_stage_class(kind)(**({"labelCol": label} if label else {}), **params)
    pipeline = Pipeline(stages=[estimator]).fit(rows)
    pipeline.save(str(tmp_path / "model"))
    kinds = dict(rows.dtypes)
    [described] = compile_stages(tmp_path / "model", [Input(*column) for column in kinds.items()])
    assert isinstance(described, Stage)
    assert ("sparse" in name) == any(each.endswith(".stored") for each in described.data)
    reads = ["features", *([params["offsetCol"]] if "offsetCol" in params else [])]
    check(rows.sparkSession, Case(pipeline.stages[0], described, rows.collect(), kinds, {}, reads))
