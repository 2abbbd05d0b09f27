"""Who serves: by the ledger, which MLflow's registry must not contradict. Models are known by their keys."""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from vintage.errors import StoreError
from vintage.registry import ledger as ledgers
from vintage.registry.chained import Head
from vintage.registry.timeline import latest_move

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.registry.ledger import Entry, Ledger
    from vintage.registry.tracking import Registered, Version
    from vintage.store import Store

log = logging.getLogger(__name__)

_SHORT = 12


class Registry(Protocol):
    """What is registered, and how it is changed; `Tracking` is one."""

    def registered(self, pipeline: str) -> Registered:
        """Return every version, who has the alias, and how far the ledger went."""

    def set_champion(self, pipeline: str, version: int) -> None:
        """Move the alias."""

    def remember_ledger(self, pipeline: str, head: str) -> None:
        """Keep how far the ledger went."""


@dataclass(frozen=True)
class Standing:
    """A ledger and a registry that agree.

    Attributes:
        ledger: all decisions.
        registered: all versions.
        champion: who serves, by the ledger, with the number that the registry has for it.
        unfinished: whether a crash came between the champion's line and the move of the alias.
    """

    ledger: Ledger
    registered: Registered
    champion: Version | None
    unfinished: bool


def standing(store: Store, registry: Registry, *, by_hand: bool = False) -> Standing:
    """Who serves.

    Args:
        store: the pipeline's, with its ledger.
        registry: where its versions are.
        by_hand: whether a person chooses the new champion: then a champion that is nowhere stands in no way.

    Raises:
        StoreError: ledger and registry contradict each other, or the ledger is damaged.
        TrackingError: MLflow cannot be reached.
    """
    try:
        return _standing(store, registry, by_hand=by_hand)
    except StoreError as error:
        # The registry was asked before another decision, and the ledger read after it: ask between two.
        with contextlib.ExitStack() as lock:
            try:
                lock.enter_context(ledgers.one_decision_at_a_time(store.ledger_path))
            except StoreError:
                # Of a store that may only be read, no other process decides.
                raise error from None
            return _standing(store, registry, by_hand=by_hand)


def standing_to_decide(store: Store, registry: Registry, *, by_hand: bool = False) -> Standing:
    """Return the same, for who holds the lock; a move that a crash left half-way is finished first."""
    found = _standing(store, registry, by_hand=by_hand)
    if not found.unfinished or found.champion is None:
        return found
    log.warning(
        "the move to version %d of %s is finished, which was interrupted",
        found.champion.version,
        store.pipeline,
    )
    registry.set_champion(store.pipeline, found.champion.version)
    return _standing(store, registry, by_hand=by_hand)


def remember(store: Store, registry: Registry, known: str | None) -> None:
    """Record in the registry how far the ledger went, so that lost last lines are noticed.

    Args:
        store: the pipeline's.
        registry: where its versions are.
        known: what the registry recorded before.
    """
    head = ledgers.read_ledger(store.ledger_path).head
    text = None if head is None else told_head(head)
    if text is not None and text != known:
        registry.remember_ledger(store.pipeline, text)


def contradictions(
    store: Store, ledger: Ledger, registered: Registered, *, by_hand: bool = False
) -> tuple[str, ...]:
    """Return where ledger and registry contradict each other, what each says; empty where they agree."""
    passed_over = by_hand and is_nowhere(store, ledger, registered)
    return (
        *_of_head(ledger, registered),
        *_of_versions(store, ledger, registered),
        *(() if passed_over else _of_champion(ledger, registered)),
    )


def is_nowhere(store: Store, ledger: Ledger, registered: Registered) -> bool:
    """Return whether who serves by the ledger is neither in the registry nor in the store."""
    last = latest_move(ledger.entries)
    return last is not None and registered.with_key(last.model_key) is None and not _in_store(store, last)


def missing(store: Store, ledger: Ledger, registered: Registered) -> tuple[Entry, ...]:
    """Return the first line of each model that ledger and store have and the registry lacks."""
    known = {version.key for version in registered.versions}
    first = {entry.model_key: entry for entry in reversed(ledger.entries)}
    return tuple(
        entry for key, entry in reversed(first.items()) if key not in known and _in_store(store, entry)
    )


def misdated(ledger: Ledger, registered: Registered) -> tuple[tuple[Version, Entry], ...]:
    """Return the versions whose tag names another partition date than the ledger does for their model."""
    dates = {entry.model_key: entry for entry in ledger.entries}
    pairs = ((version, dates.get(version.key)) for version in registered.versions)
    return tuple((version, entry) for version, entry in pairs if entry and entry.date != version.date)


