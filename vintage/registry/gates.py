"""The gates: a pure function from metrics to a decision, with every reason named."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from vintage.ml.families import Gain
from vintage.spec import NOT_WORSE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vintage.ml.families import EvaluationResult, Interval, Slice
    from vintage.spec import Gate


@dataclass(frozen=True)
class Verdict:
    """One gate compared with its metric.

    Attributes:
        gate: the gate as a person reads it, such as `areaUnderROC >= 0.6`.
        value: what the metric was, or by how much it was better than the champion's; None where the holdout
            does not define it.
        passed: whether the gate lets the model through.
        interval: where the value lies with the spec's confidence, where that is known.
        rows: of the slice that it is about; None where it is about the whole holdout.
    """

    gate: str
    value: float | None
    passed: bool
    interval: Interval | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Baseline:
    """What the champion as of the partition date reaches on the rows that the model is measured on.

    Attributes:
        date: its partition date.
        key: its model's.
        metrics: metric → value; NaN where the holdout does not define it.
        gains: metric → by how much the model is better than it.
        rows: rows of the holdout that both gave an answer for.
        incomparable: why it has no metrics, when it does not run on these rows; then no gate on it passes.
    """

    date: str
    key: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, Gain] = field(default_factory=dict)
    rows: int = 0
    incomparable: str = ""


@dataclass(frozen=True)
class NoBaseline:
    """There was no champion before the date: comparisons do not apply, or no first model could pass."""


@dataclass(frozen=True)
class UnreadableBaseline:
    """Somebody served, and cannot be read: nothing that compares passes.

    Attributes:
        date: the champion's partition date; empty when the ledger that says it is what cannot be read.
        key: its model's; empty likewise.
        why: what keeps it from being read, and how to go on.
    """

    date: str
    key: str
    why: str


Compared = NoBaseline | Baseline | UnreadableBaseline


@dataclass(frozen=True)
class Decision:
    """Whether a model may serve, and why or why not.

    Attributes:
        verdicts: of the gates that apply.
        inapplicable: each gate that does not apply → why.
    """

    promote: bool
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    inapplicable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Judged:
    """A gate with its verdict and the numbers that it was made on, in words; or why it does not apply."""

    gate: Gate
    told: str
    verdict: Verdict | None = None

    @property
    def reason(self) -> str:
        if self.verdict is None:
            return f"gate {self.gate.described} does not apply: {self.told}"
        return f"gate {self.gate.described} {'passed' if self.verdict.passed else 'failed'}: {self.told}"


def decide(
    gates: Sequence[Gate],
    measured: EvaluationResult,
    *,
    least_rows: int = 1,
    baseline: Compared = NoBaseline(),
    suspicions: Sequence[str] = (),
) -> Decision:
    """Return the decision on a model.

    Args:
        gates: every one must pass. One on a metric that needs a baseline does not apply where there never was
            one; nor one on a slice of fewer rows than the gate asks for.
        measured: what the model reaches on the holdout; NaN passes no gate, and whatever refuses the holdout
            refuses the model.
        least_rows: rows that a holdout must have to tell anything.
        baseline: what the champion as of the partition date reaches on the same rows, or why not.
        suspicions: why the result is to be questioned; any refuses the model.
    """
    judged = [_judge(gate, measured, baseline) for gate in gates]
    against = list(measured.refusals)
    if measured.rows == 0:
        against = ["the holdout is empty"]
    elif measured.rows < least_rows:
        against.insert(0, f"the holdout has {measured.rows} rows, fewer than min_rows {least_rows}")
    against += suspicions
    against += [each.reason for each in judged if each.verdict and not each.verdict.passed]
    passed = [each.reason for each in judged if each.verdict and each.verdict.passed]
    passed += [each.reason for each in judged if not each.verdict]
    verdicts = tuple(each.verdict for each in judged if each.verdict)
    inapplicable = {each.gate.described: each.told for each in judged if not each.verdict}
    reasons = tuple(against or passed or ["no gate is declared"])
    return Decision(not against, reasons, verdicts, inapplicable)


def _judge(gate: Gate, measured: EvaluationResult, baseline: Compared) -> _Judged:
    if gate.metric in measured.uncompared or gate.vs_champion is not None:
        return _compare(gate, measured, baseline)
    if gate.slice is None:
        value = measured.values.get(gate.metric, math.nan)
        judged = _within(gate, value, measured.intervals.get(gate.metric), None)
        note = measured.notes.get(gate.metric)
        return replace(judged, told=f"{judged.told}, {note}") if note else judged
    found = _slice_of(gate, measured)
    rows = 0 if found is None else found.rows
    if rows < (gate.min_rows or 0):
        return _Judged(gate, f"{rows} rows are fewer than its min_rows {gate.min_rows}")
    value = math.nan if found is None else found.values.get(gate.metric, math.nan)
    return _within(gate, value, None, rows)


def _compare(gate: Gate, measured: EvaluationResult, baseline: Compared) -> _Judged:
    match baseline:
        case NoBaseline():
            return _Judged(gate, "there is no baseline")
        case UnreadableBaseline():
            return _Judged(gate, baseline.why, Verdict(gate.described, None, passed=False))
        case Baseline():
            if gate.vs_champion is None:
                return _Judged(gate, "there is no baseline")
            return _against(gate, measured, baseline)
        case _:
            assert_never(baseline)


def _slice_of(gate: Gate, measured: EvaluationResult) -> Slice | None:
    [(column, value)] = (gate.slice or {}).items()
    same = (each for each in measured.slices if (each.column, each.value) == (column, value))
    return next((each for each in same if not each.others), None)


def _within(gate: Gate, value: float, interval: Interval | None, rows: int | None) -> _Judged:
    # A comparison with NaN is false, so that NaN passes none.
    low = gate.min is None or value >= gate.min
    high = gate.max is None or value <= gate.max
    told = _shown(value) if rows is None else f"{_shown(value)} on {rows} rows"
    passed = low and high and not math.isnan(value)
    return _Judged(gate, told, Verdict(gate.described, _finite(value), passed, interval, rows))


def _against(gate: Gate, measured: EvaluationResult, baseline: Baseline) -> _Judged:
    gain = baseline.gains.get(gate.metric, Gain(math.nan))
    interval = gain.interval
    told = f"{_shown(measured.values.get(gate.metric, math.nan))} against "
    told += f"{_shown(baseline.metrics.get(gate.metric, math.nan))} of {baseline.date}"
    if interval is not None:
        # No minus before a zero.
        told += f", a gain from {interval.low + 0.0:+.4g} to {interval.high + 0.0:+.4g}"
    if baseline.rows < measured.rows:
        told += f", on {baseline.rows} of {measured.rows} rows"
    if gate.vs_champion == NOT_WORSE:
        passed = interval is not None and interval.high >= 0
        told += "" if interval is not None else ", without an interval"
    else:
        passed = gate.vs_champion is not None and gain.value >= float(gate.vs_champion)
    verdict = Verdict(gate.described, _finite(gain.value), passed, interval)
    return _Judged(gate, baseline.incomparable or told, verdict)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shown(value: float) -> str:
    return "not defined on this holdout" if math.isnan(value) else f"{value:.6g}"
