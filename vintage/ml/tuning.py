"""Chooses among the candidates of a grid by what they do on parts of the training rows, never the holdout."""

from __future__ import annotations

import logging
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import LABEL
from vintage.errors import TrainingError, VintageError
from vintage.ml.families import Holdout, family_of
from vintage.ml.fitting import OF_THE_MACHINE, fit_stage, fit_stages
from vintage.ml.grid import first_tuned, tuned_columns
from vintage.ml.label_flow import require_read
from vintage.ml.splits import TRAIN_ONLY, judging_part
from vintage.ml.stages import build_stages, over_rows
from vintage.ml.training import canonical, check_training_rows
from vintage.session import causes, root_cause
from vintage.spec.sql import expression_columns
from vintage.store.details import CandidateDetails, TuningDetails, WinnerDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline, Tuning
    from vintage.spec.metrics import Metric

log = logging.getLogger(__name__)

LONGEST_REASON: Final = 500
CLASSES: Final = 2
# A stage's uid, another one in each process.
_UID: Final = re.compile(r"\b([A-Za-z]\w*?)_[0-9a-f]{12}\b")
# What a candidate is not to blame for: tried again elsewhere, it would go well. To survive it would make
# the choice depend on the machine.
_NOT_ITS_FAULT: Final = (
    *OF_THE_MACHINE,
    "ExecutorLostFailure",
    "FetchFailed",
    "stopped SparkContext",
    "Py4JNetworkError",
    "Answer from Java side is empty",
    "Connection refused",
)


@dataclass(frozen=True)
class Candidate:
    """One combination of the grid's values, and how it did.

    Attributes:
        params: `Stage.param` → value.
        metrics: of each part that judged it, in order; NaN where the part does not define the metric.
        error: why it gave no model; empty otherwise.
    """

    params: Mapping[str, Any]
    metrics: tuple[float, ...] = ()
    error: str = ""

    @property
    def mean(self) -> float:
        """The mean over the parts; NaN when one is, or when the candidate failed."""
        if self.error or not self.metrics:
            return math.nan
        return math.fsum(self.metrics) / len(self.metrics)

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{named}: {self.error}" if self.error else f"{named}: {self.mean:.6g}"


@dataclass(frozen=True)
class Tuned:
    """What a tuning gives.

    Attributes:
        metric: what decided.
        candidates: in the grid's order.
        winner: the index of the best.
        rows: training rows that were used.
    """

    metric: Metric
    candidates: tuple[Candidate, ...]
    winner: int
    rows: int

    def details(self) -> TuningDetails:
        """Return all of it as JSON values; NaN becomes null."""
        return TuningDetails(
            metric=self.metric.name,
            larger_is_better=self.metric.larger_is_better,
            rows=self.rows,
            winner=WinnerDetails(candidate=self.winner, **_as_json(self.candidates[self.winner])),
            candidates=tuple(CandidateDetails(**_as_json(each)) for each in self.candidates),
        )


def tune(rows: DataFrame, pipeline: Pipeline) -> Tuned:
    """Fit every candidate on all folds but one, measure it on that fold, and take the best mean.

    The rows are put in the canonical order once and kept; each part sees them through a filter, which moves
    no row, so that a fit sees what it would see of those rows alone. Stages before the first that the grid
    touches are fitted once for each part.

    Args:
        rows: feature rows of the training side, `label` and what the stages read among their columns.
        pipeline: its `tuning`, stages, seed and row key.

    Raises:
        TrainingError: the rows, or a part of them, cannot give a model; or no candidate gave one.
    """
    tuning = pipeline.tuning
    if tuning is None:
        raise ValueError(f"{pipeline.name} has nothing to tune")
    pipeline = over_rows(pipeline, rows)
    require_read(pipeline, rows.columns)
    columns = tuned_columns(pipeline)
    relevant = expression_columns(pipeline.evaluate.relevant) if pipeline.evaluate.relevant else ()
    ordered = canonical(rows, pipeline, [*columns, *relevant, LABEL]).persist()
    try:
        learnt = ordered if LABEL in columns else ordered.drop(LABEL)
        count = check_training_rows(learnt, pipeline, columns).count
        part = judging_part(pipeline, tuning)
        counts = _part_counts(ordered, part, pipeline, tuning)
        candidates = tuple(Candidate(params) for params in tuning.candidates)
        for number, judging in enumerate(counts):
            started = time.monotonic()
            taught, judged = ordered.where(part != number), ordered.where(part == number)
            candidates = _judged(candidates, taught, judged, judging, pipeline)
            log.info(
                "tuning: part %d of %d, %d candidates on %d rows, judged on %d: %.1f s",
                number + 1,
                len(counts),
                len(candidates),
                count - judging,
                judging,
                time.monotonic() - started,
            )
    finally:
        ordered.unpersist()
    for number, each in enumerate(candidates):
        log.log(logging.WARNING if each.error else logging.INFO, "candidate %d, %s", number, each)
    metric = pipeline.tuning_metric
    winner = best([each.mean for each in candidates], metric)
    if winner is None:
        raise _nothing_won(candidates, pipeline)
    return Tuned(metric, candidates, winner, count)


