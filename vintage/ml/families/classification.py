"""Classification metrics, slices and curves from one aggregation over the scored holdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vintage.data.rows import LABEL
from vintage.ml.families import bootstrap
from vintage.ml.families.cells import confusion_of, rates_of, tie_error
from vintage.ml.families.counting import EXACT_ROWS, SHARE, are_classes, binned, cells_of, count, log_loss
from vintage.ml.families.curves import curves_of
from vintage.ml.families.measured import (
    Answers,
    Comparison,
    EvaluationResult,
    Gain,
    Holdout,
    Interval,
    Slice,
    stage_with,
)
from vintage.ml.families.slices import SLICES, leading, slice_columns
from vintage.ml.families.weights import WEIGHT, Weights, weight_columns
from vintage.ml.splits import key_columns
from vintage.spec import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from vintage.ml.families.cells import Cells
    from vintage.ml.families.counting import Counted
    from vintage.ml.families.slices import Sliced
    from vintage.spec import Pipeline

BINS: Final = 2**16
SLICE_BINS: Final = 2**11
PAIR_BINS: Final = 2**8
SLICE_GROUPS: Final = 128
"""Groups of ranks to which a slice's scores are joined before they are resampled."""
CLASSES: Final = 2
"""Labels that a holdout must have at the least."""

COMPARES: Final = False
READS_TRAIN: Final = False
UNWRITTEN: Final = (SLICES, WEIGHT)

_THEIRS: Final = "__theirs"


