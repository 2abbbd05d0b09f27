"""What becomes of an evaluated model, and whether a person need be asked: pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vintage.registry.timeline import latest_move, replaced_by
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from vintage.registry.ledger import Action, Entry
    from vintage.registry.tracking import Version
    from vintage.store import Artifact


@dataclass(frozen=True)
class Answer:
    """What a person said of an evaluation.

    Attributes:
        approved: whether the model may serve.
        by: who said so.
    """

    approved: bool
    by: str


@dataclass(frozen=True)
class PromotionCandidate:
    """What a decision is made on.

    Attributes:
        key: the model's.
        day: its partition date.
        evaluation_key: what was measured of it.
        mode: the spec's `promote`.
        passed: whether all gates passed.
        reasons: what the gates said.
        answer: what a person says now, if one was asked.
    """

    key: str
    day: date
    evaluation_key: str
    mode: str
    passed: bool
    reasons: tuple[str, ...]
    answer: Answer | None = None

    @classmethod
    def of(
        cls, evaluation: Artifact, *, key: str, mode: str, answer: Answer | None = None
    ) -> PromotionCandidate:
        """Return the case of an evaluation, with what its gates said."""
        gates = EvaluationDetails.of(evaluation).decision
        return cls(
            key=key,
            day=evaluation.date,
            evaluation_key=evaluation.key,
            mode=mode,
            passed=gates.promote,
            reasons=gates.reasons,
            answer=answer,
        )


def choose(
    case: PromotionCandidate, champion: Version | None, past: Sequence[Entry] = ()
) -> tuple[Action, tuple[str, ...]]:
    """Return what becomes of a model.

    Args:
        case: the model.
        champion: the champion by the ledger.
        past: the ledger's lines, oldest first.

    Returns:
        The action and every reason for it.
    """
    serves = champion is not None and champion.key == case.key
    goes_on = ("it already serves; `vintage rollback` takes it out of service",) if serves else ()
    if not case.passed:
        return "refused", (*case.reasons, *goes_on)
    if case.answer is not None and not case.answer.approved:
        return "rejected", (*case.reasons, *goes_on)
    if serves:
        return "promoted", case.reasons
    against = _against(case, champion, past)
    return ("registered", (*case.reasons, against)) if against else ("promoted", case.reasons)


def answer_of(past: Sequence[Entry], case: PromotionCandidate) -> Answer | None:
    """Return a person's answer to an evaluation, now or the last one; None without an answer."""
    if case.answer is not None or case.mode != "approve":
        return case.answer
    about = [entry for entry in past if entry.evaluation_key == case.evaluation_key]
    for entry in reversed(about):
        if entry.action == "rejected" and entry.by is not None:
            return Answer(approved=False, by=entry.by)
        if entry.approved_by is not None:
            return Answer(approved=True, by=entry.approved_by)
    return None


def why_not_ask(case: PromotionCandidate, champion: Version | None, past: Sequence[Entry]) -> str:
    """Return why a model needs no approval; empty when a person decides whether it serves."""
    if case.mode != "approve":
        return f"the spec says promote: {case.mode}"
    if not case.passed:
        return "its gates refuse it"
    if champion is not None and champion.key == case.key:
        return "it already serves"
    answer = answer_of(past, case)
    if answer is not None:
        return f"{answer.by} {'approved' if answer.approved else 'rejected'} it before"
    action, reasons = choose(replace(case, answer=Answer(approved=True, by="a person")), champion, past)
    return "" if action == "promoted" else reasons[-1]


def likely_to_serve(case: PromotionCandidate, past: Sequence[Entry]) -> bool:
    """Return whether a model will be made champion, as far as one can tell before MLflow is asked.

    Args:
        case: the model, registered or not.
        past: the ledger's lines, oldest first.
    """
    serving = latest_move(past)
    later = serving is None or serving.date < case.day.isoformat()
    action, _ = choose(replace(case, answer=answer_of(past, case)), None)
    return later and action == "promoted"


def _against(case: PromotionCandidate, champion: Version | None, past: Sequence[Entry]) -> str:
    """Return what keeps a model that passed its gates from becoming champion; empty where nothing does."""
    if case.mode == "never":
        return "the pipeline declares promote: never"
    if champion is not None and champion.date >= case.day.isoformat():
        return f"champion stays version {champion.version} of {champion.date}: {case.day} is not later"
    replaced = replaced_by(past, case.key)
    if replaced is not None:
        # A retry, or the date run again, must not undo what a person decided since.
        why = f", {replaced.why}" if replaced.why else ""
        return f"it served until version {replaced.version} took its place ({replaced.action}{why})"
    if case.mode == "approve" and case.answer is None:
        return "it is not approved: answer the task approve of its DAG, or run `vintage promote`"
    return ""
