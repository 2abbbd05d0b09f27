"""Classification metrics from one aggregation over the scored holdout."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from spark_jobs.ml.families.measured import Holdout, Measured, stage_with
from spark_jobs.ml.splits import key_columns
from spark_jobs.sources.rows import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, Row

    from spark_jobs.spec import Pipeline

EXACT_ROWS: Final = 100_000
BINS: Final = 2**16
LOSS_EPSILON: Final = 1e-15
MOST_CLASSES: Final = 2.0**31
CLASSES: Final = 2
"""Labels that a holdout must have at the least."""

COMPARES: Final = False
READS_TRAIN: Final = False
UNWRITTEN: Final = ()


@dataclass(frozen=True)
class ConfusionMatrix:
    """`counts[i][j]` rows have label `labels[i]` and prediction `labels[j]`."""

    labels: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """The holdout with the model's predictions.

    Args:
        rows: feature rows with `label`.
        model: a fitted pipeline whose last predictor is a classifier.
        pipeline: its row key is kept.

    Returns:
        The key's columns, `label`, `prediction` (doubles), `probability` (array of doubles by class, or null)
        and `score` (double: probability, or raw score, of class 1).
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    predictor = stage_with(model, "predictionCol")
    names = {
        param: predictor.getOrDefault(param)
        for param in ("predictionCol", "probabilityCol", "rawPredictionCol")
        if predictor.hasParam(param)
    }
    none = F.lit(None).cast("array<double>")
    probability = vector_to_array(names["probabilityCol"]) if "probabilityCol" in names else none
    raw = vector_to_array(names["rawPredictionCol"]) if "rawPredictionCol" in names else none
    ranked = probability if "probabilityCol" in names else raw
    return model.transform(rows).select(
        *key_columns(pipeline),
        F.col(LABEL),
        F.col(names["predictionCol"]).alias("prediction"),
        probability.alias("probability"),
        F.get(ranked, F.lit(1)).alias("score"),
    )


def measure(holdout: Holdout) -> Measured:
    """The metrics, with details `confusion_matrix`, `ranking_error` and `classes` (rates by class).

    `ranking_error` is the most by which areaUnderROC may be off because scores were binned, else 0.
    """
    return measure_scored(holdout.scored, rows=holdout.count)


def measure_scored(scored: DataFrame, *, rows: int) -> Measured:
    """All metrics of a scored holdout, in one pass.

    Rows are counted by label, prediction and score: by the score itself up to 100,000 rows, by 2¹⁶ equal
    bins of it beyond, so that what is collected does not grow with the rows. Losses are added as decimals,
    so that their sum does not depend on the order of the rows.

    Args:
        scored: `label`, `prediction` (doubles), `score` (double: probability or raw score of class 1) and
            `probability` (array of doubles by class, null when the model gives none).
        rows: about how many rows there are; decides between scores and bins.
    """
    from pyspark.sql import functions as F

    score = F.col("score") if rows <= EXACT_ROWS else F.floor(F.col("score") * BINS) / BINS
    # A label that is no class has no probability, and no cast to a whole number.
    classed = F.when(F.abs(F.col("label")) < F.lit(MOST_CLASSES), F.col("label")).cast("int")
    given = F.get(F.col("probability"), classed)
    loss = -F.log(F.greatest(given, F.lit(LOSS_EPSILON)))
    counted = (
        scored.groupBy("label", "prediction", score.alias("score"))
        .agg(F.count(F.lit(1)).alias("rows"), F.sum(loss.cast("decimal(30,15)")).alias("loss"))
        .collect()
    )
    return summarise(counted, binned=rows > EXACT_ROWS)


def summarise(counted: Sequence[Row], *, binned: bool) -> Measured:
    """The metrics from the counts: rows of `label, prediction, score, rows, loss`."""
    every = sum(row["rows"] for row in counted)
    counted = [row for row in counted if _is_class(row["label"]) and _is_class(row["prediction"])]
    confusion = _confusion(counted)
    matrix = np.array(confusion.counts, dtype=float).reshape(len(confusion.labels), len(confusion.labels))
    classes = int((matrix.sum(axis=1) > 0).sum())
    total = sum(row["rows"] for row in counted)
    losses = [row["loss"] for row in counted]
    values = {"logLoss": float(sum(losses)) / total if total and None not in losses else math.nan}
    values |= _by_prediction(confusion, matrix)
    error = 0.0
    if set(confusion.labels) <= {0.0, 1.0}:
        roc, pr, error = _ranking(counted, binned=binned)
        values |= {"areaUnderROC": roc, "areaUnderPR": pr}
    refusals = ["the holdout has one class only"] if total and classes < CLASSES else []
    if every > total:
        refusals.append(f"{every - total} rows of the holdout have a label or a prediction that is no class")
    details = {
        "confusion_matrix": asdict(confusion),
        "ranking_error": error,
        "classes": _by_class(confusion, matrix),
    }
    return Measured(every, values, tuple(refusals), details)


