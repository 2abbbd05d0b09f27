"""How far fits in parallel part: each Estimator of pyspark.ml, fitted several times on the same rows."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

# spark-submit puts the script's own folder on the path, not the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.exactness import ASSEMBLED, NUMBERS, pipeline_with, rows_of
from spark_jobs.ml.fitting import fit_stages
from spark_jobs.ml.model_digest import model_digest
from spark_jobs.ml.stages import build_stages
from spark_jobs.ml.training import canonical
from spark_jobs.session import SparkProvider
from spark_jobs.sources.nearness import SMALL
from spark_jobs.spec.submission import PINNED_JVM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

ROWS: Final = 4_000
SCORED: Final = 1_000
FITS: Final = 6
# Few rows, many plans: no code is compiled for each.
SETTINGS: Final = {
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": " ".join(PINNED_JVM),
    "spark.executor.memory": "512m",
    "spark.executor.cores": "1",
    "spark.executor.extraJavaOptions": " ".join(PINNED_JVM),
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
UNLIKE: Final = 2.0
"""The relative difference of what is no pair of numbers; of numbers of two signs it is as much."""
WORDS: Final = 90
USERS: Final = 300
ITEMS: Final = 199
SCALED: Final = [
    *ASSEMBLED[:-1],
    {"VectorAssembler": {"inputCols": [*NUMBERS, "carrier_oh"], "outputCol": "unscaled"}},
    {"MaxAbsScaler": {"inputCol": "unscaled", "outputCol": "features"}},
]
SCALED_FEW: Final = [
    {"VectorAssembler": {"inputCols": [*NUMBERS], "outputCol": "unscaled"}},
    {"MaxAbsScaler": {"inputCol": "unscaled", "outputCol": "features"}},
]
COUNTED: Final = [{"HashingTF": {"inputCol": "words", "outputCol": "features", "numFeatures": 64}}]
FEW: Final = [{"VectorAssembler": {"inputCols": [*NUMBERS], "outputCol": "features"}}]
VECTORS: Final = {"inputCol": "features", "outputCol": "made"}
SELECTED: Final = {"featuresCol": "features", "labelCol": "late", "outputCol": "made"}
LATE: Final = {"labelCol": "late"}
DELAY: Final = {"labelCol": "delay"}
CLASSES: Final[dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]] = {
    "Imputer": ([], {"inputCols": ["gaps"], "outputCols": ["made"], "strategy": "mean"}),
    "Imputer, median": ([], {"inputCols": ["gaps"], "outputCols": ["made"], "strategy": "median"}),
    "StringIndexer": ([], {"inputCol": "carrier", "outputCol": "made"}),
    "OneHotEncoder": (ASSEMBLED[:1], {"inputCol": "carrier_ix", "outputCol": "made"}),
    "TargetEncoder": (
        ASSEMBLED[:1],
        {"inputCol": "carrier_ix", "outputCol": "made", "targetType": "continuous", **DELAY},
    ),
    "QuantileDiscretizer": ([], {"inputCol": "x3", "outputCol": "made", "numBuckets": 10}),
    "RFormula": ([], {"formula": "delay ~ x3 + carrier", "featuresCol": "made", "labelCol": "learnt"}),
    "StandardScaler": (FEW, {**VECTORS, "withMean": True}),
    "MinMaxScaler": (FEW, VECTORS),
    "MaxAbsScaler": (FEW, VECTORS),
    "RobustScaler": (FEW, {**VECTORS, "withCentering": True}),
    "PCA": (SCALED, {**VECTORS, "k": 4}),
    "VectorIndexer": (ASSEMBLED, {**VECTORS, "maxCategories": 4}),
    "ChiSqSelector": (COUNTED, {**SELECTED, "numTopFeatures": 8}),
    "UnivariateFeatureSelector": (
        FEW,
        {**SELECTED, "featureType": "continuous", "labelType": "categorical", "selectionThreshold": 3},
    ),
    "VarianceThresholdSelector": (FEW, {"featuresCol": "features", "outputCol": "made"}),
    "BucketedRandomProjectionLSH": (FEW, {**VECTORS, "bucketLength": 2.0}),
    "MinHashLSH": (COUNTED, VECTORS),
    "IDF": (COUNTED, VECTORS),
    "CountVectorizer": ([], {"inputCol": "words", "outputCol": "made", "vocabSize": 40}),
    "Word2Vec": ([], {"inputCol": "words", "outputCol": "made", "vectorSize": 4, "maxIter": 1}),
    "LogisticRegression": (ASSEMBLED, {**LATE, "maxIter": 20, "regParam": 0.01}),
    "LinearSVC": (SCALED, {**LATE, "maxIter": 10, "regParam": 0.01}),
    "NaiveBayes": (SCALED, {**LATE, "modelType": "gaussian"}),
    "MultilayerPerceptronClassifier": (SCALED_FEW, {**LATE, "layers": [8, 4, 2], "maxIter": 10}),
    "FMClassifier": (SCALED, {**LATE, "factorSize": 2, "maxIter": 10}),
    "OneVsRest": (SCALED, {**LATE, "classifier": {"LogisticRegression": {"maxIter": 10}}}),
    "DecisionTreeClassifier": (ASSEMBLED, {**LATE, "maxDepth": 6}),
    "RandomForestClassifier": (ASSEMBLED, {**LATE, "numTrees": 10, "maxDepth": 6}),
    "GBTClassifier": (ASSEMBLED, {**LATE, "maxIter": 5, "maxDepth": 4}),
    "LinearRegression": (ASSEMBLED, {**DELAY, "regParam": 0.01}),
    "LinearRegression, l-bfgs": (ASSEMBLED, {**DELAY, "solver": "l-bfgs", "maxIter": 30, "regParam": 0.01}),
    "GeneralizedLinearRegression": (ASSEMBLED, {**DELAY, "maxIter": 10, "regParam": 0.01}),
    "AFTSurvivalRegression": (SCALED, {"labelCol": "lasting", "censorCol": "late", "maxIter": 10}),
    "IsotonicRegression": (FEW, {**DELAY, "featureIndex": 4}),
    "FMRegressor": (SCALED, {**DELAY, "factorSize": 2, "maxIter": 10}),
    "DecisionTreeRegressor": (ASSEMBLED, {**DELAY, "maxDepth": 6}),
    "RandomForestRegressor": (ASSEMBLED, {**DELAY, "numTrees": 10, "maxDepth": 6}),
    "GBTRegressor": (ASSEMBLED, {**DELAY, "maxIter": 5, "maxDepth": 4}),
    "KMeans": (SCALED, {"k": 8, "maxIter": 10}),
    "BisectingKMeans": (SCALED, {"k": 6, "maxIter": 5}),
    "GaussianMixture": (SCALED, {"k": 3, "maxIter": 5}),
    "LDA": (COUNTED, {"k": 4, "maxIter": 5}),
    "ALS": ([], {"userCol": "user", "itemCol": "item", "ratingCol": "rating", "rank": 4, "maxIter": 4}),
    "FPGrowth": ([], {"itemsCol": "basket", "minSupport": 0.02, "minConfidence": 0.1}),
}
"""What is fitted → the stages before it, and its Params. Some classes add up in more than one way."""


def further(rows: DataFrame) -> DataFrame:
    """The rows of `benchmarks/exactness.py` with gaps, words, ratings and durations too."""
    from pyspark.sql import functions as F

    number, delay = F.col("id"), F.col("delay")
    words = [F.concat(F.lit("w"), number * step % WORDS) for step in (1, 7, 11)]
    return rows.withColumns(
        {
            "gaps": F.when(number % 11 > 0, F.col("x6")),
            "words": F.array(*words),
            "basket": F.array_distinct(F.array(*words)),
            "user": (number % USERS).cast("int"),
            "item": (number * 7 % ITEMS).cast("int"),
            "rating": F.pmod(F.round(delay), F.lit(5.0)),
            "lasting": F.exp(delay / 4),
        }
    )


def fitted(rows: DataFrame, stages: list[dict[str, Any]], mode: str) -> PipelineModel:
    """Stages fitted as a fit does it, also where there is no model among them."""
    # A pipeline has to have a model of its task; this one is declared and left out.
    pipeline = pipeline_with([*stages, {"KMeans": {"predictionCol": "left_out"}}], mode)
    ordered = canonical(rows, pipeline, rows.columns).persist()
    try:
        return fit_stages(build_stages(pipeline)[:-1], ordered, pipeline)
    finally:
        ordered.unpersist()


def scored_by(model: PipelineModel, rows: DataFrame) -> list[list[Any]]:
    """What the last stage adds to rows, in the order of their ids: numbers, and texts where it adds some."""
    before = rows
    for stage in model.stages[:-1]:
        before = stage.transform(before)
    made = model.stages[-1].transform(before)
    added = [name for name in made.columns if name not in before.columns]
    found = made.select("id", *added).collect()
    return [list(flat(row[1:])) for row in sorted(found, key=lambda row: row["id"])]


def flat(value: Any) -> Iterator[Any]:
    """The numbers and texts in a value, a vector or an array."""
    if hasattr(value, "toArray"):
        yield from value.toArray().tolist()
    elif isinstance(value, list | tuple):
        for each in value:
            yield from flat(each)
    else:
        yield value


def apart(one: Sequence[Sequence[Any]], other: Sequence[Sequence[Any]]) -> float:
    """The greatest relative difference of two numbers in one place, as a reproduction measures it."""
    if len(one) != len(other):
        return UNLIKE
    return max(
        (_apart(*pair) for ours, theirs in zip(one, other, strict=True) for pair in _pairs(ours, theirs))
    )


def _pairs(ours: Sequence[Any], theirs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    if len(ours) != len(theirs):
        yield 0, None
    yield from zip(ours, theirs, strict=False)


def _apart(one: Any, other: Any) -> float:
    if one == other:
        return 0.0
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return UNLIKE
    if math.isnan(one) and math.isnan(other):
        return 0.0
    distance = abs(one - other) / max(abs(one), abs(other), SMALL)
    return UNLIKE if math.isnan(distance) else distance


def main() -> None:
    """`spread.py FILE MASTER [CLASS …]`: writes as JSON how many models there were, and how far they part."""
    file, master, wanted = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(CLASSES)
    provider = SparkProvider("spread", master=master, conf=SETTINGS)
    frame = further(rows_of(provider(), ROWS)).persist()
    asked = frame.where(f"id < {SCORED}").persist()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            before, params = CLASSES[name]
            stages = [*before, {name.partition(",")[0]: params}]
            models = [fitted(frame, stages, mode) for mode in (*["parallel"] * FITS, "exact")]
            digests = []
            for number, model in enumerate(models):
                path = Path(folder) / name.replace(", ", "-") / str(number)
                model.save(f"file://{path}")
                digests.append(model_digest(path))
            first, *others, exact = [scored_by(model, asked) for model in models]
            found[name] = {
                "models": len(set(digests[:FITS])),
                "parallel": max(apart(first, other) for other in others),
                "exact": apart(first, exact),
                "exact_digest": digests[FITS],
            }
            file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            sys.stderr.write(f"{name}: {found[name]}\n")
    provider.stop()


if __name__ == "__main__":
    main()
