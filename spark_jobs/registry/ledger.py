"""The ledger: append-only, one JSON line for each decision on a model, with its reasons."""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spark_jobs.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Action = Literal["promoted", "refused", "rejected", "registered", "forced", "rolled_back"]
MOVES: Final = ("promoted", "forced", "rolled_back")
"""The actions that make a version the champion."""


class Entry(BaseModel):
    """One line.

    Attributes:
        action: `promoted` made the version the champion; `refused` did not, because a gate failed or the
            model does not load; `rejected` did not, because a person said so; `registered` did not, because
            the spec, a later champion or a rollback stood against it, or nobody has let it pass yet;
            `forced` made it the champion whatever stood against it; `rolled_back` made it the champion again.
        date: partition date of the model.
        model_key, evaluation_key: what was decided about.
        version: the model's version in the registry.
        champion_before: version that was champion when it was decided; None when there was none.
        why: what the person said who forced it or rolled back to it.
        by: that person's name in the operating system; in Airflow, who rejected it there.
        approved_by: who let it pass where the spec asks for a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    action: Action
    pipeline: str
    date: str
    model_key: str
    evaluation_key: str
    version: int
    champion_before: int | None
    reasons: tuple[str, ...]
    why: str | None = None
    by: str | None = None
    approved_by: str | None = None
    airflow_run: str | None = None
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def moves(self) -> bool:
        """Whether the version became the champion."""
        return self.action in MOVES

    @property
    def told(self) -> str:
        """The action, and what people said of it, for a person to read."""
        said = [f"by {self.by}"] if self.by else []
        said += [f"approved by {self.approved_by}"] if self.approved_by else []
        text = " ".join([self.action.replace("_", " "), *said])
        return f"{text}: {self.why}" if self.why else text

    def is_about(self, other: Entry) -> bool:
        """Whether both decide on the same evaluation of the same version."""
        ours = (self.model_key, self.evaluation_key, self.version)
        return ours == (other.model_key, other.evaluation_key, other.version)

    def adds_nothing_to(self, entries: Sequence[Entry]) -> bool:
        """Whether these lines, oldest first, say already what this one does: a decision, made again."""
        last = next((each for each in reversed(entries) if each.is_about(self)), None)
        if last is None or last.action != self.action:
            return False
        if self.action == "rejected" and last.by != self.by:
            return False
        if self.approved_by is not None and last.approved_by != self.approved_by and not self.moves:
            return False
        # A model that served, was replaced and serves again has its line a second time.
        return not self.moves or last is next(each for each in reversed(entries) if each.moves)


def append(path: Path, entry: Entry) -> bool:
    """Adds a line unless that decision is recorded already; safe beside other writers and after a crash.

    Returns:
        Whether a line was added.

    Raises:
        StoreError: the ledger cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            content = stream.read()
            if entry.adds_nothing_to(_parsed(content)):
                return False
            # A crash may have cut the last line in half: begin on a line of our own.
            start = b"" if not content or content.endswith(b"\n") else b"\n"
            stream.write(start + entry.model_dump_json().encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StoreError(
            f"the ledger {path} cannot be written", found=error.strerror or str(error)
        ) from error
    return True


@contextlib.contextmanager
def one_decision_at_a_time(path: Path) -> Iterator[None]:
    """Waits until nobody else decides by this ledger, and keeps the others waiting.

    Who decides asks who serves, moves the champion and adds its line within: between two of these steps
    another decision would be made on what is no longer true.

    Raises:
        StoreError: the lock beside the ledger cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.with_suffix(".lock").open("ab")
    except OSError as error:
        raise StoreError(f"the ledger {path} cannot be locked", found=error.strerror or str(error)) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def read(path: Path) -> tuple[Entry, ...]:
    """All whole lines, oldest first; a line that a crash cut in half is left out."""
    try:
        return tuple(_parsed(path.read_bytes()))
    except FileNotFoundError:
        return ()


def _parsed(content: bytes) -> list[Entry]:
    entries = []
    for line in content.splitlines():
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError:
            continue
    return entries