def _is_class(value: float | None) -> bool:
    return value is not None and 0 <= value < MOST_CLASSES and float(value).is_integer()


def _confusion(counted: Sequence[Row]) -> ConfusionMatrix:
    labels = sorted({row["label"] for row in counted} | {row["prediction"] for row in counted})
    place = {label: index for index, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for row in counted:
        counts[place[row["label"]]][place[row["prediction"]]] += row["rows"]
    return ConfusionMatrix(tuple(labels), tuple(map(tuple, counts)))


def _by_prediction(confusion: ConfusionMatrix, matrix: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, and precision, recall and F1: of class 1 when there are two classes, and weighted by label.

    A class that is never predicted has precision 0, as in scikit-learn and Spark.
    """
    total = matrix.sum()
    if not total:
        names = (
            "accuracy",
            "precision",
            "recall",
            "f1",
            "weightedPrecision",
            "weightedRecall",
            "weightedFMeasure",
        )
        return dict.fromkeys(names, math.nan)
    precision, recall, f1 = _rates(matrix)
    weights = matrix.sum(axis=1) / total
    weighted = {
        "weightedPrecision": float(precision @ weights),
        "weightedRecall": float(recall @ weights),
        "weightedFMeasure": float(f1 @ weights),
    }
    own = dict(zip(("precision", "recall", "f1"), weighted.values(), strict=True))
    if set(confusion.labels) <= {0.0, 1.0}:
        at = {label: index for index, label in enumerate(confusion.labels)}.get(1.0)
        found = (precision, recall, f1) if at is not None else None
        own = {
            name: float(found[place][at]) if found is not None else 0.0
            for place, name in enumerate(("precision", "recall", "f1"))
        }
    return {"accuracy": float(np.trace(matrix) / total), **own, **weighted}


def _rates(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Precision, recall and F1 of each class; 0 where nothing is predicted or there."""
    hits = np.diag(matrix)
    actual, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, actual, out=np.zeros_like(hits), where=actual > 0)
    both = precision + recall
    return precision, recall, np.divide(2 * precision * recall, both, out=np.zeros_like(hits), where=both > 0)


def _by_class(confusion: ConfusionMatrix, matrix: NDArray[np.float64]) -> list[dict[str, float]]:
    """Rows, precision, recall and F1 by class."""
    rates = zip(confusion.labels, matrix.sum(axis=1), *_rates(matrix), strict=True)
    return [
        {"label": label, "rows": int(rows), "precision": float(p), "recall": float(r), "f1": float(f)}
        for label, rows, p, r, f in rates
    ]


def _ranking(counted: Sequence[Row], *, binned: bool) -> tuple[float, float, float]:
    """Areas under the ROC and precision-recall curves by the trapezoid rule over the distinct scores.

    As Spark's BinaryClassificationMetrics has them: the precision-recall curve begins at recall 0 with the
    precision of the highest score. Rows in one bin count as ties; their true order could move the area under
    the ROC curve by half the share of pairs that fall into one bin.
    """
    by_score: dict[float, list[int]] = {}
    for row in counted:
        if row["score"] is None or math.isnan(row["score"]):
            return math.nan, math.nan, 0.0
        by_score.setdefault(row["score"], [0, 0])[int(row["label"])] += row["rows"]
    table = np.array([by_score[score] for score in sorted(by_score, reverse=True)], dtype=float).reshape(
        -1, 2
    )
    negatives, positives = table[:, 0], table[:, 1]
    if not positives.sum() or not negatives.sum():
        return math.nan, math.nan, 0.0
    hits, alarms = positives.cumsum(), negatives.cumsum()
    recall, fall_out, precision = hits / hits[-1], alarms / alarms[-1], hits / (hits + alarms)
    roc = np.trapezoid(np.r_[0.0, recall], np.r_[0.0, fall_out])
    pr = np.trapezoid(np.r_[precision[0], precision], np.r_[0.0, recall])
    error = 0.5 * float(positives @ negatives) / (hits[-1] * alarms[-1]) if binned else 0.0
    return float(roc), float(pr), float(error)