def score(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the holdout with the model's predictions.

    Args:
        rows: feature rows with `label`.
        model: a fitted pipeline whose last predictor is a classifier.
        pipeline: its row key is kept, and what its holdout is sliced by.

    Returns:
        The key's columns, `label`, `prediction` (doubles), `probability` (array of doubles by class, or null)
        and `score` (double: probability, or raw score, of class 1); and slices and weight, which are not
        kept.
    """
    from pyspark.sql import functions as F

    answers = (column.alias(name) for name, column in _answers(model).items())
    return model.transform(rows).select(
        *key_columns(pipeline),
        F.col(LABEL),
        *answers,
        *slice_columns(pipeline),
        *weight_columns(pipeline),
    )


def measure(holdout: Answers) -> EvaluationResult:
    """Return the metrics, with details `confusion_matrix`, `ranking_error` and `classes` (weight and rates).

    `ranking_error` is the most by which areaUnderROC may be off because scores were binned, else 0. Of two
    classes, there are the details of `curves_of` as well.
    """
    spec = holdout.pipeline.evaluate
    return measure_scored(
        holdout.scored,
        rows=holdout.count,
        sliced=leading(holdout.scored, holdout.sliced),
        metric=spec.metric,
        confidence=spec.confidence if holdout.thorough else None,
        seed=holdout.pipeline.seed,
    )


def measure_scored(
    scored: DataFrame,
    *,
    rows: int,
    sliced: Sequence[Sliced] = (),
    metric: str = "accuracy",
    confidence: float | None = None,
    seed: int = 0,
) -> EvaluationResult:
    """Return all metrics of a scored holdout and of its slices, in one pass.

    Rows are counted by label, prediction and score: by the score itself up to 100,000 rows, by 2^16 equal
    bins of it beyond (2^11 in slices), so that what is collected does not grow with the rows. A raw score is
    binned by its logistic function. Losses are added as whole numbers, so that their sum does not depend on
    the order of the rows.

    Args:
        scored: `label`, `prediction` (doubles), `score` (double: probability or raw score of class 1),
            `probability` (array of doubles by class, null when the model gives none); slices and
            weight, where there are.
        rows: about how many rows there are; decides between scores and bins.
        sliced: what the rows are sliced by.
        metric: the one whose interval slices have.
        confidence: of the intervals; without it there are none.
        seed: of the resamples behind them.
    """
    names = [f"slice_{place}" for place in range(len(sliced))]
    weights = Weights.of(scored)
    frame = scored.select(
        LABEL,
        "prediction",
        binned("", rows, BINS).alias("score"),
        binned("", rows, SLICE_BINS).alias("coarse"),
        *log_loss("", weights),
        *([] if weights is None else [weights.share.alias(SHARE)]),
        *(each.code.alias(name) for name, each in zip(names, sliced, strict=True)),
    )
    sets = [[LABEL, "prediction", "score"], *([LABEL, "prediction", "coarse", name] for name in names)]
    whole, *parts = count(frame, sets)
    spread = _Spread(metric, confidence, seed)
    slices = [
        found
        for each, name, part in zip(sliced, names, parts, strict=True)
        for found in _slices(each, part, part[name], spread)
    ]
    refusals = () if weights is None else weights.refusals
    return _summary(whole, spread, slices, refusals, is_binned=rows > EXACT_ROWS)


def compare(holdout: Holdout) -> Comparison:
    """Return what the baseline reaches on the same rows, and the gains on it, from one aggregation over them.

    Both models answer row by row. Their answers are counted together, by 2^8 bins of either score beyond
    100,000 rows, for the intervals of the gains; and each by itself, as `measure` does, for their values.
    """
    from pyspark.sql import functions as F

    pipeline, baseline = holdout.pipeline, holdout.baseline
    if baseline is None:
        raise LookupError("there is no baseline to compare with")
    before = baseline.transform(holdout.rows).select(
        *(F.col(f"`{name}`") for name in holdout.rows.columns),
        F.struct(*(column.alias(name) for name, column in _answers(baseline).items())).alias(_THEIRS),
    )
    both = holdout.model.transform(before).select(
        LABEL,
        *(column.alias(name) for name, column in _answers(holdout.model).items()),
        *(
            F.col(f"{_THEIRS}.{name}").alias(f"their_{name}")
            for name in ("prediction", "probability", "score")
        ),
        *weight_columns(pipeline),
    )
    weights = Weights.of(holdout.scored)
    sides = ("", "their_")
    frame = both.select(
        LABEL,
        *(F.col(f"{side}prediction") for side in sides),
        *(binned(side, holdout.count, BINS).alias(f"{side}score") for side in sides),
        *(binned(side, holdout.count, PAIR_BINS).alias(f"{side}coarse") for side in sides),
        *(part for side in sides for part in log_loss(side, weights)),
        *([] if weights is None else [weights.share.alias(SHARE)]),
    )
    sets = [
        *([LABEL, f"{side}prediction", f"{side}score"] for side in sides),
        [LABEL, *(f"{side}prediction" for side in sides), *(f"{side}coarse" for side in sides)],
    ]
    *apart, paired = count(frame, sets, sides)
    ours, theirs = (
        cells_of(counted, are_classes(counted, LABEL, f"{side}prediction"), side=side).values()
        for counted, side in zip(apart, sides, strict=True)
    )
    known = are_classes(paired, LABEL, *(f"{side}prediction" for side in sides))
    own, other = (cells_of(paired, known, side=side, score="coarse") for side in sides)
    differences = {name: ours[name] - theirs[name] for name in sorted(ours.keys() & theirs.keys())}
    spread = bootstrap.gain_intervals(
        own, other, differences, confidence=pipeline.evaluate.confidence, seed=pipeline.seed
    )
    gains = {
        name: Gain(value, spread.get(name)).in_direction(METRICS[pipeline.task][name])
        for name, value in differences.items()
    }
    return Comparison(int(apart[0]["rows"].sum()), theirs, gains)


@dataclass(frozen=True)
class _Spread:
    """Which intervals are wanted: none without a confidence."""

    metric: str
    confidence: float | None
    seed: int

    def of(self, cells: Cells, groups: int = bootstrap.GROUPS) -> dict[str, Interval]:
        if self.confidence is None:
            return {}
        return bootstrap.intervals(cells, confidence=self.confidence, seed=self.seed, groups=groups)


def _summary(
    counted: Counted, spread: _Spread, slices: Sequence[Slice], weighed: Sequence[str], *, is_binned: bool
) -> EvaluationResult:
    every, known = int(counted["rows"].sum()), are_classes(counted, LABEL, "prediction")
    cells = cells_of(counted, known)
    labels, matrix = cells.confusion()
    values = cells.values()
    details: dict[str, Any] = {
        "confusion_matrix": {"labels": tuple(labels.tolist()), "counts": _rows_of(matrix)},
        "ranking_error": tie_error(cells) if is_binned and cells.binary else 0.0,
        "classes": _by_class(labels, matrix, confusion_of(cells, cells.weight[None, :])[0]),
    }
    if cells.binary:
        details |= curves_of(cells, probability=bool(np.isfinite(cells.loss).all()))
    refusals = [*weighed]
    if cells.total and (matrix.sum(axis=1) > 0).sum() < CLASSES:
        refusals.append("the holdout has one class only")
    if every > cells.total:
        told = "rows of the holdout have a label or a prediction that is no class"
        refusals.append(f"{every - cells.total} {told}")
    return EvaluationResult(
        every,
        values,
        tuple(refusals),
        details,
        intervals=spread.of(cells),
        method=bootstrap.METHOD,
        slices=tuple(slices),
    )


def _slices(sliced: Sliced, counted: Counted, codes: NDArray[np.generic], spread: _Spread) -> Iterator[Slice]:
    """Yield the slices that have rows."""
    known = are_classes(counted, LABEL, "prediction")
    for code in np.unique(codes):
        here = codes == code
        cells = cells_of(counted, here & known, score="coarse")
        yield Slice(
            sliced.column,
            sliced.value_of(int(code)),
            int(counted["rows"][here].sum()),
            cells.values(),
            spread.of(cells, SLICE_GROUPS).get(spread.metric),
            others=not code,
        )


def _rows_of(matrix: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(each) for each in row) for row in matrix)


def _by_class(
    labels: NDArray[np.float64], rows: NDArray[np.int64], weight: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Rows, weight, precision, recall and F1 by class, of the rows and the weight by label and prediction."""
    counted = zip(labels, rows.sum(axis=1), weight.sum(axis=1), *rates_of(weight), strict=True)
    return [
        {
            "label": float(label),
            "rows": int(count),
            "weight": float(total),
            "precision": float(p),
            "recall": float(r),
            "f1": float(f),
        }
        for label, count, total, p, r, f in counted
    ]


def _answers(model: PipelineModel) -> dict[str, Column]:
    """`prediction`, `probability` and `score` of a model's transformed rows."""
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
    return {
        "prediction": F.col(names["predictionCol"]),
        "probability": probability,
        "score": F.get(probability if "probabilityCol" in names else raw, F.lit(1)),
    }
