"""The results of an evaluation, as its JSON has it: metrics, intervals, slices, gates and the decision."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vintage.registry.gates import Baseline, NoBaseline, UnreadableBaseline
from vintage.spec import METRICS
from vintage.store.details import (
    DecisionDetails,
    EvaluationDetails,
    IntervalsDetails,
    ModelDetails,
    SliceDetails,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.ml.families import EvaluationResult, Slice
    from vintage.registry.gates import Compared, Decision, Verdict
    from vintage.spec import Pipeline
    from vintage.store import Artifact


def outcome(
    pipeline: Pipeline,
    model: Artifact,
    measured: EvaluationResult,
    decision: Decision,
    baseline: Compared,
    importances: Mapping[str, Any] | None,
) -> EvaluationDetails:
    """Return the details of an evaluation; numbers that are not finite become null.

    Args:
        pipeline: its deciding metric orders the slices, the worst first.
        model: what was evaluated.
        measured: what it reaches on the holdout.
        decision: what the gates say.
        baseline: what it was compared with, where it was, or why that cannot be read.
        importances: what the model weighs, by feature, where it has them.
    """
    larger = METRICS[pipeline.task][pipeline.evaluate.metric].larger_is_better

    def worst_first(found: Slice) -> tuple[bool, float]:
        value = found.values.get(pipeline.evaluate.metric, math.nan)
        return math.isnan(value), value if larger else -value

    return EvaluationDetails(
        model=model.key,
        rows={"train": ModelDetails.of(model).rows["train"], "test": measured.rows},
        **({"weight": pipeline.evaluate.weight} if pipeline.evaluate.weight else {}),
        metrics=_finite(measured.values),
        intervals=IntervalsDetails(
            confidence=pipeline.evaluate.confidence,
            method=measured.method,
            metrics={name: asdict(each) for name, each in sorted(measured.intervals.items())},
        ),
        **({} if isinstance(baseline, NoBaseline) else {"baseline": _baseline(baseline)}),
        details={**measured.details, **({"importances": importances} if importances else {})},
        slices=tuple(_slice(each) for each in sorted(measured.slices, key=worst_first)),
        gates=tuple(_verdict(each) for each in decision.verdicts),
        inapplicable=decision.inapplicable,
        decision=DecisionDetails(promote=decision.promote, reasons=decision.reasons),
    )


def _verdict(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"gate": verdict.gate, "value": verdict.value, "passed": verdict.passed}
    if verdict.interval is not None:
        told["interval"] = asdict(verdict.interval)
    return told if verdict.rows is None else told | {"rows": verdict.rows}


def _baseline(baseline: Baseline | UnreadableBaseline) -> dict[str, Any]:
    """Return the date and key of the model that was compared with, and its metrics or why it has none."""
    if isinstance(baseline, UnreadableBaseline):
        baseline = Baseline(baseline.date, baseline.key, incomparable=baseline.why)
    gains = {
        name: {"value": gain.value, **(asdict(gain.interval) if gain.interval else {})}
        for name, gain in baseline.gains.items()
        if math.isfinite(gain.value)
    }
    told: dict[str, Any] = {
        "date": baseline.date,
        "key": baseline.key,
        "metrics": _finite(baseline.metrics),
        "gains": gains,
        "rows": baseline.rows,
    }
    return told | ({"incomparable": baseline.incomparable} if baseline.incomparable else {})


def _slice(found: Slice) -> SliceDetails:
    return SliceDetails(
        column=found.column,
        value=found.value,
        **({"others": True} if found.others else {}),
        rows=found.rows,
        metrics=_finite(found.values),
        interval=asdict(found.interval) if found.interval else None,
    )


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in sorted(values.items())}
