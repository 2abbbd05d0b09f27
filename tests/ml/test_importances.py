"""What fitted models weigh is told by feature name, largest first, for each kind of model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from vintage.ml.importances import MOST, importances_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

NAMES = ["distance", "sky", "carrier_oh_AA", "carrier_oh_UA"]


@pytest.fixture(scope="module")
def flights(spark: SparkSession) -> DataFrame:
    """60 flights: only the sky delays them, strongly; the carrier a little; `kind` has three classes."""
    rows = []
    for number in range(60):
        sky, carrier = float(number % 5), ("AA", "UA", "ZZ")[number % 3]
        delay = 10.0 * sky + (number % 3) + 0.01 * (number % 7)
        words = ["snow", "fog"] if sky >= 3 else ["sun", "wind"]
        rows.append(
            (number, float(number % 7) / 10, sky, carrier, words, delay, float(sky >= 3), number % 3.0)
        )
    schema = (
        "id INT, distance DOUBLE, sky DOUBLE, carrier STRING, words ARRAY<STRING>, delay DOUBLE, "
        "label DOUBLE, kind DOUBLE"
    )
    session = spark.newSession()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    return session.createDataFrame(rows, schema).repartition(1)


@pytest.fixture(scope="module")
def weighed(flights: DataFrame) -> Callable[..., Any]:
    """Fits a stage on the prepared flights and tells what it weighs; the preparation is fitted once."""
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

    before = Pipeline(
        stages=[
            StringIndexer(inputCol="carrier", outputCol="carrier_ix", stringOrderType="alphabetAsc"),
            OneHotEncoder(inputCol="carrier_ix", outputCol="carrier_oh"),
            VectorAssembler(inputCols=["distance", "sky", "carrier_oh"], outputCol="features"),
        ]
    ).fit(flights)
    prepared = before.transform(flights).cache()

    def of(*stages: Any) -> Mapping[str, Any] | None:
        further = Pipeline(stages=list(stages)).fit(prepared)
        found = importances_of(PipelineModel([*before.stages, *further.stages]), flights)
        # What a manifest must be able to say.
        json.dumps(found, allow_nan=False)
        return found

    return of


def by_name(found: Mapping[str, Any]) -> dict[str, Any]:
    return {each["feature"]: each.get("value", each.get("values")) for each in found["features"]}


LINEAR = ["LogisticRegression", "LinearSVC", "FMClassifier", "LinearRegression", "FMRegressor"]
LINEAR += ["GeneralizedLinearRegression"]
TREES = ["DecisionTreeClassifier", "RandomForestClassifier", "GBTClassifier", "DecisionTreeRegressor"]
TREES += ["RandomForestRegressor", "GBTRegressor"]


def predictor(name: str, **params: Any) -> Any:
    import pyspark.ml.classification
    import pyspark.ml.regression

    if "FM" in name:
        params |= {"factorSize": 2, "seed": 1}
    if name.endswith(("Regressor", "Regression")) and name != "LogisticRegression":
        found = getattr(pyspark.ml.regression, name)
        return found(labelCol="delay", **params)
    return getattr(pyspark.ml.classification, name)(labelCol="label", **params)


@pytest.mark.parametrize("name", LINEAR)
def test_linear_models_tell_their_coefficients(weighed: Callable[..., Any], name: str) -> None:
    stage = predictor(name, maxIter=5)
    found = weighed(stage)
    assert found["kind"] == ("linear terms" if name.startswith("FM") else "coefficients")
    assert found["left_out"] == 0
    assert "by" not in found
    assert sorted(by_name(found)) == sorted(NAMES)
    sizes = [abs(each["standardised"]) for each in found["features"]]
    assert sizes == sorted(sizes, reverse=True)
    if not name.startswith("FM"):
        assert by_name(found)["sky"] > 0


def test_a_rare_category_does_not_lead_once_coefficients_are_standardised(spark: SparkSession) -> None:
    from pyspark.ml import PipelineModel
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    rows = [(float(place), float(place == 7), 2.0 * place + 50.0 * (place == 7)) for place in range(40)]
    frame = spark.createDataFrame(rows, "often DOUBLE, rare DOUBLE, label DOUBLE").repartition(1)
    assembler = VectorAssembler(inputCols=["often", "rare"], outputCol="features")
    linear = LinearRegression(maxIter=10).fit(assembler.transform(frame))
    model = PipelineModel([assembler, linear])
    found = importances_of(model, frame)
    assert found is not None
    often, rare = found["features"]
    assert (often["feature"], often["value"], rare["value"]) == ("often", pytest.approx(2), pytest.approx(50))
    assert often["standardised"] == pytest.approx(2 * np.std(range(40), ddof=1))
    assert rare["standardised"] == pytest.approx(50 * np.std([1.0] + [0.0] * 39, ddof=1))


@pytest.mark.parametrize("name", TREES)
def test_trees_tell_their_importances(weighed: Callable[..., Any], name: str) -> None:
    params = {"maxIter": 2} if name.startswith("GBT") else {}
    found = weighed(predictor(name, maxDepth=2, **params))
    assert found["kind"] == "importances"
    assert found["features"][0]["feature"] == "sky"
    assert sum(by_name(found).values()) == pytest.approx(1.0)


def test_values_are_those_of_the_slot_that_has_the_name(weighed: Callable[..., Any]) -> None:
    found = by_name(weighed(predictor("LinearRegression")))
    assert found["sky"] == pytest.approx(10.0, abs=0.1)
    assert found["carrier_oh_AA"] == pytest.approx(-2.0, abs=0.1)
    assert found["carrier_oh_UA"] == pytest.approx(-1.0, abs=0.1)


def test_several_classes_have_a_coefficient_each(weighed: Callable[..., Any]) -> None:
    from pyspark.ml.classification import LinearSVC, LogisticRegression, OneVsRest

    for stage in (
        LogisticRegression(labelCol="kind", maxIter=5, regParam=0.01),
        OneVsRest(labelCol="kind", classifier=LinearSVC(maxIter=3, regParam=0.01), parallelism=1),
    ):
        found = weighed(stage)
        assert found["kind"] == "coefficients"
        assert found["by"] == ["class 0", "class 1", "class 2"]
        by_class = by_name(found)["carrier_oh_AA"]
        assert by_class[0] == max(by_class)
        assert found["features"][0]["feature"].startswith("carrier_oh")


def test_naive_bayes_tells_the_features_that_tell_its_classes_apart(weighed: Callable[..., Any]) -> None:
    from pyspark.ml.classification import NaiveBayes

    gaussian = weighed(NaiveBayes(labelCol="label", modelType="gaussian"))
    assert gaussian["kind"] == "means"
    assert gaussian["features"][0] == {"feature": "sky", "values": [1.0, 3.5]}
    assert weighed(NaiveBayes(labelCol="label"))["kind"] == "log probabilities"


def test_principal_components_and_clusters(weighed: Callable[..., Any]) -> None:
    from pyspark.ml.clustering import BisectingKMeans, GaussianMixture, KMeans
    from pyspark.ml.feature import PCA

    loadings = weighed(PCA(inputCol="features", outputCol="reduced", k=2))
    assert (loadings["kind"], loadings["by"]) == ("loadings", ["component 1", "component 2"])
    assert loadings["features"][0]["feature"] == "sky"
    assert abs(loadings["features"][0]["values"][0]) == pytest.approx(1.0, abs=0.01)
    for stage in (
        KMeans(k=2, seed=1, maxIter=2),
        BisectingKMeans(k=2, seed=1, maxIter=2),
        GaussianMixture(k=2, seed=1, maxIter=2),
    ):
        centres = weighed(stage)
        assert (centres["kind"], centres["by"]) == ("centres", ["cluster 0", "cluster 1"])
        assert sorted(by_name(centres)) == sorted(NAMES)
    both = weighed(
        PCA(inputCol="features", outputCol="reduced", k=2),
        KMeans(k=2, featuresCol="reduced", seed=1, maxIter=2),
    )
    assert {each["feature"] for each in both["features"]} == {"reduced[0]", "reduced[1]"}


def test_scalers_do_not_lose_the_names(weighed: Callable[..., Any]) -> None:
    from pyspark.ml.feature import StandardScaler, VectorAssembler

    scaler = StandardScaler(inputCol="features", outputCol="scaled")
    found = weighed(scaler, predictor("LinearRegression", featuresCol="scaled"))
    assert sorted(by_name(found)) == sorted(NAMES)
    again = VectorAssembler(inputCols=["scaled", "distance", "carrier_oh"], outputCol="all")
    found = weighed(scaler, again, predictor("LinearRegression", featuresCol="all"))
    assert sorted(by_name(found)) == sorted({*NAMES})
    assert len(found["features"]) == len(NAMES) + 3


def test_words_name_their_counts_and_nothing_names_hashes(weighed: Callable[..., Any]) -> None:
    from pyspark.ml.clustering import LDA
    from pyspark.ml.feature import IDF, CountVectorizer, HashingTF

    counted = CountVectorizer(inputCol="words", outputCol="counts")
    found = weighed(
        counted,
        IDF(inputCol="counts", outputCol="weighted"),
        predictor("LogisticRegression", featuresCol="weighted", regParam=0.1),
    )
    assert sorted(by_name(found)) == ["fog", "snow", "sun", "wind"]
    assert by_name(found)["snow"] > 0 > by_name(found)["sun"]
    topics = weighed(counted, LDA(featuresCol="counts", k=2, seed=1, maxIter=2))
    assert (topics["kind"], topics["by"]) == ("topics", ["topic 0", "topic 1"])
    assert sum(values[0] for values in by_name(topics).values()) == pytest.approx(1.0)
    hashed = HashingTF(inputCol="words", outputCol="hashed", numFeatures=MOST + 50)
    found = weighed(hashed, predictor("LogisticRegression", featuresCol="hashed"))
    assert len(found["features"]) == MOST
    assert found["left_out"] == 50
    assert all(name.startswith("hashed[") for name in by_name(found))


def test_models_without_any_give_nothing(weighed: Callable[..., Any], flights: DataFrame) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import MultilayerPerceptronClassifier
    from pyspark.ml.feature import PCA, StandardScaler
    from pyspark.ml.recommendation import ALS

    perceptron = MultilayerPerceptronClassifier(layers=[2, 3, 2], maxIter=2, seed=1, featuresCol="reduced")
    # The components before it are not what it decides by.
    assert weighed(PCA(inputCol="features", outputCol="reduced", k=2), perceptron) is None
    assert weighed(StandardScaler(inputCol="features", outputCol="scaled")) is None
    als = ALS(userCol="id", itemCol="item", ratingCol="delay", rank=2, maxIter=1, seed=1)
    rated = flights.selectExpr("id", "CAST(sky AS INT) AS item", "delay")
    model = Pipeline(stages=[als]).fit(rated)
    assert importances_of(model, rated) is None
