"""Whether a model that is evaluated, or only planned, could become champion; from the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vintage.registry.choice import Answer, PromotionCandidate, answer_of, choose
from vintage.registry.timeline import latest_move
from vintage.registry.tracking.records import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.registry.ledger import Entry
    from vintage.store import Artifact

_SOMEBODY: Final = Answer(approved=True, by="a person")


def champion_of(past: Sequence[Entry]) -> Version | None:
    """Who serves, by the last move of the ledger; None when there was none."""
    last = latest_move(past)
    return None if last is None else Version(last.version, "", last.model_key, last.date)


def case_of(model: Artifact, evaluation: Artifact, *, mode: str, measured: bool) -> PromotionCandidate:
    """Return what would be decided on.

    Args:
        model: fitted or planned.
        evaluation: its own, made or planned.
        mode: the spec's `promote`.
        measured: whether the evaluation is made; if not, its gates are taken to pass.
    """
    if measured:
        return PromotionCandidate.of(evaluation, key=model.key, mode=mode)
    return PromotionCandidate(model.key, evaluation.date, evaluation.key, mode, passed=True, reasons=())


def promotion_eligibility(
    case: PromotionCandidate, past: Sequence[Entry], *, measured: bool
) -> tuple[bool, str]:
    """Return whether the champion could move to the model, and on what it hangs or what stands against it."""
    champion = champion_of(past)
    if champion is not None and champion.key == case.key:
        return False, "it already serves"
    answer = answer_of(past, case)
    asks = answer is None and case.mode == "approve"
    action, reasons = choose(replace(case, answer=_SOMEBODY if asks else answer), champion, past)
    if action == "refused":
        return False, "its gates refuse it"
    if action == "rejected" and answer is not None:
        return False, f"{answer.by} rejected it"
    if action != "promoted":
        return False, reasons[-1] if reasons else f"it is {action}"
    conditions = [
        *([] if measured else ["its gates pass"]),
        *(["a person lets it pass"] if asks else []),
        "it loads",
    ]
    return True, f"if {', '.join(conditions[:-1])}{' and ' if conditions[1:] else ''}{conditions[-1]}"
