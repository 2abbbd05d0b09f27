"""What guessing by the training labels alone reaches on a holdout: what a model is to be better than."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vintage.ml.families import EvaluationResult, Holdout
    from vintage.store.details import LabelDetails


def guess_of(
    tested: Holdout, measured: EvaluationResult, learnt: Sequence[LabelDetails | None]
) -> Mapping[str, Any] | None:
    """Return how one guesses, and what that reaches by metric; None where the task has no label to guess.

    Of classes, the most frequent one of the training rows is predicted for every row, with the shares of the
    training labels as probabilities; so a ranking has an area under the ROC curve of one half. Of numbers,
    their mean is predicted.

    Args:
        tested: the holdout, still scored.
        measured: what the model reaches on it.
        learnt: the labels of each training date; None of one that did not keep them.
    """
    known = [each for each in learnt if each is not None and each.rows]
    if len(known) < len(learnt) or not known or not measured.rows:
        return None
    if tested.pipeline.task == "classification":
        return _most_frequent(measured, known)
    if tested.pipeline.task == "regression":
        return _mean(tested, known)
    return None


def _most_frequent(measured: EvaluationResult, learnt: Sequence[LabelDetails]) -> Mapping[str, Any] | None:
    from vintage.ml.families.cells import Cells

    counts: Counter[float] = Counter()
    for each in learnt:
        counts.update({float(label): rows for label, rows in each.counts.items()})
    classes = [each for each in measured.details.get("classes", ()) if each["rows"]]
    total = sum(each.rows for each in learnt)
    # With more classes than are counted, nobody knows which is the most frequent.
    if not classes or sum(counts.values()) != total:
        return None
    common = max(sorted(counts), key=lambda label: counts[label])
    label, rows, weight = (
        np.array([each[name] for each in classes], dtype=float) for name in ("label", "rows", "weight")
    )
    share = np.array([counts[each] / total for each in label.tolist()])
    loss = np.array([-math.log(each) if each else math.inf for each in share.tolist()]) * weight
    cells = Cells(
        label, np.full(len(label), common), np.ones(len(label)), rows.astype(np.int64), loss, weight, weight
    )
    how = f"always class {common:g}, as {counts[common] / total:.1%} of the training labels are"
    return {"how": how, "metrics": _finite(cells.values())}


def _mean(tested: Holdout, learnt: Sequence[LabelDetails]) -> Mapping[str, Any] | None:
    from pyspark.sql import functions as F

    from vintage.ml.families.regression import errors_of
    from vintage.ml.families.weights import Weights

    rows = sum(each.rows for each in learnt)
    mean = math.fsum(each.rows * (each.mean if each.mean is not None else math.nan) for each in learnt) / rows
    if not math.isfinite(mean):
        return None
    found = errors_of(tested.scored.withColumn("prediction", F.lit(mean)), weights=Weights.of(tested.scored))
    how = f"always {mean:.6g}, the mean of the training labels"
    return {"how": how, "metrics": {} if found.unmeasured else _finite(found.values)}


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in sorted(values.items()) if math.isfinite(value)}
