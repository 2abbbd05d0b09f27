"""Recommendation metrics: errors on the known pairs, and rankings without what was seen before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import SpecError
from vintage.ml.families.jackknife import GROUPS, METHOD, group_of, intervals
from vintage.ml.families.measured import EvaluationResult, Holdout
from vintage.ml.families.regression import errors_of
from vintage.ml.splits import key_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline

COMPARES: Final = False
READS_TRAIN: Final = True
UNWRITTEN: Final = ()

RANKING: Final = ("precisionAtK", "recallAtK", "ndcgAtK", "meanAveragePrecision")
_PAIR: Final = ["als_user", "als_item"]
"""The pair as the model numbers it; the row key may well have a `user` and an `item` of its own."""


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the holdout's pairs of user and item with what the model expects of each.

    A pair whose user or item the model does not know stays, with prediction NaN, whatever the model's
    `coldStartStrategy` is: `drop` would hide how many there are.

    Returns:
        The key's columns, `als_user`, `als_item` (ints), `rating`, `prediction` (doubles) and `relevant`
        (whether `evaluate.relevant` holds for the row; without it, every row is relevant).
    """
    from pyspark.sql import functions as F

    als = _als(model)
    marked = model.copy({als.getParam("coldStartStrategy"): "nan"}).transform(rows)
    rating = als.getOrDefault("ratingCol") if als.hasParam("ratingCol") else _declared_rating(pipeline)
    relevant = F.expr(pipeline.evaluate.relevant or "true").cast("boolean")
    return marked.select(
        *key_columns(pipeline),
        *_pair(als),
        (F.col(f"`{rating}`").cast("double") if rating else F.lit(1.0)).alias("rating"),
        F.col(f"`{als.getOrDefault('predictionCol')}`").cast("double").alias("prediction"),
        F.coalesce(relevant, F.lit(False)).alias("relevant"),
    )


def measure(holdout: Holdout) -> EvaluationResult:
    """Return the metrics, with details `pairs`, `users`, `items`, `catalogue` and `k`.

    `rmse` and `mae` are of the pairs whose user and item the model knows; details tell how many others there
    are.

    The ranking metrics are means over the users that the model knows and that have something relevant in the
    holdout. Each user is recommended the k items of the highest prediction among all that the model knows,
    without those that the user had in the training rows; the lower id first of equals. With L the user's
    relevant items of the holdout (those of the training rows left out), r₁ < r₂ < … the ranks within the k at
    which one of them stands, they are Spark's RankingEvaluator's:

    - `precisionAtK`: how many ranks there are, divided by k.
    - `recallAtK`: how many ranks there are, divided by |L|.
    - `ndcgAtK`: the sum of 1 / ln(rᵢ + 1), divided by that of the ranks 1 … min(|L|, k).
    - `meanAveragePrecision`: the sum of i / rᵢ, divided by min(|L|, k); Spark's name for it at a k is
      meanAveragePrecisionAtK.

    Coverage:

    - `userCoverage`, `itemCoverage`: the share of the holdout's users, and of its items, that the model
      knows.
    - `catalogCoverage`: the share of the items that the model knows that are recommended to anybody of those
      that the ranking metrics are means of.
    """
    from pyspark.sql import functions as F

    als = _als(holdout.model)
    known = holdout.scored.where(~F.isnan("prediction"))
    rated = known.select("als_user", F.col("rating").alias("label"), "prediction")
    errors = errors_of(rated, group=group_of("als_user") if holdout.thorough else None)
    pairs = errors.rows + errors.unmeasured
    users, known_users = _coverage(holdout.scored, "als_user", als.userFactors)
    items, known_items = _coverage(holdout.scored, "als_item", als.itemFactors)
    ranking, details, ranking_left_out = _ranking(holdout, als)
    values = {
        "rmse": errors.values["rmse"],
        "mae": errors.values["mae"],
        **ranking,
        "userCoverage": known_users / users if users else math.nan,
        "itemCoverage": known_items / items if items else math.nan,
    }
    refusals = (
        ("the model knows no pair of a user and an item of the holdout",)
        if holdout.count and not pairs
        else ()
    )
    # What one user says is of one piece: a user's rows are left out together.
    left_out = {name: errors.left_out.get(name, ()) for name in ("rmse", "mae")} | ranking_left_out
    confidence = holdout.pipeline.evaluate.confidence
    return EvaluationResult(
        holdout.count,
        values,
        refusals,
        {
            "pairs": {"known": pairs, "unknown": holdout.count - pairs},
            "users": {"known": known_users, "unknown": users - known_users},
            "items": {"known": known_items, "unknown": items - known_items},
            **details,
        },
        intervals=intervals(values, left_out, confidence) if holdout.thorough else {},
        method=f"{METHOD}, all of a user in one",
        left_out=left_out,
    )


def _ranking(
    holdout: Holdout, als: Any
) -> tuple[dict[str, float], Mapping[str, Any], dict[str, tuple[float, ...]]]:
    """Return the ranking metrics, their details, and the metrics without each group of users in turn."""
    from pyspark.sql import functions as F

    k = holdout.pipeline.evaluate.ranked
    users = als.userFactors.select(F.col("id").alias("als_user"))
    relevant = holdout.scored.where("relevant").select(_PAIR).join(users, "als_user", "left_semi").distinct()
    asked = relevant.select("als_user").distinct()
    seen = _seen(holdout, als).join(asked, "als_user", "left_semi").distinct().persist()
    wanted = relevant.join(seen, _PAIR, "left_anti").persist()
    ranked = _recommended(als, wanted.select("als_user").distinct(), seen, k).persist()
    try:
        [shown] = ranked.agg(F.count_distinct("als_item").alias("items")).collect()
        catalogue = als.itemFactors.count()
        values, asked_users, left_out = _means(ranked, wanted, k)
    finally:
        for frame in (ranked, wanted, seen):
            frame.unpersist()
    values["catalogCoverage"] = shown["items"] / catalogue if asked_users and catalogue else math.nan
    details = {"recommended": shown["items"], "known": catalogue, "users": asked_users}
    return values, {"catalogue": details, "k": k}, left_out