def best(means: Sequence[float], metric: Metric) -> int | None:
    """Return the place of the best mean, the first of equals; what is not finite never wins."""
    found: int | None = None
    for place, mean in enumerate(means):
        if math.isfinite(mean) and (
            found is None or (mean > means[found] if metric.larger_is_better else mean < means[found])
        ):
            found = place
    return found


def _part_counts(ordered: DataFrame, part: Column, pipeline: Pipeline, tuning: Tuning) -> tuple[int, ...]:
    """Return how many rows judge in each part.

    Raises:
        TrainingError: no row judges or teaches in one, or one class only teaches a classifier.
    """
    from pyspark.sql import functions as F

    by_label = pipeline.task == "classification"
    label = F.col(LABEL) if by_label else F.lit(0.0)
    seen = ordered.groupBy(part.alias("part"), label.alias("label")).count().collect()
    counts = [sum(row["count"] for row in seen if row["part"] == each) for each in range(tuning.parts)]
    for number, judging in enumerate(counts):
        teaching = {row["label"] for row in seen if row["part"] != number}
        if judging and len(teaching) >= (CLASSES if by_label else 1):
            continue
        total = sum(row["count"] for row in seen)
        teaches = sum(row["count"] for row in seen if row["part"] == TRAIN_ONLY) or total - judging
        raise TrainingError(
            f"the training set of {pipeline.name} is too small for its tuning",
            expected=f"rows{' of two classes' if by_label else ''} to learn from, and rows to judge by, "
            f"in each of {tuning.parts} parts",
            found=f"{teaches} rows of {len(teaching)} labels and {judging} rows in part {number + 1}",
            fix="Widen the window, or lower tuning.folds.",
        )
    return tuple(counts)


def _judged(
    candidates: Sequence[Candidate], taught: DataFrame, judged: DataFrame, count: int, pipeline: Pipeline
) -> tuple[Candidate, ...]:
    """Return the candidates with their results on one more fold; failed candidates stay unchanged."""
    from pyspark.ml import PipelineModel

    first = first_tuned(pipeline)
    common = fit_stages(build_stages(pipeline)[:first], taught, pipeline)
    prepared = common.transform(taught).persist() if first else taught

    def judge(candidate: Candidate) -> Candidate:
        if candidate.error:
            return candidate
        try:
            chosen = pipeline.with_params(candidate.params)
            rest, seen = [], prepared
            for stage in build_stages(chosen)[first:]:
                rest.append(fit_stage(stage, seen))
                seen = rest[-1].transform(seen)
            model = PipelineModel(stages=[*common.stages, *rest])
            holdout = Holdout(judged, count, chosen, rows=judged, model=model, train=taught)
            value = _measure(holdout, pipeline.tuning_metric)
            return replace(candidate, metrics=(*candidate.metrics, value))
        # A bad combination can fail in whatever way its classes choose.
        except Exception as error:
            if not _is_the_candidates(error):
                raise
            return replace(candidate, error=_reason(error))

    try:
        with ThreadPoolExecutor(max_workers=pipeline.tuning.parallelism if pipeline.tuning else 1) as pool:
            # In the candidates' order, whichever ends first.
            return tuple(pool.map(judge, candidates))
    finally:
        if first:
            prepared.unpersist()


def _measure(holdout: Holdout, metric: Metric) -> float:
    """Return the metric of a model on rows that are not scored yet."""
    family = family_of(holdout.pipeline.task)
    scored = family.score(holdout.rows, holdout.model, holdout.pipeline).persist()
    try:
        measured = family.measure(replace(holdout, scored=scored))
    finally:
        scored.unpersist()
    return float(measured.values.get(metric.name, math.nan))


def _is_the_candidates(error: Exception) -> bool:
    """Return whether a failure follows from the candidate and the rows, and so would come again."""
    text = " ".join([type(error).__name__, *causes(error)])
    return not isinstance(error, OSError | MemoryError) and not any(sign in text for sign in _NOT_ITS_FAULT)


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, VintageError) else root_cause(error)
    return _UID.sub(r"\1", text)[:LONGEST_REASON]


def _nothing_won(candidates: Sequence[Candidate], pipeline: Pipeline) -> TrainingError:
    name = pipeline.tuning_metric.name
    reasons = [str(each) if each.error else f"{each} ({name} is not defined)" for each in candidates]
    return TrainingError(
        f"no candidate of the tuning of {pipeline.name} can be chosen",
        expected=f"{name} of at least one of {len(candidates)} candidates",
        found="; ".join(reasons),
        fix="Correct tuning.grid, or look at the training rows.",
    )


def _as_json(candidate: Candidate) -> dict[str, Any]:
    finite = [each if math.isfinite(each) else None for each in candidate.metrics]
    return {
        "params": dict(candidate.params),
        "metrics": finite,
        "mean": candidate.mean if math.isfinite(candidate.mean) else None,
        "error": candidate.error or None,
    }
