"""Classified rows counted into cells, and the metrics of the cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RATES: Final = ("precision", "recall", "f1")
WEIGHTED: Final = ("weightedPrecision", "weightedRecall", "weightedFMeasure")
AREAS: Final = ("areaUnderROC", "areaUnderPR")


@dataclass(frozen=True)
class Cells:
    """Rows that agree in label, prediction and score, counted; every array has one entry a cell.

    Attributes:
        label, prediction: classes, as doubles.
        score: what ranks the rows; NaN where the model gives none.
        rows: how many there are.
        loss: the sum of their log losses, each times the row's weight; NaN where one is not known.
        weight: the sum of their weights; as many as rows where all count alike.
        squares: the sum of the squares of their weights.
    """

    label: Floats
    prediction: Floats
    score: Floats
    rows: NDArray[np.int64]
    loss: Floats
    weight: Floats
    squares: Floats

    @property
    def total(self) -> int:
        """All rows."""
        return int(self.rows.sum())

    @property
    def classes(self) -> Floats:
        """All labels and predictions, in order."""
        return np.union1d(self.label, self.prediction)

    @property
    def binary(self) -> bool:
        """Whether there are no classes but 0 and 1."""
        return bool(np.isin(self.classes, (0.0, 1.0)).all())

    def confusion(self) -> tuple[Floats, NDArray[np.int64]]:
        """Return the classes, and the rows by label (down) and prediction (across); each counts alike."""
        return self.classes, np.rint(confusion_of(self, self.rows[None, :])[0]).astype(np.int64)

    def values(self) -> dict[str, float]:
        """Return the metrics of these rows; NaN where they do not define one."""
        found = {name: float(value[0]) for name, value in metrics_of(self, self.weight[None, :]).items()}
        whole = math.fsum(self.weight)
        if whole and np.isfinite(self.loss).all():
            # Rounded once: the same in whatever order the cells come.
            found["logLoss"] = math.fsum(self.loss) / whole
        return found

    def coarser(self, groups: int) -> Cells:
        """Return the same rows with each score replaced by its group among that many groups of equal size.

        How far a metric varies from sample to sample is seen as well in these, and much sooner.
        """
        if len(self.rows) <= groups:
            return self
        order = np.argsort(self.score, kind="stable")
        passed = np.empty(len(order))
        passed[order] = self.rows[order].cumsum() - self.rows[order] / 2
        # Cells of one score stay together: the first of them in the order says where.
        _, first, same = np.unique(self.score, return_index=True, return_inverse=True)
        rank = np.floor(passed[first][same] / self.total * groups)
        score = np.where(np.isnan(self.score), math.nan, rank)
        keys, place = np.unique(
            np.column_stack([self.label, self.prediction, score]), axis=0, return_inverse=True
        )
        place = place.reshape(-1)
        rows = np.bincount(place, weights=self.rows, minlength=len(keys)).astype(np.int64)
        loss, weight, squares = (
            np.bincount(place, weights=each, minlength=len(keys)).astype(float)
            for each in (self.loss, self.weight, self.squares)
        )
        return Cells(keys[:, 0], keys[:, 1], keys[:, 2], rows, loss, weight, squares)


def metrics_of(cells: Cells, weights: NDArray[np.generic]) -> dict[str, Floats]:
    """Metric → its value for each row of `weights`, which hold the weight of each cell."""
    counts: Floats = weights.astype(float)
    matrix = confusion_of(cells, counts)
    total = matrix.sum(axis=(-2, -1))
    values = _by_prediction(cells, matrix)
    each = np.divide(cells.loss, cells.weight, out=np.zeros_like(cells.loss), where=cells.weight > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values["logLoss"] = (counts * each).sum(axis=1) / total
    if cells.binary:
        values |= _areas(cells, counts)
    return values


def confusion_of(cells: Cells, weights: NDArray[np.generic]) -> Floats:
    """Weight by label and prediction, for each row of `weights`."""
    classes = cells.classes
    pairs = np.searchsorted(classes, cells.label) * len(classes) + np.searchsorted(classes, cells.prediction)
    matrix = np.zeros((len(weights), len(classes) ** 2))
    for pair in np.unique(pairs):
        matrix[:, pair] = weights[:, pairs == pair].sum(axis=1)
    return matrix.reshape(len(weights), len(classes), len(classes))


def _by_prediction(cells: Cells, matrix: Floats) -> dict[str, Floats]:
    """Accuracy, and precision, recall and F1: of class 1 when there are two classes, and weighted by label.

    A class that is never predicted has precision 0, as in scikit-learn and Spark.
    """
    total = matrix.sum(axis=(-2, -1))
    rates = rates_of(matrix)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = matrix.sum(axis=-1) / total[:, None]
        accuracy = np.trace(matrix, axis1=-2, axis2=-1) / total
    weighted = own = [(rate * shares).sum(axis=-1) for rate in rates]
    if cells.binary:
        at = np.flatnonzero(cells.classes == 1.0)
        own = [rate[:, at[0]] if len(at) else np.zeros(len(matrix)) for rate in rates]
    weighted, own = ([np.where(total > 0, each, math.nan) for each in side] for side in (weighted, own))
    return {
        "accuracy": accuracy,
        **dict(zip(RATES, own, strict=True)),
        **dict(zip(WEIGHTED, weighted, strict=True)),
    }


def rates_of(matrix: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each class; 0 where nothing is predicted or there.

    Args:
        matrix: rows by label and prediction, in the last two dimensions.
    """
    matrix = matrix.astype(float)
    hits: Floats = np.diagonal(matrix, axis1=-2, axis2=-1)
    actual, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, actual, out=np.zeros_like(hits), where=actual > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(hits), where=both > 0)
    return precision, recall, f1


