"""A model is let through only when every gate holds on a holdout that can tell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.registry.gates import Baseline, decide
from spark_jobs.spec import Gate

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_gate_that_holds_promotes_and_says_why() -> None:
    decision = decide([Gate(metric="areaUnderROC", min=0.6)], {"areaUnderROC": 0.7}, rows=10)
    assert decision.promote
    assert decision.reasons == ("gate areaUnderROC >= 0.6 passed: 0.7",)
    assert [(verdict.gate, verdict.value, verdict.passed) for verdict in decision.verdicts] == [
        ("areaUnderROC >= 0.6", 0.7, True)
    ]


def test_one_gate_that_fails_refuses_and_only_it_is_a_reason() -> None:
    gates = [Gate(metric="areaUnderROC", min=0.6), Gate(metric="logLoss", max=0.3)]
    decision = decide(gates, {"areaUnderROC": 0.7, "logLoss": 0.4}, rows=10)
    assert not decision.promote
    assert decision.reasons == ("gate logLoss <= 0.3 failed: 0.4",)
    assert [verdict.passed for verdict in decision.verdicts] == [True, False]


@given(bound=NUMBERS, upper=st.booleans())
def test_nan_passes_no_gate(bound: float, upper: bool) -> None:
    gate = Gate(metric="f1", max=bound) if upper else Gate(metric="f1", min=bound)
    for metrics in ({"f1": math.nan}, {}):
        decision = decide([gate], metrics, rows=10)
        assert not decision.promote
        assert decision.verdicts[0].value is None


@given(low=NUMBERS, high=NUMBERS, value=NUMBERS)
def test_a_gate_holds_exactly_between_its_bounds(low: float, high: float, value: float) -> None:
    low, high = sorted((low, high))
    decision = decide([Gate(metric="f1", min=low, max=high)], {"f1": value}, rows=1)
    assert decision.promote == (low <= value <= high)


@pytest.mark.parametrize(
    ("rows", "refusals", "reason"), [(0, [], "is empty"), (5, ["one class"], "one class")]
)
def test_a_holdout_that_cannot_tell_refuses(rows: int, refusals: list[str], reason: str) -> None:
    decision = decide([Gate(metric="accuracy", min=0)], {"accuracy": 1.0}, rows=rows, refusals=refusals)
    assert not decision.promote
    assert reason in decision.reasons[0]


def test_no_gates_promote_and_say_so() -> None:
    assert decide([], {}, rows=1).reasons == ("no gate is declared",)


def test_a_gate_against_a_baseline_does_not_apply_where_there_is_none() -> None:
    gates = [Gate(metric="stability", min=0.5), Gate(metric="silhouette", min=0.3)]
    found = decide(gates, {"silhouette": 0.4}, rows=10, uncompared=("stability",))
    assert found.promote
    assert found.reasons[-1] == "gate stability >= 0.5 does not apply: there is no baseline"
    assert [verdict.gate for verdict in found.verdicts] == ["silhouette >= 0.3"]
    assert not decide(gates, {"silhouette": 0.4, "stability": math.nan}, rows=10).promote


def baseline(incomparable: str = "", **metrics: float) -> Baseline:
    directions = {"areaUnderROC": True, "rmse": False}
    return Baseline("2024-03-05", "k" * 64, metrics, directions, incomparable)


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
    decision = decide([gate], {metric: ours}, rows=10, baseline=baseline(**{metric: theirs}))
    assert decision.promote == passed
    word = "passed" if passed else "failed"
    told = f"gate {metric} vs champion >= {least:+g} {word}: {ours:g} against {theirs:g} of 2024-03-05"
    assert decision.reasons == (told,)


@given(ours=NUMBERS, theirs=NUMBERS)
def test_a_model_is_no_worse_than_itself_and_of_two_one_is_no_worse(ours: float, theirs: float) -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=0)

    def passes(own: float, other: float) -> bool:
        return decide([gate], {"areaUnderROC": own}, rows=1, baseline=baseline(areaUnderROC=other)).promote

    assert passes(ours, ours)
    assert passes(ours, theirs) or passes(theirs, ours)


def test_nan_of_either_passes_no_gate_against_the_champion() -> None:
    gate = Gate(metric="areaUnderROC", vs_champion=-1)
    for ours, theirs in ((math.nan, 0.5), (0.5, math.nan), (math.nan, math.nan)):
        decision = decide([gate], {"areaUnderROC": ours}, rows=1, baseline=baseline(areaUnderROC=theirs))
        assert not decision.promote
        assert decision.verdicts[0].value is None


def test_without_a_champion_the_gate_does_not_apply_and_one_that_does_not_run_fails_it() -> None:
    gates = [Gate(metric="areaUnderROC", min=0.5), Gate(metric="areaUnderROC", vs_champion=0)]
    first = decide(gates, {"areaUnderROC": 0.7}, rows=1)
    assert first.promote
    assert first.reasons[-1] == "gate areaUnderROC vs champion >= +0 does not apply: there is no baseline"
    broken = baseline("the champion of 2024-03-05 does not run on these rows (no column size)")
    refused = decide(gates, {"areaUnderROC": 0.7}, rows=1, baseline=broken)
    assert not refused.promote
    assert "failed: the champion of 2024-03-05 does not run on these rows" in refused.reasons[0]
