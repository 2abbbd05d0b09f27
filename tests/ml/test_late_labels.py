"""Each prediction is counted once, whatever became of its row and label."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from vintage.ml import late_labels

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from vintage.spec import Pipeline


def test_each_prediction_is_counted_once(spark: SparkSession) -> None:
    evaluate: Any = SimpleNamespace(sliced={"at": ()}, weight=None)
    pipeline = cast(
        "Pipeline",
        SimpleNamespace(task="regression", preprocess=SimpleNamespace(key=("a.b", "at")), evaluate=evaluate),
    )
    predictions = spark.createDataFrame(
        [(1, "x", 0.5), (2, None, 1.5), (3, "x", 2.0), (3, "x", 2.1), (4, "x", 3.0), (5, "x", 4.0),
         (6, "x", 5.0), (7, "x", 6.0)],
        "`a.b` INT, at STRING, prediction DOUBLE",
    )  # fmt: skip
    labels = [(1, "x", 1.0, True), (2, None, 2.0, True), (3, "x", 3.0, True), (5, "x", 5.0, True),
              (5, "x", 5.0, True), (6, "x", float("nan"), True), (7, "x", 7.0, False),
              (8, "x", 8.0, True)]  # fmt: skip
    rows = spark.createDataFrame(labels, "`a.b` INT, at STRING, label DOUBLE, trainable BOOLEAN")
    earlier = spark.createDataFrame(
        [(1, "x", 1.5), (2, None, None), (6, "x", 6.0), (8, "x", 7.0)], "`a.b` INT, at STRING, label DOUBLE"
    ).selectExpr("*", "true AS trainable")
    both = late_labels.matched(predictions, rows, pipeline, earlier)
    assert late_labels.counted(both) == {
        "predictions": 8,
        "said_twice": 2,
        "without_row": 1,
        "of_several_rows": 1,
        "unlabelled": 1,
        "excluded": 1,
        "measured": 2,
        "unscored": 1,
        "came": 1,
        "changed": 1,
        "withdrawn": 1,
    }
    counting = late_labels.measured(both, pipeline)
    # The key has the column that rows are sliced by: both stay.
    assert counting.columns == ["a.b", "at", "prediction", "label", "__slices"]
    assert {tuple(row)[:4] for row in counting.collect()} == {(1, "x", 0.5, 1.0), (2, None, 1.5, 2.0)}
    theirs = predictions.where("prediction < 1").selectExpr("`a.b`", "at", "-1D AS prediction")
    answered = late_labels.answered(counting, theirs, pipeline).drop("__slices")
    assert [tuple(row) for row in answered.collect()] == [(1, "x", 1.0, -1.0)]
