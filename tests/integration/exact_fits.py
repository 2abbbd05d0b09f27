"""Fits models and prints what each is, predicts and measures.

    python -m tests.integration.exact_fits MASTER KILLED merges|every [SETTING=VALUE …]

on any master and any JVM; on a cluster, so many executors are killed under way. `merges` are a stage of each
way in which partial results are merged, on each number of partitions, and two models as a night has them;
`every` are models of every family, and every stage, on each number of partitions.

It prints a line of JSON a case: digests of the model and of its predictions bit for bit; and of a family's
also its metrics, and a digest of what else its evaluation tells.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from tests.ml import every_stage
from tests.quick import cpu_of_executors
from vintage.flow.fit import fit
from vintage.ml.arithmetic import require_pinned
from vintage.ml.families import Holdout, family_of
from vintage.ml.model_digest import model_digest
from vintage.ml.splits import in_split
from vintage.ml.training import canonical
from vintage.session import SparkProvider
from vintage.spec import Home, Pipeline, submit_conf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import DataFrame, SparkSession

    from vintage.ml.families import EvaluationResult, Family

ROWS = 1200
BETWEEN_KILLS = 15
SCHEMA = (
    "id INT, small DOUBLE, large DOUBLE, skewed DOUBLE, gaps DOUBLE, colour STRING, words ARRAY<STRING>, "
    "user INT, item INT, rating DOUBLE, kind DOUBLE, amount DOUBLE"
)
NUMBERS = """
- Imputer: {inputCols: [gaps], outputCols: [filled], strategy: median}
- VectorAssembler: {inputCols: [small, large, skewed, filled], outputCol: raw}
- StandardScaler: {inputCol: raw, outputCol: features, withMean: true}
"""
WORDS = """
- CountVectorizer: {inputCol: words, outputCol: counts, vocabSize: 40}
- IDF: {inputCol: counts, outputCol: features}
"""
# A hundred features, so that one whose mean depends on the order of a sum is among them.
COLOURS = """
- StringIndexer: {inputCol: colour, outputCol: colour_ix, handleInvalid: keep}
- OneHotEncoder: {inputCols: [colour_ix, user, item], outputCols: [colour_oh, user_oh, item_oh]}
- VectorAssembler: {inputCols: [small, large, skewed, colour_oh, user_oh, item_oh], outputCol: features}
"""
FAMILIES: dict[str, tuple[str, str, str]] = {
    "logistic": ("classification", "kind", COLOURS + "- LogisticRegression: {maxIter: 8, regParam: 0.01}\n"),
    "words": ("classification", "kind", WORDS + "- LogisticRegression: {maxIter: 4}\n"),
    "forest": ("classification", "kind", NUMBERS + "- RandomForestClassifier: {numTrees: 4, maxDepth: 4}\n"),
    "boosted": (
        "regression",
        "amount",
        NUMBERS + "- GBTRegressor: {maxIter: 2, maxDepth: 3, subsamplingRate: 0.7}\n",
    ),
    "linear": (
        "regression",
        "amount",
        COLOURS + "- LinearRegression: {solver: l-bfgs, maxIter: 8, regParam: 0.1}\n",
    ),
    "clusters": ("clustering", "", NUMBERS + "- KMeans: {k: 4, maxIter: 5}\n"),
    "components": ("reduction", "", NUMBERS + "- PCA: {inputCol: features, outputCol: components, k: 2}\n"),
    "factors": (
        "recommendation",
        "rating",
        "- ALS: {userCol: user, itemCol: item, ratingCol: rating, rank: 4, maxIter: 3}\n",
    ),
}
PARTITIONS = (1, 7, 16, 64)
USUAL = 7
MERGES = """
# Quantiles.
- Imputer: {inputCols: [gaps], outputCols: [filled], strategy: median}
- VectorAssembler: {inputCols: [small, large, skewed, filled], outputCol: features}
# The driver's handler.
- LogisticRegression: {labelCol: kind, maxIter: 3, predictionCol: p0, probabilityCol: q0,
    rawPredictionCol: r0}
# SQL's aggregation, of numbers and of vectors.
- StringIndexer: {inputCol: colour, outputCol: colour_ix}
- TargetEncoder: {inputCol: colour_ix, outputCol: mean, labelCol: amount, targetType: continuous}
- NaiveBayes: {labelCol: kind, modelType: gaussian, predictionCol: p1, probabilityCol: q1,
    rawPredictionCol: r1}
