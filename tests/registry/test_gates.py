"""A model is let through only when every gate holds on a holdout that can tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.ml.families import EvaluationResult, Gain, Interval, Slice
from vintage.registry.gates import Baseline, Decision, UnreadableBaseline, decide
from vintage.spec import METRICS, NOT_WORSE, Gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def judged(gates: Sequence[Gate], values: Mapping[str, float], *, rows: int = 10, **known: Any) -> Decision:
    """The decision on a model that reaches these values."""
    options = {name: known.pop(name) for name in ("least_rows", "baseline") if name in known}
    return decide(gates, EvaluationResult(rows, values, **known), **options)


def test_a_gate_that_holds_promotes_and_says_why() -> None:
    decision = judged([Gate(metric="areaUnderROC", min=0.6)], {"areaUnderROC": 0.7}, rows=10)
    assert decision.promote
    assert decision.reasons == ("gate areaUnderROC >= 0.6 passed: 0.7",)
    assert [(verdict.gate, verdict.value, verdict.passed) for verdict in decision.verdicts] == [
        ("areaUnderROC >= 0.6", 0.7, True)
    ]


def test_one_gate_that_fails_refuses_and_only_it_is_a_reason() -> None:
    gates = [Gate(metric="areaUnderROC", min=0.6), Gate(metric="logLoss", max=0.3)]
    decision = judged(gates, {"areaUnderROC": 0.7, "logLoss": 0.4}, rows=10)
    assert not decision.promote
    assert decision.reasons == ("gate logLoss <= 0.3 failed: 0.4",)
    assert [verdict.passed for verdict in decision.verdicts] == [True, False]


@pytest.mark.fault("a metric that is NaN", outcome="no gate passes")
@given(bound=NUMBERS, upper=st.booleans())
def test_nan_passes_no_gate(bound: float, upper: bool) -> None:
    gate = Gate(metric="f1", max=bound) if upper else Gate(metric="f1", min=bound)
    for metrics in ({"f1": math.nan}, {}):
        decision = judged([gate], metrics, rows=10)
        assert not decision.promote
        assert decision.verdicts[0].value is None


@given(low=NUMBERS, high=NUMBERS, value=NUMBERS)
def test_a_gate_holds_exactly_between_its_bounds(low: float, high: float, value: float) -> None:
    low, high = sorted((low, high))
    decision = judged([Gate(metric="f1", min=low, max=high)], {"f1": value}, rows=1)
    assert decision.promote == (low <= value <= high)


@pytest.mark.fault("a holdout of one class, or empty", outcome="refused")
@pytest.mark.parametrize(
    ("rows", "refusals", "reason"), [(0, [], "is empty"), (5, ["one class"], "one class")]
)
def test_a_holdout_that_cannot_tell_refuses(rows: int, refusals: list[str], reason: str) -> None:
    decision = judged(
        [Gate(metric="accuracy", min=0)], {"accuracy": 1.0}, rows=rows, refusals=tuple(refusals)
    )
    assert not decision.promote
    assert reason in decision.reasons[0]


def test_no_gates_promote_and_say_so() -> None:
    assert judged([], {}, rows=1).reasons == ("no gate is declared",)


def test_a_gate_against_a_baseline_does_not_apply_where_there_is_none() -> None:
    gates = [Gate(metric="stability", min=0.5), Gate(metric="silhouette", min=0.3)]
    found = judged(gates, {"silhouette": 0.4}, rows=10, uncompared=("stability",))
    assert found.promote
    assert found.reasons[-1] == "gate stability >= 0.5 does not apply: there is no baseline"
    assert [verdict.gate for verdict in found.verdicts] == ["silhouette >= 0.3"]
    assert not judged(gates, {"silhouette": 0.4, "stability": math.nan}, rows=10).promote


@pytest.mark.fault("a champion that cannot be read", outcome="every gate that compares fails")
@pytest.mark.parametrize("metric", ["areaUnderROC", "stability"])
def test_a_champion_that_cannot_be_read_fails_every_gate_that_compares(metric: str) -> None:
    lost = UnreadableBaseline("2013-02-27", "k", "the champion k of 2013-02-27 cannot be read: it is gone")
    gate = Gate(metric=metric, min=0.5) if metric == "stability" else Gate(metric=metric, vs_champion=-1)
    plain = Gate(metric="accuracy", min=0.5)
    values = {"areaUnderROC": 0.9, "accuracy": 0.9}
    found = judged([gate, plain], values, uncompared=("stability",), baseline=lost)
    assert not found.promote
    assert found.reasons == (f"gate {gate.described} failed: {lost.why}",)
    assert [verdict.passed for verdict in found.verdicts] == [False, True]
    # One that compares nothing asks for no champion.
    assert judged([plain], values, baseline=lost).promote


def baseline(ours: float, theirs: float, metric: str = "areaUnderROC", **known: Any) -> Baseline:
    """A champion that reaches `theirs` where the model reaches `ours`."""
    task = next(task for task in METRICS if metric in METRICS[task])
    gain = Gain(ours - theirs, known.pop("interval", None)).in_direction(METRICS[task][metric])
    return Baseline("2024-03-05", "k" * 64, {metric: theirs}, {metric: gain}, **{"rows": 10, **known})


@pytest.mark.parametrize(
    ("metric", "ours", "theirs", "least", "passed"),
    [
        ("areaUnderROC", 0.7, 0.7, 0.0, True),
        ("areaUnderROC", 0.6875, 0.75, -0.0625, True),
        ("areaUnderROC", 0.6875, 0.75, -0.0624, False),
        ("areaUnderROC", 0.75, 0.6875, 0.125, False),
        # The smaller, the better.
        ("rmse", 2.0, 2.5, 0.5, True),
        ("rmse", 2.5, 2.0, -0.25, False),
        ("rmse", 2.25, 2.0, -0.25, True),
    ],
)
def test_a_gate_against_the_champion_is_a_gain_in_the_metric_s_own_direction(
    metric: str, ours: float, theirs: float, least: float, passed: bool
) -> None:
    gate = Gate(metric=metric, vs_champion=least)
    decision = judged([gate], {metric: ours}, baseline=baseline(ours, theirs, metric))
    assert decision.promote == passed
    word = "passed" if passed else "failed"
    told = f"gate {metric} vs champion >= {least:+g} {word}: {ours:g} against {theirs:g} of 2024-03-05"
    assert decision.reasons == (told,)


@given(ours=NUMBERS, theirs=NUMBERS)
def test_a_model_is_no_worse_than_itself_and_of_two_one_is_no_worse(ours: float, theirs: float) -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=0)

    def passes(own: float, other: float) -> bool:
        return judged([gate], {"areaUnderROC": own}, baseline=baseline(own, other)).promote

    assert passes(ours, ours)
    assert passes(ours, theirs) or passes(theirs, ours)


def test_nan_of_either_passes_no_gate_against_the_champion() -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=-1)
    for ours, theirs in ((math.nan, 0.5), (0.5, math.nan), (math.nan, math.nan)):
        decision = judged([gate], {"areaUnderROC": ours}, baseline=baseline(ours, theirs))
        assert not decision.promote
        assert decision.verdicts[0].value is None


def test_without_a_champion_the_gate_does_not_apply_and_one_that_does_not_run_fails_it() -> None:
    gates = [Gate(metric="areaUnderROC", min=0.5), Gate(metric="areaUnderROC", vs_champion=0)]
    first = judged(gates, {"areaUnderROC": 0.7}, rows=1)
    assert first.promote
    assert first.reasons[-1] == "gate areaUnderROC vs champion >= +0 does not apply: there is no baseline"
    assert first.inapplicable == {"areaUnderROC vs champion >= +0": "there is no baseline"}
    broken = Baseline(
        "2024-03-05", "k" * 64, incomparable="the champion of 2024-03-05 does not run on these rows"
    )
    refused = judged(gates, {"areaUnderROC": 0.7}, rows=1, baseline=broken)
    assert not refused.promote
    assert "failed: the champion of 2024-03-05 does not run on these rows" in refused.reasons[0]


@pytest.mark.parametrize(
    ("metric", "ours", "theirs", "low", "high", "passed"),
    [
        ("areaUnderROC", 0.7, 0.72, -0.03, 0.01, True),
        ("areaUnderROC", 0.7, 0.72, -0.03, 0.0, True),
        ("areaUnderROC", 0.7, 0.72, -0.03, -0.01, False),
        # The smaller, the better: the interval is that of ours less theirs.
        ("rmse", 2.5, 2.0, -0.1, 1.1, True),
        ("rmse", 2.5, 2.0, 0.1, 0.9, False),
    ],
)
def test_not_significantly_worse_asks_that_the_interval_reaches_no_loss(
    metric: str, ours: float, theirs: float, low: float, high: float, passed: bool
) -> None:
    gate = Gate(metric=metric, vs_champion=NOT_WORSE)
    champion = baseline(ours, theirs, metric, interval=Interval(low, high))
    decision = judged([gate], {metric: ours}, baseline=champion)
    assert decision.promote == passed
    assert f"{metric} vs champion not significantly worse" in decision.reasons[0]
    assert "a gain from" in decision.reasons[0]


def test_without_an_interval_nothing_is_not_significantly_worse() -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=NOT_WORSE)
    decision = judged([gate], {"areaUnderROC": 0.8}, baseline=baseline(0.8, 0.7))
    assert not decision.promote
    assert "without an interval" in decision.reasons[0]


def of_slice(value: str | None, rows: int, auc: float, *, others: bool = False) -> Slice:
    return Slice("origin", value, rows, {"areaUnderROC": auc}, others=others)


@pytest.mark.parametrize(
    ("value", "min_rows", "promoted", "told"),
    [
        ("JFK", None, True, "areaUnderROC >= 0.6 where origin = JFK passed: 0.7 on 40 rows"),
        ("LGA", None, False, "areaUnderROC >= 0.6 where origin = LGA failed: 0.5 on 30 rows"),
        ("LGA", 31, True, "does not apply: 30 rows are fewer than its min_rows 31"),
        ("LGA", 30, False, "failed: 0.5 on 30 rows"),
        # A value that no row has is most likely a misprint: it must not let a model through in silence.
        ("EWR", None, False, "failed: not defined on this holdout on 0 rows"),
        ("EWR", 1, True, "does not apply: 0 rows are fewer"),
        (None, None, True, "where origin is null passed: 0.9 on 5 rows"),
    ],
)
def test_a_gate_on_a_slice_is_held_against_its_rows(
    value: str | None, min_rows: int | None, promoted: bool, told: str
) -> None:
    slices = (
        of_slice("JFK", 40, 0.7),
        of_slice("LGA", 30, 0.5),
        of_slice(None, 99, 0.1, others=True),
        of_slice(None, 5, 0.9),
    )
    gate = Gate(metric="areaUnderROC", slice={"origin": value}, min=0.6, min_rows=min_rows)
    decision = judged([gate], {"areaUnderROC": 0.8}, slices=slices)
    assert decision.promote == promoted
    assert told in decision.reasons[0]


@given(rows=st.integers(0, 50), least=st.integers(1, 50))
def test_a_holdout_of_too_few_rows_refuses(rows: int, least: int) -> None:
    decision = judged([Gate(metric="f1", min=0)], {"f1": 1.0}, rows=rows, least_rows=least)
    assert decision.promote == (rows >= least)


def test_a_comparison_on_fewer_rows_says_so() -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=0)
    decision = judged([gate], {"areaUnderROC": 0.8}, baseline=baseline(0.8, 0.7, rows=9))
    assert decision.reasons[0].endswith("on 9 of 10 rows")
