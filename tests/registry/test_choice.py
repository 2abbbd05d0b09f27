"""What becomes of a model, and when a person is asked about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from vintage.registry.choice import (
    Answer,
    PromotionCandidate,
    answer_of,
    choose,
    likely_to_serve,
    why_not_ask,
)
from vintage.registry.ledger import Action, Entry
from vintage.registry.tracking import Version

DAY = date(2013, 2, 28)
CASE = PromotionCandidate(
    key="m2", day=DAY, evaluation_key="e", mode="auto", passed=True, reasons=("the gates' reason",)
)
ASKED = replace(CASE, mode="approve")
YES, NO = Answer(approved=True, by="ada"), Answer(approved=False, by="ada")


def champion(day: str, version: int = 1) -> Version:
    return Version(version=version, run_id="r", key=f"m{version}", date=day)


def line(action: Action, version: int = 2, **fields: str) -> Entry:
    return Entry.model_validate(
        {
            "action": action,
            "pipeline": "demo",
            "date": str(DAY),
            "model_key": f"m{version}",
            "evaluation_key": "e",
            "version": version,
            "champion_before": None,
            "reasons": (),
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("before", "mode", "passed", "answer", "action"),
    [
        (None, "auto", True, None, "promoted"),
        (None, "auto", False, None, "refused"),
        (None, "never", True, None, "registered"),
        (None, "never", True, YES, "registered"),
        (None, "approve", True, None, "registered"),
        (None, "approve", True, YES, "promoted"),
        (None, "approve", True, NO, "rejected"),
        (None, "approve", False, YES, "refused"),
        (None, "approve", False, NO, "refused"),
        (champion("2013-02-27"), "auto", True, None, "promoted"),
        (champion("2013-02-27"), "auto", False, None, "refused"),
        (champion("2013-02-27"), "approve", True, YES, "promoted"),
        (champion("2013-02-28"), "auto", True, None, "registered"),
        (champion("2013-03-01"), "auto", True, None, "registered"),
        (champion("2013-03-01"), "approve", True, YES, "registered"),
        (champion("2013-03-01"), "approve", True, NO, "rejected"),
        (champion("2013-02-28", version=2), "auto", True, None, "promoted"),
        (champion("2013-02-28", version=2), "auto", False, None, "refused"),
        (champion("2013-02-28", version=2), "approve", True, None, "promoted"),
        (champion("2013-02-28", version=2), "approve", True, NO, "rejected"),
    ],
)
def test_what_becomes_of_a_version(
    before: Version | None, mode: str, passed: bool, answer: Answer | None, action: str
) -> None:
    case = replace(CASE, mode=mode, passed=passed, answer=answer)
    chosen, reasons = choose(case, before)
    assert chosen == action
    assert reasons[0] == "the gates' reason"
    serves = before is not None and before.key == "m2"
    told = chosen == "registered" or (serves and chosen != "promoted")
    assert len(reasons) == 1 + told


def test_what_a_person_went_back_from_serves_no_more_by_itself() -> None:
    past = (line("promoted", approved_by="ada"), line("rolled_back", version=1, why="odd", by="bo"))
    action, reasons = choose(replace(ASKED, answer=YES), champion("2013-02-27"), past)
    assert action == "registered"
    assert reasons[-1] == "it served until version 1 took its place (rolled_back, odd)"
    assert why_not_ask(ASKED, champion("2013-02-27"), past) == "ada approved it before"


@pytest.mark.parametrize(
    ("past", "answer"),
    [
        ((), None),
        ((line("registered"),), None),
        ((line("registered"), line("promoted", approved_by="ada")), YES),
        ((line("rejected", by="ada"),), NO),
        ((line("rejected", by="bo"), line("promoted", approved_by="ada")), YES),
        ((line("promoted", approved_by="bo"), line("rejected", by="ada"), line("registered")), NO),
        ((line("forced", by="ada", why="w"),), None),
        ((line("rejected", by="ada", evaluation_key="another"),), None),
    ],
)
def test_the_last_word_of_a_person_on_this_evaluation_counts(
    past: tuple[Entry, ...], answer: Answer | None
) -> None:
    assert answer_of(past, ASKED) == answer
    assert answer_of(past, replace(ASKED, answer=NO)) == NO
    # Where nobody is asked, what somebody said when it was asked counts no more.
    assert answer_of(past, CASE) is None


@pytest.mark.parametrize(
    ("case", "before", "past", "why"),
    [
        (ASKED, None, (), ""),
        (ASKED, champion("2013-02-27"), (line("registered"),), ""),
        (ASKED, champion("2013-02-27"), (), ""),
        (CASE, None, (), "the spec says promote: auto"),
        (replace(ASKED, passed=False), None, (), "its gates refuse it"),
        (ASKED, champion("2013-02-28", version=2), (), "it already serves"),
        (ASKED, None, (line("rejected", by="ada"),), "ada rejected it before"),
        (
            ASKED,
            champion("2013-03-01"),
            (),
            "champion stays version 1 of 2013-03-01: 2013-02-28 is not later",
        ),
    ],
)
def test_a_person_is_asked_where_the_word_decides(
    case: PromotionCandidate, before: Version | None, past: tuple[Entry, ...], why: str
) -> None:
    assert why_not_ask(case, before, past) == why


def test_who_will_serve_is_told_before_the_registry_is_asked() -> None:
    new = CASE
    assert likely_to_serve(new, ())
    assert likely_to_serve(new, [line("promoted", version=1, date="2013-02-27")])
    assert likely_to_serve(ASKED, [line("registered", approved_by="ada")])
    # The date run again, an older date, and what a gate or the spec holds back.
    assert not likely_to_serve(new, [line("promoted")])
    assert not likely_to_serve(new, [line("promoted", version=1, date="2013-03-01")])
    assert not likely_to_serve(replace(new, passed=False), ())
    assert not likely_to_serve(replace(new, mode="never"), ())
    assert not likely_to_serve(ASKED, ())
