"""Whether a model could become champion, said before it is made, as the decision then falls."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import publish_evaluation
from vintage.registry.choice import PromotionCandidate
from vintage.registry.ledger import Action, Entry
from vintage.registry.prospects import case_of, champion_of, promotion_eligibility
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2013, 2, 28)


def line(action: Action, day: int, version: int, **fields: str) -> Entry:
    return Entry.model_validate(
        {
            "action": action,
            "pipeline": "demo",
            "date": f"2013-02-{day}",
            "model_key": f"m{version}",
            "evaluation_key": f"e{version}",
            "version": version,
            "champion_before": None,
            "reasons": (),
            **fields,
        }
    )


def case(mode: str = "auto", *, passed: bool = True, version: int | None = None) -> PromotionCandidate:
    return PromotionCandidate(
        "m" if version is None else f"m{version}", DAY, "e9", mode, passed=passed, reasons=("a gate",)
    )


@pytest.mark.parametrize(
    ("past", "what", "measured", "told"),
    [
        ([], case(), False, (True, "if its gates pass and it loads")),
        ([], case(), True, (True, "if it loads")),
        ([], case("approve"), False, (True, "if its gates pass, a person lets it pass and it loads")),
        ([], case("never"), False, (False, "the pipeline declares promote: never")),
        ([], case(passed=False), True, (False, "its gates refuse it")),
        ([line("promoted", 27, 1)], case(), False, (True, "if its gates pass and it loads")),
        (
            [line("promoted", 27, 1), line("refused", 28, 2)],
            case(),
            False,
            (True, "if its gates pass and it loads"),
        ),
        (
            [line("promoted", 28, 1)],
            case(),
            False,
            (False, "champion stays version 1 of 2013-02-28: 2013-02-28 is not later"),
        ),
        ([line("promoted", 28, 1)], case(version=1), True, (False, "it already serves")),
        (
            [line("promoted", 27, 1), line("promoted", 28, 2), line("rolled_back", 27, 1, why="slow")],
            case(version=2),
            True,
            (False, "it served until version 1 took its place (rolled_back, slow)"),
        ),
        (
            [line("rejected", 28, 9, evaluation_key="e9", by="ada")],
            case("approve", version=9),
            True,
            (False, "ada rejected it"),
        ),
    ],
)
def test_what_it_hangs_on(
    past: list[Entry], what: PromotionCandidate, measured: bool, told: tuple[bool, str]
) -> None:
    assert promotion_eligibility(what, past, measured=measured) == told


def test_who_serves_is_the_last_that_was_moved_to() -> None:
    assert champion_of([]) is None
    assert champion_of([line("refused", 26, 1)]) is None
    moved = champion_of([line("promoted", 26, 1), line("forced", 25, 2), line("registered", 27, 3)])
    assert moved is not None
    assert (moved.version, moved.key, moved.date) == (2, "m2", "2013-02-25")


def test_a_case_is_what_was_measured_or_what_is_hoped_for(tmp_path: Path) -> None:
    store = Store(tmp_path, "demo")
    decision = {"promote": False, "reasons": ["gate failed"]}
    evaluation = publish_evaluation(store, DAY, "m2", decision=decision)
    # Of a model only the key is asked for; an evaluation has one as well.
    known = case_of(evaluation, evaluation, mode="auto", measured=True)
    assert (known.key, known.passed, known.reasons) == (evaluation.key, False, ("gate failed",))
    hoped = case_of(evaluation, evaluation, mode="auto", measured=False)
    assert (hoped.key, hoped.passed) == (evaluation.key, True)