def _recommended(als: Any, users: DataFrame, seen: DataFrame, k: int) -> DataFrame:
    """Return the k best items of each user, without those seen: `als_user, als_item, rank`."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    most = seen.groupBy("als_user").count().agg(F.max("count").alias("most")).collect()[0]["most"] or 0
    name = als.getOrDefault("userCol")
    found: DataFrame = als.recommendForUserSubset(users.select(F.col("als_user").alias(name)), k + most)
    item = F.col(f"each.`{als.getOrDefault('itemCol')}`")
    every = found.select(
        F.col(f"`{name}`").alias("als_user"), F.explode("recommendations").alias("each")
    ).select("als_user", item.alias("als_item"), F.col("each.rating").alias("expected"))
    best = Window.partitionBy("als_user").orderBy(F.desc("expected"), "als_item")
    ranked: DataFrame = (
        every.join(seen, _PAIR, "left_anti")
        .select(*_PAIR, F.row_number().over(best).alias("rank"))
        .where(F.col("rank") <= k)
    )
    return ranked


def _means(
    ranked: DataFrame, wanted: DataFrame, k: int
) -> tuple[dict[str, float], int, dict[str, tuple[float, ...]]]:
    """Return the ranking metrics as means over the users of `wanted`, and the number of users.

    And the same without each group of users in turn.
    """
    from pyspark.sql import functions as F

    hits = (
        ranked.join(wanted, _PAIR)
        .groupBy("als_user")
        .agg(F.array_sort(F.collect_list("rank")).alias("ranks"))
    )
    users = wanted.groupBy("als_user").agg(F.count(F.lit(1)).alias("relevant"))
    none = F.array().cast("array<int>")
    ranks, most = F.coalesce(F.col("ranks"), none), F.least(F.col("relevant"), F.lit(k))

    def added(values: Column) -> Column:
        return F.aggregate(values, F.lit(0.0), lambda total, value: total + value)

    gain = added(F.transform(ranks, lambda rank: 1.0 / F.log(rank + 1.0)))
    ideal = added(F.transform(F.sequence(F.lit(1), most.cast("int")), lambda rank: 1.0 / F.log(rank + 1.0)))
    precisions = added(F.transform(ranks, lambda rank, place: (place + 1.0) / rank))
    each = {
        "precisionAtK": F.size(ranks) / F.lit(k),
        "recallAtK": F.size(ranks) / F.col("relevant"),
        "ndcgAtK": gain / ideal,
        "meanAveragePrecision": precisions / most,
    }
    groups = (
        users.join(hits, "als_user", "left")
        .groupBy(group_of("als_user").alias("group"))
        .agg(
            F.count(F.lit(1)).alias("users"),
            *(F.sum(value.cast("decimal(28,18)")).alias(name) for name, value in each.items()),
        )
        .collect()
    )
    by_group = {row["group"]: row for row in groups}
    count = sum(row["users"] for row in groups)
    sums = {name: sum(row[name] for row in groups) for name in each}

    def without(name: str, group: int) -> float:
        row = by_group.get(group)
        if row is None or row["users"] == count:
            return math.nan
        rest: int = count - row["users"]
        return float(sums[name] - row[name]) / rest

    left_out = {name: tuple(without(name, group) for group in range(GROUPS)) for name in each}
    return {name: float(sums[name]) / count if count else math.nan for name in each}, count, left_out


def _coverage(scored: DataFrame, column: str, factors: DataFrame) -> tuple[int, int]:
    """Return how many different users, or items, there are, and how many of them the model knows."""
    from pyspark.sql import functions as F

    known = factors.select(F.col("id").alias(column), F.lit(1).alias("known"))
    there = scored.select(column).distinct().join(known, column, "left")
    [seen] = there.agg(F.count(F.lit(1)).alias("all"), F.count("known").alias("known")).collect()
    return seen["all"], seen["known"]


def _seen(holdout: Holdout, als: Any) -> DataFrame:
    """Return the pairs of user and item in the training rows, as the stages before the model number them."""
    from pyspark.ml import PipelineModel

    if holdout.train is None:
        return holdout.scored.select(_PAIR).limit(0)
    before = PipelineModel(holdout.model.stages[: holdout.model.stages.index(als)])
    return before.transform(holdout.train).select(*_pair(als))


def _pair(als: Any) -> list[Column]:
    from pyspark.sql import functions as F

    names = [als.getOrDefault("userCol"), als.getOrDefault("itemCol")]
    return [F.col(f"`{name}`").cast("int").alias(each) for name, each in zip(names, _PAIR, strict=True)]


def _als(model: PipelineModel) -> Any:
    for stage in reversed(model.stages):
        if hasattr(stage, "recommendForUserSubset"):
            return stage
    raise SpecError("no stage of the model recommends", expected="ALS among the stages")


def _declared_rating(pipeline: Pipeline) -> str:
    """Return the rating's column as declared: the fitted model does not keep it."""
    declared = [stage for stage in pipeline.stages if "ratingCol" in stage.params or stage.type == "ALS"]
    return str(declared[-1].params.get("ratingCol", "rating")) if declared else "rating"