def ranked(cells: Cells, weights: NDArray[np.generic]) -> tuple[Floats, Floats, Floats]:
    """Return the distinct scores, the highest first; and the weight of class 1 and of class 0 that has each.

    The latter two for each row of `weights`.
    """
    order = np.argsort(-cells.score, kind="stable")
    scores = cells.score[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
    weights = weights[:, order].astype(float)
    positive = cells.label[order] == 1.0
    hits = np.add.reduceat(np.where(positive, weights, 0.0), starts, axis=1)
    alarms = np.add.reduceat(np.where(positive, 0.0, weights), starts, axis=1)
    return scores[starts], hits, alarms


def _areas(cells: Cells, weights: Floats) -> dict[str, Floats]:
    """Areas under the ROC and precision-recall curves by the trapezoid rule over the distinct scores.

    As Spark's BinaryClassificationMetrics has them: the precision-recall curve begins at recall 0 with the
    precision of the highest score. Rows of one score count as ties.
    """
    none = np.full(len(weights), math.nan)
    if not len(cells.rows) or np.isnan(cells.score).any():
        return dict.fromkeys(AREAS, none)
    _, positives, negatives = ranked(cells, weights)
    hits, alarms = positives.cumsum(axis=1), negatives.cumsum(axis=1)
    both = hits + alarms
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, fall_out = hits / hits[:, -1:], alarms / alarms[:, -1:]
        precision = np.where(both > 0, hits / both, math.nan)
    # In a resample, the highest scores may have no row: the curve begins at the first that has one.
    first = np.argmax(both > 0, axis=1)
    start = np.take_along_axis(precision, first[:, None], axis=1)
    precision = np.where(both > 0, precision, start)
    zero = np.zeros((len(weights), 1))
    roc = np.trapezoid(np.hstack([zero, recall]), np.hstack([zero, fall_out]), axis=1)
    pr = np.trapezoid(np.hstack([start, precision]), np.hstack([zero, recall]), axis=1)
    defined = (hits[:, -1] > 0) & (alarms[:, -1] > 0)
    return {"areaUnderROC": np.where(defined, roc, math.nan), "areaUnderPR": np.where(defined, pr, math.nan)}


def tie_error(cells: Cells) -> float:
    """Return the most by which areaUnderROC may be off because rows of one bin count as ties.

    Half the share of pairs of both classes that fall into one bin: their true order could be either.
    """
    if not len(cells.rows) or np.isnan(cells.score).any():
        return 0.0
    _, positives, negatives = ranked(cells, cells.weight[None, :])
    pairs = float(positives.sum() * negatives.sum())
    return 0.5 * float((positives * negatives).sum()) / pairs if pairs else 0.0
