"""Rankings are those of Spark's RankingEvaluator on lists made by hand; what is unknown is counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.ml.test_stages import pipeline_of
from vintage.ml.families import EvaluationResult, Holdout
from vintage.ml.families.recommendation import RANKING, measure, score

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

    from vintage.spec import Pipeline

pytestmark = pytest.mark.spark

Rating = tuple[int, int, float]
SCHEMA = "user int, item int, rating double"
# Spark's ten blocks of each would make a ranking of ten items several hundred tasks.
BLOCKS = {"numUserBlocks": 2, "numItemBlocks": 2}


def pipeline(k: int = 3, relevant: str | None = "rating >= 3", **als: str) -> Pipeline:
    params = {"rank": 3, "maxIter": 3, **BLOCKS, **als}
    return pipeline_of(
        f"- ALS: {{{', '.join(f'{name}: {value}' for name, value in params.items())}}}\n",
        task="recommendation",
        preprocess={"sql": "SELECT * FROM source", "key": ["user", "item"]},
        evaluate={"metric": "rmse", "k": k, "relevant": relevant},
    )


@pytest.fixture(scope="module")
def ratings() -> list[Rating]:
    """12 users, 10 items, tastes in two groups; each has rated about two thirds."""
    random = np.random.default_rng(2)
    return [
        (user, item, float(1 + 3 * (user % 2 == item % 2) + random.integers(0, 2)))
        for user in range(12)
        for item in range(10)
        if random.random() < 0.7
    ]


@pytest.fixture(scope="module")
def train(spark: SparkSession, ratings: list[Rating]) -> DataFrame:
    return spark.createDataFrame(ratings[::2], SCHEMA).persist()


@pytest.fixture(scope="module")
def model(train: DataFrame) -> PipelineModel:
    from pyspark.ml import Pipeline
    from pyspark.ml.recommendation import ALS

    als = ALS(rank=3, maxIter=3, seed=1, coldStartStrategy="drop", **BLOCKS)
    return Pipeline(stages=[als]).fit(train.coalesce(1))


def measured(
    rows: DataFrame, train: DataFrame | None, model: PipelineModel, spec: Pipeline
) -> EvaluationResult:
    scored = score(rows, model, spec).persist()
    return measure(Holdout(scored, scored.count(), spec, rows=rows, model=model, train=train))


@pytest.mark.parametrize("k", [1, 3, 20])
def test_rankings_are_those_of_sparks_evaluator(
    spark: SparkSession, ratings: list[Rating], train: DataFrame, model: PipelineModel, k: int
) -> None:
    from pyspark.ml.evaluation import RankingEvaluator

    holdout = ratings[1::2]
    found = measured(spark.createDataFrame(holdout, SCHEMA), train, model, pipeline(k))
    factors = [
        {row["id"]: np.array(row["features"]) for row in each.collect()}
        for each in (model.stages[0].userFactors, model.stages[0].itemFactors)
    ]
    seen = {(user, item) for user, item, _ in ratings[::2]}
    lists = []
    for user in sorted({user for user, _, _ in holdout}):
        relevant = [float(item) for each, item, rating in holdout if each == user and rating >= 3]
        expected = {
            item: factors[0][user] @ factors[1][item] for item in factors[1] if (user, item) not in seen
        }
        best = sorted(expected, key=lambda item: (-expected[item], item))[:k]
        if relevant:
            lists.append(([float(item) for item in best], relevant))
    both = spark.createDataFrame(lists, "prediction array<double>, label array<double>")
    for name in RANKING:
        at_k = "meanAveragePrecisionAtK" if name == "meanAveragePrecision" else name
        evaluator = RankingEvaluator(metricName=at_k, k=k)
        assert found.values[name] == pytest.approx(evaluator.evaluate(both)), name
    shown = {item for best, _ in lists for item in best}
    assert found.values["catalogCoverage"] == pytest.approx(len(shown) / len(factors[1]))
    assert found.details["catalogue"] == {"recommended": len(shown), "known": 10, "users": len(lists)}


def test_errors_are_of_the_known_pairs_and_the_others_are_counted(
    spark: SparkSession, ratings: list[Rating], train: DataFrame, model: PipelineModel
) -> None:
    from pyspark.ml.evaluation import RegressionEvaluator

    strangers = [(77, 1, 5.0), (78, 1, 5.0), (1, 99, 5.0)]
    known = spark.createDataFrame(ratings[1::2], SCHEMA)
    found = measured(known.union(spark.createDataFrame(strangers, SCHEMA)), train, model, pipeline())
    predictions = model.transform(known)
    for name in ("rmse", "mae"):
        evaluator = RegressionEvaluator(labelCol="rating", metricName=name)
        assert found.values[name] == pytest.approx(evaluator.evaluate(predictions), rel=1e-6)
    pairs = len(ratings[1::2])
    assert found.rows == pairs + 3
    assert found.details["pairs"] == {"known": pairs, "unknown": 3}
    assert found.details["users"] == {"known": 12, "unknown": 2}
    assert found.values["userCoverage"] == pytest.approx(12 / 14)
    assert found.values["itemCoverage"] == pytest.approx(10 / 11)


def test_what_was_seen_in_training_is_not_recommended(
    spark: SparkSession, ratings: list[Rating], train: DataFrame, model: PipelineModel
) -> None:
    rows = spark.createDataFrame(ratings[::2], SCHEMA)
    found = measured(rows, train, model, pipeline())
    assert all(math.isnan(found.values[name]) for name in RANKING), "all of it was seen"
    unseen = measured(rows, None, model, pipeline())
    assert unseen.values["precisionAtK"] > 0


def test_without_relevant_every_row_counts(
    spark: SparkSession, ratings: list[Rating], train: DataFrame, model: PipelineModel
) -> None:
    rows = spark.createDataFrame(ratings[1::2], SCHEMA)
    every = measured(rows, train, model, pipeline(20, None)).values
    assert every["recallAtK"] == 1.0
    assert every["precisionAtK"] == pytest.approx(len(ratings[1::2]) / 12 / 20)


def test_no_user_of_the_holdout_is_known(spark: SparkSession, train: DataFrame, model: PipelineModel) -> None:
    rows = spark.createDataFrame([(70, 1, 5.0), (71, 2, 1.0)], SCHEMA)
    found = measured(rows, train, model, pipeline())
    assert found.refusals == ("the model knows no pair of a user and an item of the holdout",)
    assert (found.values["userCoverage"], found.values["itemCoverage"]) == (0.0, 1.0)
    others = {
        name: value for name, value in found.values.items() if name not in {"userCoverage", "itemCoverage"}
    }
    assert all(math.isnan(value) for value in others.values())


def test_an_empty_holdout_defines_nothing(
    spark: SparkSession, train: DataFrame, model: PipelineModel
) -> None:
    found = measured(spark.createDataFrame([], SCHEMA), train, model, pipeline())
    assert (found.rows, found.refusals) == (0, ())
    assert all(math.isnan(value) for value in found.values.values())


def test_ids_that_stages_make_of_texts(spark: SparkSession) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import StringIndexer
    from pyspark.ml.recommendation import ALS

    schema = "user string, item string, stars float"
    pairs = [
        ("ann", "tea", 5.0),
        ("ann", "rum", 1.0),
        ("bob", "tea", 4.0),
        ("bob", "ale", 2.0),
        ("cy", "ale", 3.0),
    ]
    train = spark.createDataFrame(pairs, schema)
    spec = pipeline(2, None, userCol="user_ix", itemCol="item_ix", ratingCol="stars")
    indexer = StringIndexer(
        inputCols=["user", "item"], outputCols=["user_ix", "item_ix"], handleInvalid="keep"
    )
    als = ALS(rank=2, maxIter=2, seed=1, userCol="user_ix", itemCol="item_ix", ratingCol="stars", **BLOCKS)
    model = Pipeline(stages=[indexer, als]).fit(train.coalesce(1))
    holdout = spark.createDataFrame([("ann", "ale", 3.0), ("eve", "tea", 5.0)], schema)
    found = measured(holdout, train, model, spec)
    assert found.details["pairs"] == {"known": 1, "unknown": 1}
    assert found.values["recallAtK"] == 1.0
    assert found.values["userCoverage"] == 0.5
    [row] = score(holdout, model, spec).where("not isnan(prediction)").collect()
    assert (row["user"], row["item"]) == ("ann", "ale"), "the key stays as it was"
    assert found.values["rmse"] == pytest.approx(abs(row["prediction"] - 3.0))


def test_intervals_leave_out_whole_users(
    spark: SparkSession, ratings: list[Rating], train: DataFrame, model: PipelineModel
) -> None:
    """Without the users of one group, the metrics are those of the others' rows."""
    from pyspark.sql import functions as F

    from vintage.ml.families.jackknife import FEWEST, GROUPS, group_of

    rows = spark.createDataFrame(ratings[1::2], SCHEMA)
    spec = pipeline()
    scored = score(rows, model, spec).persist()
    found = measure(Holdout(scored, scored.count(), spec, rows=rows, model=model, train=train, thorough=True))
    groups = {row["group"] for row in scored.select(group_of("als_user").alias("group")).collect()}
    assert len(groups) >= FEWEST
    names = ("rmse", "mae", "ndcgAtK", "precisionAtK", "meanAveragePrecision")
    # Of a group whose users have nothing relevant, no ranking is known.
    left = next(
        group for group in sorted(groups) if all(math.isfinite(found.left_out[name][group]) for name in names)
    )
    rest = measured(rows.where(group_of(F.col("user").cast("int")) != F.lit(left)), train, model, spec)
    for name in names:
        assert len(found.left_out[name]) == GROUPS
        assert found.left_out[name][left] == pytest.approx(rest.values[name], rel=1e-9)
        enough = sum(map(math.isfinite, found.left_out[name])) >= FEWEST
        assert (name in found.intervals) == enough
    assert found.intervals["rmse"].low < found.values["rmse"] < found.intervals["rmse"].high
