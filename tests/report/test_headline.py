"""The headline tells what was decided first, in its colour, then what serves, whichever the two are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report.families import DAY, EVALUATIONS, publish_run
from vintage.registry.ledger import Entry
from vintage.report.headline import headline_of, with_decision
from vintage.report.summary import Summary, summary_of
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    store = Store(tmp_path, "things")
    return summary_of(store, publish_run(store, "regression", EVALUATIONS["regression"]))


def entry(summary: Summary, action: str, version: int = 7) -> Entry:
    """A ledger's line about the summary's evaluation."""
    return Entry.model_validate(
        {
            "action": action,
            "pipeline": "things",
            "date": str(DAY),
            "model_key": summary.keys["model"],
            "evaluation_key": summary.keys["evaluation"],
            "version": version,
            "champion_before": None,
            "reasons": ("the first reason", "another"),
            "by": "ada" if action == "rejected" else None,
        }
    )


@pytest.mark.parametrize(
    ("action", "decision", "tone"),
    [
        ("promoted", "Promoted: version 7", "good"),
        ("forced", "Promoted by force: version 7", "open"),
        ("rolled_back", "Champion by rollback: version 7", "open"),
        ("registered", "Registered, not promoted: version 7", "open"),
        ("refused", "Refused: version 7", "bad"),
        ("rejected", "Rejected by ada: version 7", "bad"),
    ],
)
def test_what_was_decided_comes_first(summary: Summary, action: str, decision: str, tone: str) -> None:
    found = headline_of(with_decision(summary, [entry(summary, action)]))
    assert (found.decision, found.tone) == (decision, tone)
    assert found.reasons == ("the first reason", "another")
    moved = action in {"promoted", "forced", "rolled_back"}
    assert found.serving == (
        f"This model serves now: version 7 of {DAY}." if moved else "No model serves yet."
    )


def test_a_model_that_serves_and_is_refused_by_new_gates_is_refused(summary: Summary) -> None:
    before = entry(summary, "promoted").model_copy(update={"evaluation_key": "e" * 64})
    found = headline_of(with_decision(summary, [before, entry(summary, "refused")]))
    assert (found.decision, found.tone) == ("Refused: version 7", "bad")
    assert found.serving == f"This model serves now: version 7 of {DAY}."
    # Nothing was decided on this evaluation yet: its gates speak.
    found = headline_of(with_decision(summary, [before]))
    assert (found.decision, found.tone) == ("Refused by its gates", "bad")


def test_another_model_may_serve_by_now(summary: Summary) -> None:
    later = entry(summary, "promoted", version=8).model_copy(
        update={"model_key": "b" * 64, "evaluation_key": "c" * 64, "date": "2024-03-07"}
    )
    found = headline_of(with_decision(summary, [entry(summary, "promoted"), later]))
    assert (found.decision, found.tone) == ("Promoted: version 7", "good")
    assert found.serving == "Another model serves now: version 8 of 2024-03-07."
