"""The ledger: append-only, one JSON line for each decision on a model, with its reasons.

Each line carries a digest over every byte before it and over itself, so that an edited, removed, inserted or
swapped line is found and named. Lines of an earlier release carry none; the first that does covers them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vintage.errors import StoreError
from vintage.registry import chained
from vintage.registry.chained import Head
from vintage.store.reading import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

Action = Literal["promoted", "refused", "rejected", "registered", "forced", "rolled_back"]
MOVES: Final = ("promoted", "forced", "rolled_back")
"""The actions that make a version the champion."""
_BACKUP: Final = "Bring the ledger back from a backup."


class Entry(BaseModel):
    """One line.

    Attributes:
        action: `promoted` made the version the champion; `refused` did not, because a gate failed or the
            model does not load; `rejected` did not, because a person said so; `registered` did not, because
            the spec, a later champion or a rollback stood against it, or nobody has let it pass yet;
            `forced` made it the champion whatever stood against it; `rolled_back` made it the champion again.
        date: partition date of the model.
        model_key, evaluation_key: what was decided about. The key is the model's identity.
        version: the number that the registry had for it then; a label.
        champion_before: version that was champion when it was decided; None when there was none.
        champion_before_key: key of that champion; None as well in a line of an earlier release.
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
    champion_before_key: str | None = None
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
        """Return whether both decide on the same evaluation of the same model."""
        return (self.model_key, self.evaluation_key) == (other.model_key, other.evaluation_key)

    def adds_nothing_to(self, entries: Sequence[Entry]) -> bool:
        """Return whether these lines, oldest first, already record this repeated decision."""
        last = next((each for each in reversed(entries) if each.is_about(self)), None)
        if last is None or last.action != self.action:
            return False
        if self.action == "rejected" and last.by != self.by:
            return False
        if self.approved_by is not None and last.approved_by != self.approved_by and not self.moves:
            return False
        # A model that served, was replaced and serves again has its line a second time.
        return not self.moves or last is next(each for each in reversed(entries) if each.moves)


@dataclass(frozen=True)
class Ledger:
    """A ledger that was read and holds together.

    Attributes:
        state: whether there is a file, and anything in it.
        entries: the decisions, oldest first.
        heads: after each line of the file, how far it went; one more than entries for each line that was cut.
        last_move: number of the line that last moved the champion; 0 where none does.
        first_sealed: number of the first line that has a digest; 0 where none does.
    """

    state: Literal["absent", "empty", "lines"] = "absent"
    entries: tuple[Entry, ...] = ()
    heads: tuple[Head, ...] = ()
    last_move: int = 0
    first_sealed: int = 0

    @property
    def head(self) -> Head | None:
        """After the last line; None where there is none."""
        return self.heads[-1] if self.heads else None

    def goes_on_from(self, head: Head) -> bool:
        """Return whether this ledger holds what it held when its head was that."""
        return 0 < head.lines <= len(self.heads) and self.heads[head.lines - 1] == head


def append(path: Path, entry: Entry) -> bool:
    """Add a line unless that decision is recorded already; safe beside other writers and after a crash.

    Returns:
        Whether a line was added.

    Raises:
        StoreError: the ledger cannot be written, or is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            content = stream.read()
            if entry.adds_nothing_to(_parsed(path, content).entries):
                return False
            # A crash may have cut the last line in half: begin on a line of our own.
            start = b"" if not content or content.endswith(b"\n") else b"\n"
            body = entry.model_dump_json().encode()
            stream.write(start + chained.sealed(content + start, body))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StoreError(
            f"the ledger {path} cannot be written", found=error.strerror or str(error)
        ) from error
    return True


@contextlib.contextmanager
def one_decision_at_a_time(path: Path) -> Iterator[None]:
    """Wait until no other process decides by this ledger, and keep the others waiting.

    Who decides asks who serves, adds its line and moves the champion within: between two of these steps
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
    """Return all decisions, oldest first; see `read_ledger`."""
    return read_ledger(path).entries


def read_ledger(path: Path) -> Ledger:
    """Return the whole ledger. Left out, with a warning, is only a line that a crash cut.

    Raises:
        StoreError: it cannot be read, or a line is damaged, edited, removed, inserted or of a later release.
    """
    try:
        with opened(path) as stream:
            # Not in the middle of another's line. A file system without locks is read as it is.
            with contextlib.suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_SH)
            content = stream.read()
    except FileNotFoundError:
        return Ledger()
    except IsADirectoryError as error:
        raise StoreError(
            f"the ledger {path} is a folder", expected="a file of JSON lines", found="a folder", fix=_BACKUP
        ) from error
    except PermissionError as error:
        raise StoreError(
            f"the ledger {path} may not be read",
            expected="read permission for who runs this",
            found=error.strerror or str(error),
            fix="Give it back to the user who runs the jobs.",
        ) from error
    except OSError as error:
        raise StoreError(f"the ledger {path} cannot be read", found=error.strerror or str(error)) from error
    if not content:
        log.warning("the ledger %s is an empty file", path)
    return _parsed(path, content)


def _parsed(path: Path, content: bytes) -> Ledger:
    if not content:
        return Ledger(state="empty")
    entries: list[Entry] = []
    heads: list[Head] = []
    before = hashlib.sha256()
    last_move = first_sealed = 0
    ends = content.endswith(b"\n")
    lines = content.removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, start=1):
        place = f"line {number} of the ledger {path}"
        following = lines[number] if number < len(lines) else None
        if chained.is_cut(line, following, ends=ends):
            log.warning("%s was cut by a crash and is ignored: %r", place, line[:80])
        else:
            body, seal = chained.parts(line)
            entry = _entry(place, body)
            problem = chained.problem(before, body, seal, after_sealed=first_sealed > 0)
            if problem:
                raise StoreError(
                    f"{place} is not what was written there",
                    expected="the digest over it and all lines before it",
                    found=problem,
                    fix=_BACKUP,
                )
            entries.append(entry)
            first_sealed = first_sealed or (number if seal else 0)
            last_move = number if entry.moves else last_move
        before.update(line + b"\n")
        heads.append(Head(number, before.hexdigest()))
    return Ledger("lines", tuple(entries), tuple(heads), last_move, first_sealed)


def _entry(place: str, line: bytes) -> Entry:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{place} is damaged", expected="one JSON object", found=str(error), fix=_BACKUP
        ) from error
    if not isinstance(value, dict):
        raise StoreError(
            f"{place} is damaged", expected="one JSON object", found=type(value).__name__, fix=_BACKUP
        )
    unknown = sorted(set(value) - set(Entry.model_fields))
    if unknown:
        raise StoreError(
            f"{place} has a field that this release does not know",
            expected=", ".join(Entry.model_fields),
            found=", ".join(unknown),
            fix="A later release of Vintage may have written it: use that one. Else, bring the ledger back "
            "from a backup.",
        )
    try:
        return Entry.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the top"
        raise StoreError(
            f"{place} is damaged", expected="a decision", found=f"{first['msg']} at {where}", fix=_BACKUP
        ) from error
