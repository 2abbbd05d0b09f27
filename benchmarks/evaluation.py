"""The whole of an evaluation, with slices and intervals, against Spark's evaluators on the same rows."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from vintage.ml.families.classification import measure_scored
from vintage.ml.families.slices import SLICES, leading
from vintage.session import SparkProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

PLAIN = ("accuracy", "f1", "weightedPrecision", "weightedRecall", "weightedFMeasure", "logLoss")
OF_CLASS_1 = ("precisionByLabel", "recallByLabel", "fMeasureByLabel")
SLICED = {"carrier": (), "origin": ()}
CARRIERS, ORIGINS = 16, 3
WARMING = 200_000


def scored_rows(spark: SparkSession, rows: int) -> DataFrame:
    """Cached rows as `classification.score` gives them: 16 carriers, 3 origins, scores that tell a little."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    chance = 1 / (1 + F.exp(-(F.randn(seed=1) - 1)))
    frame = (
        spark.range(rows, numPartitions=8)
        .withColumn("score", chance)
        .select(
            (F.rand(seed=2) < F.col("score")).cast("double").alias("label"),
            (F.col("score") > F.lit(0.5)).cast("double").alias("prediction"),
            F.array(1 - F.col("score"), F.col("score")).alias("probability"),
            array_to_vector(F.array(1 - F.col("score"), F.col("score"))).alias("vector"),
            "score",
            F.struct(
                F.concat(F.lit("C"), F.col("id") % CARRIERS).alias("carrier"),
                F.concat(F.lit("O"), F.col("id") % ORIGINS).alias("origin"),
            ).alias(SLICES),
        )
        .cache()
    )
    frame.count()
    return frame


def ours(frame: DataFrame) -> None:
    """Every metric, curve and interval, of the whole and of 19 slices."""
    rows = frame.count()
    sliced = leading(frame, SLICED)
    found = measure_scored(frame, rows=rows, sliced=sliced, metric="areaUnderROC", confidence=0.95, seed=1)
    if len(found.slices) != CARRIERS + ORIGINS or not found.intervals:
        raise SystemExit("the evaluation is not whole")


def one_evaluator(frame: DataFrame) -> None:
    """One pass of Spark's own, for one number."""
    from pyspark.ml.evaluation import BinaryClassificationEvaluator

    BinaryClassificationEvaluator(rawPredictionCol="vector").evaluate(frame)


def each_evaluator(frame: DataFrame) -> None:
    """The same metrics of the whole, one evaluator after the other; no slice and no interval."""
    from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator

    for name in ("areaUnderROC", "areaUnderPR"):
        BinaryClassificationEvaluator(rawPredictionCol="vector", metricName=name).evaluate(frame)
    for name in (*PLAIN, *OF_CLASS_1):
        MulticlassClassificationEvaluator(metricName=name, metricLabel=1.0, probabilityCol="vector").evaluate(
            frame
        )
    frame.groupBy("label", "prediction").count().collect()


def main() -> None:
    """`python -m benchmarks.evaluation ROWS RUNS`: seconds of each, run by run, as JSON."""
    rows, runs = (int(word) for word in sys.argv[1:])
    provider = SparkProvider("evaluation", conf={"spark.driver.memory": "4g"})
    sides: dict[str, Callable[[DataFrame], None]] = {
        "ours": ours,
        "one": one_evaluator,
        "each": each_evaluator,
    }
    # The first of each compiles what the others use: that is done on few rows.
    few = scored_rows(provider(), WARMING)
    for side in sides.values():
        side(few)
    few.unpersist()
    frame = scored_rows(provider(), rows)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            started = time.monotonic()
            side(frame)
            seconds[name].append(time.monotonic() - started)
    provider.stop()
    sys.stdout.write(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()
