"""A column of a type that a stage cannot read is told before Spark starts; Spark itself refuses the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.ml.test_stages import pipeline_of
from vintage.flow.job import stage_problems
from vintage.ml.catalogue import known_stages, params_of
from vintage.ml.column_types import (
    _NUMERIC_PARAMS,
    _READS_NUMBERS,
    _READS_TEXT,
    _READS_VECTORS,
    _READS_WORDS,
    type_problems,
)
from vintage.ml.stages import build_stages

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SOURCE = {
    "format": "csv",
    "path": "raw",
    "schema": "id INT, size DOUBLE, colour STRING, seen DATE, late DOUBLE",
}
MODEL = "- LogisticRegression: {}\n"


def told(stages: str, sql: str = "SELECT id, size, colour, seen FROM source") -> list[str]:
    pipeline = pipeline_of(
        stages, source=SOURCE, preprocess={"sql": sql, "key": ["id"], "label": "late"}, task="classification"
    )
    return [str(problem) for problem in stage_problems(pipeline)]


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        (
            "- VectorAssembler: {inputCols: [size, colour], outputCol: features}\n" + MODEL,
            'stages.yaml:1: VectorAssembler cannot read column "colour"; expected a number or a vector; '
            "found STRING; a StringIndexer makes",
        ),
        (
            "- VectorAssembler:\n    inputCols:\n      - size\n      - seen\n    outputCol: features\n"
            + MODEL,
            'stages.yaml:4: VectorAssembler cannot read column "seen"; expected a number or a vector; '
            "found DATE; take a number of it in preprocess.sql",
        ),
        (
            "- Imputer: {inputCols: [colour], outputCols: [filled]}\n"
            "- VectorAssembler: {inputCols: [filled], outputCol: features}\n" + MODEL,
            'Imputer cannot read column "colour"; expected a number; found STRING',
        ),
        ("- LogisticRegression: {featuresCol: colour}\n", 'LogisticRegression cannot read column "colour"'),
        (
            "- StandardScaler: {inputCol: size, outputCol: features}\n" + MODEL,
            "expected a vector; found DOUBLE; a VectorAssembler before it",
        ),
        (
            "- Tokenizer: {inputCol: size, outputCol: words}\n"
            "- HashingTF: {inputCol: words, outputCol: features}\n" + MODEL,
            "expected STRING; found DOUBLE",
        ),
        (
            "- CountVectorizer: {inputCol: colour, outputCol: features}\n" + MODEL,
            "expected ARRAY<STRING>; found STRING; a Tokenizer before it",
        ),
    ],
)
def test_a_type_that_a_stage_cannot_read_is_told_at_its_line(stages: str, problem: str) -> None:
    assert any(problem in each for each in told(stages)), told(stages)


@pytest.mark.parametrize(
    ("stages", "sql"),
    [
        (
            "- StringIndexer: {inputCol: colour, outputCol: ix}\n"
            "- VectorAssembler: {inputCols: [size, ix], outputCol: features}\n" + MODEL,
            "SELECT id, size, colour FROM source",
        ),
        (
            "- VectorAssembler: {inputCols: [colour], outputCol: features}\n" + MODEL,
            "SELECT id, CAST(colour AS DOUBLE) AS colour FROM source",
        ),
        (
            '- SQLTransformer: {statement: "SELECT label, length(colour) AS colour FROM __THIS__"}\n'
            "- VectorAssembler: {inputCols: [colour], outputCol: features}\n" + MODEL,
            "SELECT id, colour FROM source",
        ),
        (
            "- FeatureHasher: {inputCols: [size, colour], outputCol: features}\n" + MODEL,
            "SELECT id, size, colour FROM source",
        ),
    ],
)
def test_what_can_be_read_is_not_refused(stages: str, sql: str) -> None:
    assert told(stages, sql) == []


REFUSED = [
    *(
        (name, {"inputCol": "colour", "outputCol": "made"})
        for name in sorted(_READS_NUMBERS - {"VectorAssembler"})
    ),
    ("VectorAssembler", {"inputCols": ["colour"], "outputCol": "made"}),
    ("VectorAssembler", {"inputCols": ["words"], "outputCol": "made"}),
    *(
        (name, {"inputCol": "size", "outputCol": "made"})
        for name in sorted(_READS_VECTORS - {"VectorSizeHint"})
    ),
    ("VectorSizeHint", {"inputCol": "size", "size": 1}),
    *((name, {"inputCol": "size", "outputCol": "made"}) for name in sorted(_READS_TEXT)),
    *((name, {"inputCol": "colour", "outputCol": "made"}) for name in sorted(_READS_WORDS)),
    ("LinearRegression", {"featuresCol": "colour", "labelCol": "size"}),
    ("LinearRegression", {"featuresCol": "vector", "labelCol": "size", "weightCol": "colour"}),
    ("ALS", {"userCol": "size", "itemCol": "size", "ratingCol": "colour"}),
]
FURTHER = {
    "Bucketizer": {"splits": [0.0, 1.0, 2.0]},
    "ElementwiseProduct": {"scalingVec": [1.0]},
    "VectorSlicer": {"indices": [0]},
    "PCA": {"k": 1},
    "BucketedRandomProjectionLSH": {"bucketLength": 1.0},
}


@pytest.mark.spark
@pytest.mark.parametrize(("name", "params"), REFUSED)
def test_spark_itself_refuses_what_is_refused(
    spark: SparkSession, name: str, params: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.ml.linalg import Vectors

    # A stage alone is no model of any task.
    monkeypatch.setattr("vintage.ml.stages.task_problems", lambda _: iter(()))
    schema = "id INT, size DOUBLE, colour STRING, words ARRAY<STRING>"
    rows = spark.createDataFrame([(1, 1.0, "red", ["a"])], schema)
    vectors = spark.createDataFrame([(1, Vectors.dense([1.0, 2.0]))], ["id", "vector"])
    frame = rows.join(vectors, "id")
    pipeline = pipeline_of(yaml.safe_dump([{name: {**params, **FURTHER.get(name, {})}}]), task="reduction")
    types = {"size": "DOUBLE", "colour": "STRING", "words": "ARRAY<STRING>", "vector": "VECTOR"}
    assert [problem for problem in type_problems(pipeline, types) if name in str(problem)]
    [stage] = build_stages(pipeline)
    with pytest.raises((PySparkException, Py4JJavaError)):
        stage.fit(frame) if hasattr(stage, "fit") else stage.transform(frame).collect()


def test_each_param_that_is_held_to_numbers_is_some_stage_s() -> None:
    every = {param for found in known_stages().values() for param in params_of(found)}
    assert every >= _NUMERIC_PARAMS
