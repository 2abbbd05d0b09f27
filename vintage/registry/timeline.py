"""Who served when: pure functions of a ledger's lines, the one place that knows what a rollback means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.registry.ledger import Entry


def latest_move(entries: Sequence[Entry]) -> Entry | None:
    """Return the line that made the present champion, of lines oldest first; None where none ever was."""
    return next((entry for entry in reversed(entries) if entry.moves), None)


def champion_history(entries: Sequence[Entry]) -> tuple[tuple[str, Entry], ...]:
    """Return each model that became champion, and the partition date after which it counts as that.

    A promotion of a date later than all before counts for the dates after its own. A move that goes back, by
    rollback or by force, changes nothing of who served for dates that were decided on before it: it counts
    from where the history had come to. So the dates never run back, and the last entry is that of who serves.

    Args:
        entries: the ledger's lines, oldest first.

    Returns:
        (date as YYYY-MM-DD, line), dates ascending; of several with one date the last counts.
    """
    found: list[tuple[str, Entry]] = []
    for entry in entries:
        if entry.moves:
            found.append((max(entry.date, found[-1][0]) if found else entry.date, entry))
    return tuple(found)


def champion_as_of(entries: Sequence[Entry], day: str) -> Entry | None:
    """Who served for a partition date before that date's own model was decided on; of an earlier date always.

    Args:
        entries: the ledger's lines, oldest first.
        day: YYYY-MM-DD.
    """
    return next((entry for since, entry in reversed(champion_history(entries)) if since < day), None)


def line_of_champions(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return those that one can go back to, step by step; who serves now comes last.

    A rollback takes out those that it went back over, so that the next one goes on from there.
    """
    line: list[Entry] = []
    for entry in entries:
        if not entry.moves:
            continue
        keys = [each.model_key for each in line]
        if entry.action == "rolled_back" and entry.model_key in keys:
            del line[keys.index(entry.model_key) + 1 :]
        elif keys[-1:] != [entry.model_key]:
            line.append(entry)
    return tuple(line)


def replaced_by(entries: Sequence[Entry], key: str) -> Entry | None:
    """Return the move that ended a model's last time as champion; None if it never served or still serves."""
    moves = [entry for entry in entries if entry.moves]
    last = max((place for place, entry in enumerate(moves) if entry.model_key == key), default=None)
    return None if last is None else next(iter(moves[last + 1 :]), None)
