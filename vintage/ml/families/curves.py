"""What of two classes is drawn: the ROC and precision-recall curves, the calibration, the scores by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.ml.families.cells import ranked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vintage.ml.families.cells import Cells

    Floats = NDArray[np.float64]

POINTS: Final = 201
"""Points of a curve at the most, its ends among them."""
CALIBRATED: Final = 10
"""Bins of a calibration, of equal width."""
COUNTED: Final = 20
"""Bins of the scores of each class, of equal width."""


def curves_of(cells: Cells, *, probability: bool) -> dict[str, Any]:
    """Details `roc`, `pr`, `scores`, and `calibration` where scores are probabilities.

    There are none unless both classes have rows.

    Args:
        cells: rows of classes 0 and 1.
        probability: whether a score is the probability of class 1.
    """
    if not len(cells.rows) or np.isnan(cells.score).any():
        return {}
    scores, positives, negatives = ranked(cells, np.stack([cells.weight, cells.rows]))
    positive, negative = positives[0], negatives[0]
    hits, alarms = positive.cumsum(), negative.cumsum()
    if not hits[-1] or not alarms[-1]:
        return {}
    recall, fall_out = hits / hits[-1], alarms / alarms[-1]
    both = hits + alarms
    precision = np.divide(hits, both, out=np.zeros_like(hits), where=both > 0)
    # The highest scores may have no weight: the curve begins at the first that has some.
    precision = np.where(both > 0, precision, precision[np.argmax(both > 0)])
    roc = _thinned(np.r_[0.0, fall_out], np.r_[0.0, recall])
    pr = _thinned(np.r_[0.0, recall], np.r_[precision[0], precision])
    counted = _counted(scores, positives[1], negatives[1], probability)
    found: dict[str, Any] = {"roc": roc, "pr": pr, "scores": counted}
    if probability:
        found["calibration"] = _calibration(scores, positives, negatives)
    return found


def _thinned(x: Floats, y: Floats) -> dict[str, list[float]]:
    """Points of a curve at about equal distances along it."""
    if len(x) > POINTS:
        length = np.r_[0.0, (np.abs(np.diff(x)) + np.abs(np.diff(y))).cumsum()]
        chosen = np.searchsorted(length, np.linspace(0.0, length[-1], POINTS))
        chosen = np.unique(np.r_[0, chosen.clip(max=len(x) - 1), len(x) - 1])[: POINTS - 1]
        chosen = np.r_[chosen, len(x) - 1] if chosen[-1] != len(x) - 1 else chosen
        x, y = x[chosen], y[chosen]
    return {"x": [float(each) for each in x], "y": [float(each) for each in y]}


def _calibration(scores: Floats, positives: Floats, negatives: Floats) -> list[dict[str, float]]:
    """By bin of the score that has weight: the mean score, and the share of rows that are of class 1.

    Args:
        scores: the distinct ones.
        positives, negatives: of class 1 and class 0, the weight (first) and the rows that have each score.
    """
    bins = np.minimum((scores * CALIBRATED).astype(int), CALIBRATED - 1)
    found = []
    for place in np.unique(bins):
        here = bins == place
        weight, rows = positives[:, here] + negatives[:, here]
        whole = weight.sum()
        if not whole:
            continue
        found.append(
            {
                "low": place / CALIBRATED,
                "high": (place + 1) / CALIBRATED,
                "rows": int(rows.sum()),
                "predicted": float((scores[here] * weight).sum() / whole),
                "observed": float(positives[0, here].sum() / whole),
            }
        )
    return found


def _counted(scores: Floats, positive: Floats, negative: Floats, probability: bool) -> dict[str, Any]:
    """Return rows of each class by bin of the score."""
    low, high = (0.0, 1.0) if probability else (float(scores.min()), float(scores.max()))
    edges = np.linspace(low, high if high > low else low + 1.0, COUNTED + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, COUNTED - 1)
    rows = {
        name: np.bincount(place, weights=counts, minlength=COUNTED).astype(int).tolist()
        for name, counts in (("0", negative), ("1", positive))
    }
    return {"edges": [float(each) for each in edges], "rows": rows}