def is_dated(version: Version) -> bool:
    """Return whether a version has a key and a date, as those that Vintage registers have."""
    try:
        date.fromisoformat(version.date)
    except ValueError:
        return False
    return bool(version.key)


def told_model(key: str, day: str) -> str:
    """Return a model for a person to read."""
    return f"model {key[:_SHORT]} of {day}" if key else "a model without Vintage's tags"


def told_version(version: Version) -> str:
    """Return a version for a person to read."""
    return f"version {version.version}, {told_model(version.key, version.date)}"


def told_head(head: Head) -> str:
    """Return how far a ledger went, as the registry keeps it."""
    return f"{head.lines} {head.digest}"


def _standing(store: Store, registry: Registry, *, by_hand: bool) -> Standing:
    registered = registry.registered(store.pipeline)
    ledger = ledgers.read_ledger(store.ledger_path)
    problems = contradictions(store, ledger, registered, by_hand=by_hand)
    if problems:
        raise StoreError(
            f"the ledger of {store.pipeline} and MLflow's registry contradict each other",
            expected="both to name the same models by their keys, and the same champion",
            found="; ".join(problems),
            fix=f"Nothing was decided. `vintage registry repair {store.pipeline}` lists what to change in "
            "the registry, and --apply does it.",
        )
    last = latest_move(ledger.entries)
    serves = registered.with_key(last.model_key) if last else None
    aliased = registered.champion.key if registered.champion else None
    return Standing(ledger, registered, serves, unfinished=last is not None and aliased != last.model_key)


def _of_head(ledger: Ledger, registered: Registered) -> Iterator[str]:
    head = _head(registered)
    if registered.ledger and (head is None or not ledger.goes_on_from(head)):
        lines, has = head.lines if head else 0, len(ledger.heads)
        if lines > has:
            state = _told_state(ledger)
            yield f"MLflow recorded {lines} lines of the ledger, which {state}: lines are gone"
        else:
            yield f"MLflow recorded another line {lines} than the ledger has"


def _of_versions(store: Store, ledger: Ledger, registered: Registered) -> Iterator[str]:
    numbered = {version.version: version for version in registered.versions}
    for entry in missing(store, ledger, registered):
        other = numbered.get(entry.version)
        lacks = f"the ledger's version {entry.version}, {told_model(entry.model_key, entry.date)}, is not in"
        yield f"{lacks} MLflow" + (f", which has {told_version(other)}" if other else "")
    for version, entry in misdated(ledger, registered):
        yield f"MLflow has {told_version(version)}, and the ledger says that its date is {entry.date}"


def _of_champion(ledger: Ledger, registered: Registered) -> Iterator[str]:
    last, champion = latest_move(ledger.entries), registered.champion
    alias = (
        f"MLflow's champion is {told_version(champion)}" if champion else "MLflow's alias champion is gone"
    )
    if last is None:
        if champion is not None:
            yield f"{alias}, and the ledger, which {_told_state(ledger)}, names no champion"
    elif (champion is None or champion.key != last.model_key) and not _is_unfinished(ledger, registered):
        serves = f"{told_model(last.model_key, last.date)} serves (version {last.version})"
        yield f"by the ledger {serves}, and {alias}"


def _is_unfinished(ledger: Ledger, registered: Registered) -> bool:
    """Return whether the alias is where it was before the last move, which the registry did not record."""
    head = _head(registered)
    moves = [entry for entry in ledger.entries if entry.moves]
    before = moves[-2].model_key if len(moves) > 1 else None
    at = registered.champion.key if registered.champion else None
    told = head.lines if head else ledger.first_sealed - 1
    return (
        at == before
        and ledger.first_sealed > 0
        and ledger.last_move > told
        and registered.with_key(moves[-1].model_key) is not None
    )


def _head(registered: Registered) -> Head | None:
    lines, _, digest = (registered.ledger or "").partition(" ")
    return Head(int(lines), digest) if re.fullmatch("[0-9]{1,9}", lines) else None


def _told_state(ledger: Ledger) -> str:
    lines = len(ledger.heads)
    if ledger.state == "absent":
        return "is missing"
    if ledger.state == "empty":
        return "is an empty file"
    return f"has {lines} line{'' if lines == 1 else 's'}"


def _in_store(store: Store, entry: Entry) -> bool:
    try:
        return store.find("model", date.fromisoformat(entry.date), entry.model_key) is not None
    except StoreError:
        return True
    except ValueError:
        return False
