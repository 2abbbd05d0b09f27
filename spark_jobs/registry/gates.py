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
        value: what the metric was; None where the holdout does not define it.
        passed: whether the gate lets the model through.
    """

    gate: str
    value: float | None
    passed: bool


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
) -> Decision:
    """The decision on a model.

    Args:
        gates: every one must pass.
        metrics: metric → value on the holdout; NaN passes no gate.
        rows: rows of the holdout; an empty one refuses.
        refusals: why the holdout can tell nothing of a model, whatever the gates say.
        uncompared: metrics that need a baseline, where there is none; their gates do not apply, or the first
            model could never pass.
    """
    applied = [gate for gate in gates if gate.metric not in uncompared]
    verdicts = tuple(_judge(gate, metrics.get(gate.metric, math.nan)) for gate in applied)
    against = ["the holdout is empty"] if rows == 0 else list(refusals)
    against += [
        f"gate {verdict.gate} failed: {_shown(verdict.value)}" for verdict in verdicts if not verdict.passed
    ]
    passed = [f"gate {verdict.gate} passed: {_shown(verdict.value)}" for verdict in verdicts]
    passed += [
        f"gate {_bounds(gate)} does not apply: there is no baseline" for gate in gates if gate not in applied
    ]
    return Decision(not against, tuple(against or passed or ["no gate is declared"]), verdicts)


def _bounds(gate: Gate) -> str:
    bounds = [f"{gate.metric} >= {gate.min:g}"] if gate.min is not None else []
    bounds += [f"{gate.metric} <= {gate.max:g}"] if gate.max is not None else []
    return " and ".join(bounds)


def _judge(gate: Gate, value: float) -> Verdict:
    # A comparison with NaN is false, so that NaN passes neither.
    low = gate.min is None or value >= gate.min
    high = gate.max is None or value <= gate.max
    passed = low and high and not math.isnan(value)
    return Verdict(_bounds(gate), None if math.isnan(value) else value, passed)


def _shown(value: float | None) -> str:
    return "not defined on this holdout" if value is None else f"{value:.6g}"
