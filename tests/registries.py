"""A registry without MLflow: versions, the alias, and how far the ledger went."""

from __future__ import annotations

from dataclasses import dataclass, field

from vintage.errors import TrackingError
from vintage.registry.tracking import Registered, Version


@dataclass
class FakeRegistry:
    """What `Tracking` tells and changes, in memory.

    Attributes:
        known: every version.
        serves: who has the alias.
        ledger: how far the ledger went.
        moves: each version that the alias was moved to.
        away: whether nobody answers when the alias is to be moved.
    """

    known: list[Version] = field(default_factory=list)
    serves: Version | None = None
    ledger: str | None = None
    moves: list[int] = field(default_factory=list)
    away: bool = False

    def registered(self, pipeline: str) -> Registered:
        return Registered(tuple(self.known), self.serves, self.ledger)

    def set_champion(self, pipeline: str, version: int) -> None:
        if self.away:
            raise TrackingError("MLflow cannot be reached")
        self.serves = next(each for each in self.known if each.version == version)
        self.moves.append(version)

    def remember_ledger(self, pipeline: str, head: str) -> None:
        self.ledger = head
