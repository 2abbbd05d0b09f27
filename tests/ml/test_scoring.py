"""Each family scores rows without a label, and every row that is not scored is told with its reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.ml.scoring import ROW, identified, lenient_model, predict
from vintage.ml.stages import build_stages
from vintage.ml.unscored import unscored

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

    from vintage.spec import Pipeline

pytestmark = pytest.mark.spark

NAN = math.nan
SCHEMA = "id int, x double, y double, place string, label double"
LEARNT = [(n, float(n + 1), float(n % 3), "ab"[n % 2], float(n % 2)) for n in range(12)]


class Scored:
    """What became of rows: id → answer, and id → (reason, found)."""

    def __init__(self, spark: SparkSession, pipeline: Pipeline, rows: list[Any], folder: Path) -> None:
        from pyspark.ml import Pipeline as Stages

        learnt = spark.createDataFrame(LEARNT, SCHEMA)
        self.pipeline = pipeline
        self.model: PipelineModel = Stages(stages=build_stages(pipeline)).fit(learnt)
        spark.createDataFrame(rows, SCHEMA).coalesce(1).write.parquet(str(folder / "rows"))
        read = spark.read.schema(SCHEMA).parquet(str(folder / "rows"))
        self.given = identified(read, self.model, pipeline)
        self.frame: DataFrame = predict(self.given, self.model, pipeline)
        answer = self.frame.columns[2]
        self.answers = {row["id"]: row[answer] for row in self.frame.collect()}
        left = unscored(self.given, self.frame, self.model, pipeline)
        assert left.columns == [*SCHEMA.replace(",", "").split()[::2], "reason", "found"]
        self.left = {row["id"]: (row["reason"], row["found"]) for row in left.collect()}
        assert self.frame.count() + len(self.left) == len(rows)


def test_every_stage_that_refuses_a_row_is_named_with_the_values(spark: SparkSession, tmp_path: Path) -> None:
    pipeline = pipeline_of(
        """\
- Bucketizer: {inputCol: x, outputCol: bin, splits: [0, 5, 13]}
- StringIndexer: {inputCol: place, outputCol: place_ix, handleInvalid: skip}
- OneHotEncoder: {inputCols: [y], outputCols: [y_oh]}
- VectorAssembler: {inputCols: [bin, place_ix, y_oh, x], outputCol: features}
- LogisticRegression: {maxIter: 2}
"""
    )
    rows = [
        (0, 3.0, 1.0, "a", None),
        (1, 40.0, 1.0, "a", None),
        (2, 3.0, 1.0, "c", None),
        (3, 3.0, 7.0, "b", None),
        (4, None, 1.0, "b", None),
        (5, NAN, 1.0, "b", None),
        # The same row again is another one.
        (0, 3.0, 1.0, "a", None),
        (7, 3.0, 1.0, "b", NAN),
    ]
    found = Scored(spark, pipeline, rows, tmp_path)
    assert set(found.answers) == {0, 7}
    assert found.frame.count() == 3
    assert found.left == {
        1: ("stage 0, Bucketizer, has no bucket for the value", "x=40.0"),
        2: ("stage 1, StringIndexer, has not seen the value", "place=c"),
        3: ("stage 2, OneHotEncoder, has not seen the value", "y=7.0"),
        4: ("stage 0, Bucketizer, has no bucket for the value", "x=null"),
        5: ("column x has NaN or infinite values", "x=NaN"),
    }


def test_an_answer_that_is_no_number_is_no_prediction(spark: SparkSession, tmp_path: Path) -> None:
    pipeline = pipeline_of(
        """\
- SQLTransformer: {statement: "SELECT id, label, log(x) AS logged, y FROM __THIS__"}
- VectorAssembler: {inputCols: [logged, y], outputCol: features, handleInvalid: keep}
- LinearRegression: {maxIter: 2, regParam: 0.1}
""",
        task="regression",
        evaluate={"metric": "rmse"},
    )
    found = Scored(spark, pipeline, [(1, 2.0, 0.0, "a", None), (2, -2.0, 0.0, "a", None)], tmp_path)
    assert set(found.answers) == {1}
    # The statement keeps no column but those it names: its row is told by its key.
    assert found.given.select(f"{ROW}.*").columns == ["id"]
    assert found.left == {2: ("the prediction is null or no finite number", "")}


@pytest.mark.parametrize(
    ("task", "metric", "last", "kept"),
    [
        ("clustering", "silhouette", "KMeans: {k: 2, seed: 1}", ["prediction"]),
        ("reduction", "explainedVariance", "PCA: {k: 1, inputCol: features, outputCol: pca}", ["reduced"]),
    ],
)
def test_a_family_that_learns_no_label(
    spark: SparkSession, tmp_path: Path, task: str, metric: str, last: str, kept: list[str]
) -> None:
    pipeline = pipeline_of(
        f"- VectorAssembler: {{inputCols: [x, y], outputCol: features}}\n- {last}\n",
        task=task,
        evaluate={"metric": metric},
    )
    rows = [(1, 2.0, 0.0, "a", None), (2, None, 0.0, "a", None), (3, 9.0, 1.0, "a", None)]
    found = Scored(spark, pipeline, rows, tmp_path)
    assert found.frame.columns == [ROW, "id", *kept]
    assert set(found.answers) == {1, 3}
    assert found.left == {2: ("stage 0, VectorAssembler, is given a null or NaN", "x=null")}


def test_a_user_that_als_does_not_know_is_told(spark: SparkSession, tmp_path: Path) -> None:
    params = "rank: 2, maxIter: 2, userCol: id, itemCol: y, ratingCol: x, numUserBlocks: 2, numItemBlocks: 2"
    pipeline = pipeline_of(
        f"- ALS: {{{params}, coldStartStrategy: drop}}\n", task="recommendation", evaluate={"metric": "rmse"}
    )
    rows = [(1, None, 1.0, "a", None), (99, None, 1.0, "a", None), (2, None, 0.5, "a", None)]
    found = Scored(spark, pipeline, rows, tmp_path)
    assert set(found.answers) == {1}
    assert found.left == {
        99: ("stage 0, ALS, does not know the user or the item", "id=99, y=1.0"),
        2: ("column y is no id that ALS takes (itemCol)", "y=0.5"),
    }


def test_a_lenient_model_has_the_stages_of_its_own(spark: SparkSession) -> None:
    pipeline = pipeline_of()
    from pyspark.ml import Pipeline as Stages

    learnt = [(1, 2.0, "m", "p", 1.0), (2, 3.0, "t", "q", 0.0)]
    rows = spark.createDataFrame(learnt, "id int, bill double, day string, place string, label double")
    model = Stages(stages=build_stages(pipeline)).fit(rows)
    # Each has an answer to what it does not know: keep, or an Imputer's.
    assert [type(each) for each in lenient_model(model).stages] == [type(each) for each in model.stages]
    assert lenient_model(model).stages[1] is model.stages[1]
    assert lenient_model(model).stages[2].getHandleInvalid() == "skip"
    assert model.stages[2].getHandleInvalid() == "error"
