"""Fits of some models on many rows, on as many partitions as their number says or on one."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

# spark-submit puts the script's own folder on the path, not the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vintage.flow.fit import fit
from vintage.session import SparkProvider
from vintage.spec import Pipeline
from vintage.store.partitions import ROWS_PER_PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

WARMING: Final = 20_000
NUMBERS: Final = tuple(f"x{number}" for number in range(8))
CARRIERS: Final = 16
MANY_PARTS: Final = 1000
ASSEMBLED: Final = [
    {"StringIndexer": {"inputCol": "carrier", "outputCol": "carrier_ix", "handleInvalid": "keep"}},
    {"OneHotEncoder": {"inputCol": "carrier_ix", "outputCol": "carrier_oh"}},
    {"VectorAssembler": {"inputCols": [*NUMBERS, "carrier_oh"], "outputCol": "features"}},
]
MODELS: Final[dict[str, tuple[str, str, str, dict[str, Any]]]] = {
    "LogisticRegression": ("classification", "accuracy", "late", {"maxIter": 30, "regParam": 0.01}),
    "LinearRegression": (
        "regression",
        "rmse",
        "delay",
        {"solver": "l-bfgs", "maxIter": 30, "regParam": 0.01},
    ),
    "RandomForestClassifier": ("classification", "accuracy", "late", {"numTrees": 10, "maxDepth": 6}),
    "KMeans": ("clustering", "silhouette", "", {"k": 8, "maxIter": 10}),
}
"""Class → its task, a metric of it, the column that is its label, and its Params."""


def rows_of(spark: SparkSession, rows: int) -> DataFrame:
    """Rows that a model can learn from: eight numbers, a category, and a class and a number to learn."""
    from pyspark.sql import functions as F

    numbers = {name: F.randn(seed=place) * 10 ** (place - 4) for place, name in enumerate(NUMBERS)}
    score = sum((F.col(name) / 10 ** (place - 4) for place, name in enumerate(NUMBERS)), F.randn(seed=99))
    return (
        spark.range(rows, numPartitions=8)
        .withColumns({**numbers, "carrier": F.concat(F.lit("C"), F.col("id") % CARRIERS)})
        .withColumns({"delay": score, "late": (score > 1).cast("double")})
    )


def pipeline_of(model: str, partitions: int) -> Pipeline:
    """Return the pipeline that fits one of the models."""
    task, metric, _, params = MODELS[model]
    return pipeline_with([*ASSEMBLED, {model: params}], partitions, task, metric)


def pipeline_with(stages: list[dict[str, Any]], partitions: int, task: str, metric: str) -> Pipeline:
    """A pipeline of some stages; the task decides nothing that a fit does but which labels are refused."""
    return Pipeline.model_validate(
        {
            "name": "exactness",
            "schedule": "0 2 * * *",
            "start_date": "2020-01-01",
            "source": {"format": "csv", "path": "raw"},
            "expectations": "none",
            "window": {"days": 1},
            "preprocess": {"sql": "SELECT * FROM source", "key": ["id"]},
            "split": {"by": "key", "test_fraction": 0.2},
            "task": task,
            "stages": stages,
            "evaluate": {"metric": metric},
            "partitions": partitions,
        }
    )


def labelled(rows: DataFrame, model: str) -> DataFrame:
    """Return the rows with the label that a model learns, if it learns one."""
    label = MODELS[model][2]
    return rows.withColumnRenamed(label, "label") if label else rows


def at_the_driver(spark: SparkSession) -> None:
    """A sum of doubles whose parts the driver merges, one of each partition."""
    java: Any = spark._jvm
    numbers = spark.range(0, MANY_PARTS, 1, MANY_PARTS).selectExpr("id / 3 AS x")
    doubles = getattr(numbers._jdf, "as")(java.org.apache.spark.sql.Encoders.scalaDouble()).rdd()
    java.org.apache.spark.api.java.JavaDoubleRDD(doubles).sum()


def at_a_reducer(spark: SparkSession) -> None:
    """Sum of doubles by key whose parts one reducer reads, some of each map output."""
    keys = spark.range(0, MANY_PARTS * MANY_PARTS, 1, MANY_PARTS).selectExpr(
        f"id % {MANY_PARTS} AS key", "id / 3 AS x"
    )
    keys.groupBy("key").sum("x").coalesce(1).write.format("noop").mode("overwrite").save()


def measured(spark: SparkSession, what: Callable[[], object]) -> dict[str, float]:
    """Seconds of the clock, and of CPU of the JVM, which a busy machine changes less."""
    java: Any = spark._jvm
    jvm = psutil.Process(java.java.lang.ProcessHandle.current().pid())
    before, started = jvm.cpu_times(), time.monotonic()
    what()
    seconds, after = time.monotonic() - started, jvm.cpu_times()
    return {"seconds": seconds, "cpu": after.user + after.system - before.user - before.system}


def main() -> None:
    """`exactness.py ROWS MODE FILE`: writes as JSON how long each fit took."""
    rows, mode, file = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    provider = SparkProvider("exactness")
    partitions = 1 if mode == "one" else -(-rows // ROWS_PER_PARTITION)
    # As the session of a fit has it.
    spark = provider.learning(partitions)
    few, frame = (rows_of(spark, count).persist() for count in (WARMING, rows))
    frame.count()
    found: dict[str, dict[str, float]] = {}
    for model in MODELS:
        pipeline = pipeline_of(model, partitions)
        # What a first fit compiles is no part of what is measured.
        fit(labelled(few, model), pipeline)
        found[model] = measured(spark, partial(fit, labelled(frame, model), pipeline))
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    for part in (at_the_driver, at_a_reducer):
        part(spark)
        found[f"{MANY_PARTS:,} parts {part.__name__.replace('_', ' ')}"] = measured(
            spark, partial(part, spark)
        )
    provider.stop()
    file.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
