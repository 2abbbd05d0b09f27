"""The headline of an evaluated model, for all that show one: what was decided, why, and the champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vintage.registry.timeline import latest_move
from vintage.report.summary import Champion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vintage.registry.ledger import Entry
    from vintage.report.summary import Summary

Tone = Literal["good", "open", "bad"]

_DECIDED: Final[Mapping[str, tuple[str, Tone]]] = {
    "promoted": ("Promoted", "good"),
    "forced": ("Promoted by force", "open"),
    "rolled_back": ("Champion by rollback", "open"),
    "registered": ("Registered, not promoted", "open"),
    "refused": ("Refused", "bad"),
    "rejected": ("Rejected", "bad"),
}
"""Action of the ledger → how it is called, and how it is coloured."""


@dataclass(frozen=True)
class Headline:
    """What a person reads first.

    Attributes:
        decision: what became of the model, with its version.
        reasons: why, the first one first.
        serving: which version serves now.
        tone: `good` when it was promoted, `bad` when it was refused or rejected, else `open`.
    """

    decision: str
    reasons: tuple[str, ...]
    serving: str
    tone: Tone


def headline_of(summary: Summary) -> Headline:
    """Make the headline of a summary whose `decided` and `champion` are filled in."""
    gates, entry = summary.decision, summary.decided
    if entry is None:
        decision = "Gates passed, not promoted yet" if gates.promote else "Refused by its gates"
        reasons = gates.reasons
        tone: Tone = "open" if gates.promote else "bad"
    else:
        called, tone = _DECIDED[entry.action]
        by = f" by {entry.by}" if entry.action == "rejected" and entry.by else ""
        decision, reasons = f"{called}{by}: version {entry.version}", entry.reasons
    return Headline(decision, tuple(reasons), _serving(summary.champion, summary.keys["model"]), tone)


def with_decision(summary: Summary, entries: Sequence[Entry]) -> Summary:
    """Return a summary with what the ledger says of it: what was decided, and which version serves.

    Args:
        summary: of an evaluation.
        entries: the ledger's lines, oldest first.
    """
    about = [entry for entry in entries if entry.evaluation_key == summary.keys["evaluation"]]
    decided = about[-1] if about else None
    last = latest_move(entries)
    champion = last and Champion(version=last.version, date=last.date, key=last.model_key)
    return summary.model_copy(
        update={"decided": decided, "action": decided and decided.action, "champion": champion}
    )


def _serving(champion: Champion | None, key: str) -> str:
    if champion is None:
        return "No model serves yet."
    this = "This model" if champion.key == key else "Another model"
    return f"{this} serves now: version {champion.version} of {champion.date}."
