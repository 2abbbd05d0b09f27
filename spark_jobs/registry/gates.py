"""The gates: a pure function from metrics to a decision, with every reason named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spark_jobs.spec import Gate


@dataclass(frozen=True)
class Verdict:
    """One gate held against its metric.

    Attributes:
        gate: the gate as a person reads it, such as `areaUnderROC >= 0.6`.
        value: what the metric was, or by how much it was better than the champion's; None where the holdout
            does not define it.
        passed: whether the gate lets the model through.
    """

    gate: str
    value: float | None
    passed: bool


@dataclass(frozen=True)
class Baseline:
    """What the champion as of the partition date reaches on the rows that the model is measured on.

    Attributes:
        date: its partition date.
        key: its model's.
        metrics: metric → value; NaN where the holdout does not define it.
        larger_is_better: metric → direction.
        incomparable: why it has no metrics, when it does not run on these rows; then no gate on it passes.
    """

    date: str
    key: str
    metrics: Mapping[str, float]
    larger_is_better: Mapping[str, bool]
    incomparable: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a model may serve, and why or why not."""

    promote: bool
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def decide(
    gates: Sequence[Gate],
    metrics: Mapping[str, float],
    *,
    rows: int,
    refusals: Sequence[str] = (),
    uncompared: Sequence[str] = (),
    baseline: Baseline | None = None,
) -> Decision:
    """The decision on a model.

    Args:
        gates: every one must pass.
        metrics: metric → value on the holdout; NaN passes no gate.
        rows: rows of the holdout; an empty one refuses.
        refusals: why the holdout can tell nothing of a model, whatever the gates say.
        uncompared: metrics that need a baseline, where there is none; their gates do not apply, or the first
            model could never pass.
        baseline: what the champion as of the partition date reaches on the same rows. Without one, the gates
            with `vs_champion` do not apply either.
    """
    applied = [
        gate
        for gate in gates
        if gate.metric not in uncompared and (gate.vs_champion is None or baseline is not None)
    ]
    judged = [_judge(gate, metrics.get(gate.metric, math.nan), baseline) for gate in applied]
    verdicts = tuple(verdict for verdict, _ in judged)
    against = ["the holdout is empty"] if rows == 0 else list(refusals)
    against += [f"gate {verdict.gate} failed: {told}" for verdict, told in judged if not verdict.passed]
    passed = [f"gate {verdict.gate} passed: {told}" for verdict, told in judged]
    passed += [
        f"gate {_bounds(gate)} does not apply: there is no baseline" for gate in gates if gate not in applied
    ]
    return Decision(not against, tuple(against or passed or ["no gate is declared"]), verdicts)


def _bounds(gate: Gate) -> str:
    if gate.vs_champion is not None:
        return f"{gate.metric} vs champion >= {gate.vs_champion:+g}"
    bounds = [f"{gate.metric} >= {gate.min:g}"] if gate.min is not None else []
    bounds += [f"{gate.metric} <= {gate.max:g}"] if gate.max is not None else []
    return " and ".join(bounds)


def _judge(gate: Gate, value: float, baseline: Baseline | None) -> tuple[Verdict, str]:
    """The verdict, and the numbers that it was made on, in words."""
    # A comparison with NaN is false, so that NaN passes none.
    if gate.vs_champion is not None and baseline is not None:
        theirs = baseline.metrics.get(gate.metric, math.nan)
        gain = value - theirs if baseline.larger_is_better[gate.metric] else theirs - value
        told = baseline.incomparable or f"{_shown(value)} against {_shown(theirs)} of {baseline.date}"
        return _verdict(gate, gain, passed=gain >= gate.vs_champion), told
    low = gate.min is None or value >= gate.min
    high = gate.max is None or value <= gate.max
    return _verdict(gate, value, passed=low and high and not math.isnan(value)), _shown(value)


def _verdict(gate: Gate, value: float, *, passed: bool) -> Verdict:
    return Verdict(_bounds(gate), value if math.isfinite(value) else None, passed)


def _shown(value: float) -> str:
    return "not defined on this holdout" if math.isnan(value) else f"{value:.6g}"
