"""A model is let through only when every gate holds on a holdout that can tell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.registry.gates import decide
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