# Accumulators of doubles.
- KMeans: {k: 3, maxIter: 2, predictionCol: p2}
- GaussianMixture: {k: 2, maxIter: 3, predictionCol: p3, probabilityCol: q3}
# Values combined by key in a shuffle: of equal ones some are taken, or sums of fractions.
- CountVectorizer: {inputCol: words, outputCol: counts, vocabSize: 40}
- Word2Vec: {inputCol: words, outputCol: meaning, vectorSize: 3, minCount: 2, maxIter: 1}
- RandomForestRegressor: {labelCol: amount, numTrees: 3, maxDepth: 3, predictionCol: p4}
# Grouped and joined by key.
- ALS: {userCol: user, itemCol: item, ratingCol: rating, rank: 3, maxIter: 2, predictionCol: p5}
# Sorted between sampled bounds.
- IsotonicRegression: {labelCol: amount, predictionCol: p6}
"""
"""A stage of each way in which Spark merges what partitions give."""
SORTED = """
- SQLTransformer: {statement: "SELECT *, sum(skewed) OVER (PARTITION BY colour) AS total,
    sum(large / 3) OVER (PARTITION BY item ORDER BY user ROWS 5 PRECEDING) AS last FROM __THIS__"}
- VectorAssembler: {inputCols: [small, total, last], outputCol: features}
- LinearRegression: {labelCol: amount, regParam: 0.1}
"""
"""Windows of SQL, whose sorts Spark spills."""
NIGHTS = ("logistic", "clusters")
"""Of the families, those whose evaluation is fitted and whose sums over the holdout come in order."""
SETTINGS = {"spark.executor.memory": "512m", "spark.executor.cores": "1", "spark.sql.shuffle.partitions": "2"}
METRICS = {
    "classification": "logLoss",
    "regression": "rmse",
    "clustering": "silhouette",
    "reduction": "explainedVariance",
    "recommendation": "rmse",
}


def rows(spark: SparkSession) -> DataFrame:
    """Numbers of very different sizes, so that the order of a sum shows in its last bits.

    They are made by what every machine rounds alike: a logarithm may be another in another C library.
    """
    chance = random.Random(20130228)  # noqa: S311

    def normal() -> float:
        return sum(chance.random() for _ in range(12)) - 6

    made = []
    for number in range(ROWS):
        small, large = normal() * 1e-3, 1e6 + normal() * 3e5
        skewed = 1 / (chance.random() * chance.random() + 1e-4)
        gaps = None if number % 11 == 0 else chance.random()
        # Words as common as each other, of which a vocabulary takes some.
        words = [f"w{(number * step) % 90:02}" for step in (1, 7, 11)]
        score = small * 1e3 + (large - 1e6) / 3e5 + normal()
        colour = f"colour {chance.randrange(9)}"
        rated = (number % 60, (number // 60 * 7 + number % 60 * 11) % 45, 1.0 + chance.randrange(5))
        made.append((number, small, large, skewed, gaps, colour, words, *rated, float(score > 0), score / 3))
    return spark.createDataFrame(made, SCHEMA)


def pipeline_of(name: str, partitions: int, settings: Mapping[str, str] = SETTINGS) -> Pipeline:
    """The pipeline of one of the families, with Spark's settings for it."""
    task, _, stages = FAMILIES[name]
    return pipeline_with(yaml.safe_load(stages), task, partitions, settings)


def pipeline_with(
    stages: list[dict[str, Any]], task: str, partitions: int, settings: Mapping[str, str] = SETTINGS
) -> Pipeline:
    """A pipeline of some stages; the task decides nothing that a fit does but which labels are refused."""
    return Pipeline.model_validate(
        {
            "name": "exact",
            "schedule": "0 2 * * *",
            "start_date": "2020-01-01",
            "source": {"format": "csv", "path": "raw"},
            "expectations": "any",
            "window": {"days": 3},
            "preprocess": {"sql": "SELECT * FROM source", "key": ["id"]},
            "split": {"by": "key", "test_fraction": 0.2},
            "task": task,
            "stages": stages,
            "evaluate": {"metric": METRICS[task]},
            "spark": {"conf": dict(settings)},
            "partitions": partitions,
        }
    )


def told(value: Any) -> str:
    """A value with all its digits, which pyspark's own text of a vector has not."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(told, value))}]"
    return repr(value.toArray().tolist() if hasattr(value, "toArray") else value)


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def learn_on(partitions: int, spark: SparkSession) -> None:
    """Has the session join and group as that of a fit on so many partitions does."""
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))


def made_of(name: str, partitions: int, frame: DataFrame, folder: Path) -> dict[str, Any]:
    """A family's model as a night has it: fitted, saved, loaded, and measured on the holdout."""
    from pyspark.ml import PipelineModel

    learn_on(partitions, frame.sparkSession)
    pipeline, (_, label, _) = pipeline_of(name, partitions), FAMILIES[name]
    seen = frame.withColumn("label", frame[label]) if label else frame
    train, holdout = (in_split(seen, pipeline, side) for side in ("train", "test"))
    fit(train, pipeline).model.write().overwrite().save(f"file://{folder / name}")
    model = PipelineModel.load(f"file://{folder / name}")
    family: Family = family_of(pipeline.task)
    scored = family.score(holdout, model, pipeline).persist()
    predicted = sorted(map(told, scored.collect()))
    # The model itself as the champion: of two that are the same, all that rounding leaves is told.
    tested = Holdout(
        scored,
        len(predicted),
        pipeline,
        rows=holdout,
        model=model,
        baseline=model,
        train=train,
        thorough=True,
    )
    measured: EvaluationResult = family.measure(tested)
    scored.unpersist()
    rest = {part: value for part, value in asdict(measured).items() if part != "values"}
    return {
        "model": model_digest(folder / name),
        "predictions": digest("\n".join(predicted)),
        "metrics": {metric: repr(value) for metric, value in sorted(measured.values.items())},
        "told": digest(json.dumps(rest, sort_keys=True, default=float)),
    }


def stages_of(stages: list[dict[str, Any]], partitions: int, seen: DataFrame, folder: Path) -> dict[str, Any]:
    """A model of stages of several tasks: fitted, saved, loaded, and applied to the rows it learnt from."""
    from pyspark.ml import PipelineModel

    learn_on(partitions, seen.sparkSession)
    pipeline = pipeline_with(stages, "reduction", partitions)
    with every_stage.of_any_task():
        fitted = fit(seen, pipeline)
    fitted.model.write().overwrite().save(f"file://{folder / 'stages'}")
    loaded = PipelineModel.load(f"file://{folder / 'stages'}")
    made = loaded.transform(canonical(seen, pipeline, seen.columns))
    if "FPGrowth" in stages[-1]:
        from pyspark.sql import functions as F

        # What it predicts is a set.
        made = made.withColumn("FPGrowth_predictionCol", F.sort_array("FPGrowth_predictionCol"))
    added = sorted(map(told, made.collect()))
    return {"model": model_digest(folder / "stages"), "predictions": digest("\n".join(added))}


def cases(which: str, frame: DataFrame, folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is fitted, by name and number of partitions."""
    if which == "merges":
        stages, windows = yaml.safe_load(MERGES), yaml.safe_load(SORTED)
        merged = {
            f"merges, {number}": partial(stages_of, stages, number, frame, folder) for number in PARTITIONS
        }
        merged["windows"] = partial(stages_of, windows, USUAL, frame, folder)
        return merged | {name: partial(made_of, name, USUAL, frame, folder) for name in NIGHTS}
    groups = {
        name: (every_stage.declared(name), every_stage.ROWS[group["rows"]](frame.sparkSession).persist())
        for name, group in every_stage.GROUPS.items()
    }
    return {
        f"{name}, {number}": make
        for number in PARTITIONS
        for name, make in {
            **{name: partial(made_of, name, number, frame, folder) for name in FAMILIES},
            **{
                f"stages, {name}": partial(stages_of, stages, number, rows_of, folder)
                for name, (stages, rows_of) in groups.items()
            },
        }.items()
    }


def kill_executors(app: str, most: int) -> None:
    """Kills an executor of the application now and then, in the middle of whatever it does."""
    for _ in range(most):
        time.sleep(BETWEEN_KILLS)
        running = [
            process
            for process in psutil.process_iter(["cmdline"])
            if app in (process.info["cmdline"] or ())
            and any("Executor" in word for word in process.info["cmdline"])
        ]
        if running:
            running[0].kill()
            sys.stderr.write(f"killed executor {running[0].pid}\n")


def main(master: str, killed: int, which: str, settings: Mapping[str, str]) -> None:
    """Opens a session as a job does, and fits each case."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pipelines").mkdir()
        home = Home.from_environment({"VINTAGE_HOME": scratch})
        pipeline = pipeline_of("logistic", USUAL, SETTINGS | settings)
        provider = SparkProvider(
            "exact", conf=submit_conf(pipeline, home) | cpu_of_executors(), master=master
        )
        require_pinned(provider(), pipeline)
        spark = provider.learning(USUAL)
        app = spark.sparkContext.applicationId
        threading.Thread(target=kill_executors, args=(app, killed), daemon=True).start()
        # As many parts as there are cores: what a fit or a measure sees must not follow from it.
        frame = rows(spark).repartition(spark.sparkContext.defaultParallelism).persist()
        for name, make in cases(which, frame, folder).items():
            started = time.monotonic()
            sys.stdout.write(json.dumps([name, make()]) + "\n")
            sys.stdout.flush()
            sys.stderr.write(f"{name}: {time.monotonic() - started:.1f} s\n")
        provider.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], dict(word.split("=", 1) for word in sys.argv[4:]))
