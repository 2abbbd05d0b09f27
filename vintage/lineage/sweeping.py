"""Deletes unreferenced artifacts, and what killed writers left; never beside a reader's back."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import stat
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.lineage.reachable import HIDDEN_PREFIX, date_folders, mark
from vintage.store import aside, files
from vintage.store.artifacts import ATTEMPT_PREFIX
from vintage.store.leases import LIVE_FOR, is_held, store_time
from vintage.store.manifest import NAME
from vintage.store.versions import views_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import timedelta

    from vintage.lineage.reachable import Held, Marking
    from vintage.store.artifacts import Store

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 1.0
"""How long one who found an artifact by its key may take to set the pointer to it."""

# As files.py names what it writes before it moves it to its place.
_UNFINISHED: Final = re.compile(r"\..+-[0-9a-f]{32}")


@dataclass(frozen=True)
class Leftover:
    """Something that may go.

    Attributes:
        path: a folder or a file.
        what: the artifact's kind, `report`, `attempt`, `file` (an unfinished one), `swept` (half
            deleted) or `damaged` (set aside).
        date: its partition date; empty where it has none.
        key: the artifact's; of a report, its evaluation's; else empty.
        size: bytes of all its files.
        why: what speaks for it.
    """

    path: Path
    what: str
    date: str
    key: str
    size: int
    why: str


@dataclass(frozen=True)
class Sweep:
    """What may go from a pipeline's store.

    Attributes:
        orphans: what killed writers left.
        artifacts: unreferenced artifacts, with the reports of evaluations among it.
        kept: how many artifacts stay.
        warnings: what could not be read and was kept, and why nothing is swept that could be.
    """

    orphans: tuple[Leftover, ...]
    artifacts: tuple[Leftover, ...]
    kept: int
    warnings: tuple[str, ...]

    @property
    def leftovers(self) -> tuple[Leftover, ...]:
        """All of it."""
        return (*self.orphans, *self.artifacts)


class Sweeper:
    """Sweeps one pipeline's store, beside whoever works with it.

    Args:
        store: the pipeline's; those of its joined sources are part of it.
        registered: asks the registry which keys it names; it is asked again right before anything goes.
        older_than: unreferenced artifacts stay that long.
        now: the moment to count from; that of the store's file system when left out.
    """

    def __init__(
        self,
        store: Store,
        registered: Callable[[], Collection[str]],
        *,
        older_than: timedelta,
        now: datetime | None = None,
    ) -> None:
        self.store = store
        self._registered = registered
        self._now = now or store_time(store.folder)
        # A job publishes several artifacts before it sets pointers to them.
        self._since = self._now - max(older_than, LIVE_FOR)

    def look(self) -> Sweep:
        """Return what may go now; nothing is changed.

        Raises:
            StoreError: something of the store cannot be read.
        """
        if self.store.folder.is_symlink():
            return Sweep((), (), 0, (f"{self.store.folder} is a link; nothing behind it is swept",))
        marking = self._mark()
        warnings, artifacts = marking.warnings, tuple(self._unnamed(marking))
        warnings += tuple(f"{each} is a link; nothing behind it is swept" for each in self._links())
        working = self._at_work()
        if working is not None and artifacts:
            told = f"{len(artifacts)} unreferenced artifacts are kept for now: a job is running"
            warnings, artifacts = (*warnings, f"{told} ({working})"), ()
        return Sweep(tuple(self._orphans()), artifacts, len(marking.kept), warnings)

    def sweep(self, found: Sweep, *, settle: float = SETTLE_SECONDS) -> tuple[Leftover, ...]:
        """Delete what may still go.

        An artifact is first hidden by one rename, so that no reader sees a part of it. Then the store is
        looked at again: what somebody found before and names by now comes back.

        Args:
            found: what `look` gave.
            settle: seconds between hiding and looking again.

        Returns:
            What is gone.

        Raises:
            StoreError: something cannot be deleted.
        """
        with files.as_store_error(self.store.folder):
            for each in self._mark().missed:
                _bring_back(each)
            gone = [each for each in found.orphans if _delete(each.path)]
            wanted = {each.path: each for each in found.artifacts if each.what != "report"}
            hidden = self._hide(wanted)
            if hidden:
                time.sleep(settle)
            gone += [wanted[path] for path in self._finish(hidden)]
            absent = {each.key for each in found.artifacts} - {each.key for each in self._mark().held}
            reports = [each for each in found.artifacts if each.what == "report" and each.key in absent]
            return (*gone, *(each for each in reports if _delete(each.path)))

    def _mark(self) -> Marking:
        return mark(self.store, registered=self._registered(), since=self._since)

    def _hide(self, wanted: Collection[Path]) -> dict[Path, Path]:
        """Return where each of those lies now that nothing names even now; hidden → where it was."""
        if not wanted or self._at_work() is not None:
            return {}
        hidden = {}
        for each in self._mark().unnamed:
            if each.folder not in wanted:
                continue
            place = each.folder
            if not each.hidden:
                place = each.folder.with_name(f"{HIDDEN_PREFIX}{each.key}-{uuid.uuid4().hex[:8]}")
                try:
                    each.folder.rename(place)
                except FileNotFoundError:
                    # Another sweep was here.
                    continue
            hidden[place] = each.folder
        return hidden

    def _finish(self, hidden: dict[Path, Path]) -> Iterator[Path]:
        """Delete what is hidden, or bring it back; give where that was which is gone."""
        if not hidden:
            return
        marking, working = self._mark(), self._at_work()
        for each in marking.held:
            if each.folder not in hidden:
                continue
            if (working is not None or each.key in marking.kept) and not each.made_anew:
                _bring_back(each)
            elif _delete(each.folder):
                yield hidden[each.folder]

    def _unnamed(self, marking: Marking) -> Iterator[Leftover]:
        published = {each.key for each in marking.held if each.kind == "evaluation"}
        for each in marking.unnamed:
            if self._behind_a_link(each.folder.parent):
                continue
            made = f"{each.finished:%Y-%m-%d}" if each.finished else "at another time"
            why = f"unreferenced; made {made}" if not each.hidden else "a sweep was killed before it went"
            size = _size(each.folder)
            yield Leftover(each.folder, each.kind, each.day.isoformat(), each.key, size, why)
            if each.kind == "evaluation":
                report = self.store.folder / "reports" / f"date={each.day}" / each.key
                if report.is_dir() and not self._behind_a_link(report.parent):
                    told = "the report of that evaluation"
                    yield Leftover(report, "report", each.day.isoformat(), each.key, _size(report), told)
        for report in sorted((self.store.folder / "reports").glob("date=*/*/")):
            if self._behind_a_link(report.parent):
                continue
            if report.name not in published and _touched(report) < self._since:
                day = report.parent.name.removeprefix("date=")
                told = "the report of an evaluation that is gone"
                yield Leftover(report, "report", day, report.name, _size(report), told)

    def _orphans(self) -> Iterator[Leftover]:
        for day, path in self._dotted():
            if path.name.startswith(HIDDEN_PREFIX):
                if not (path / NAME).exists():
                    yield Leftover(path, "swept", day, "", _size(path), "a sweep was killed while it went")
            elif path.name.startswith(aside.PREFIX):
                if why := self._why_not_aside(path):
                    yield Leftover(path, "damaged", day, aside.key_of(path), _size(path), why)
            elif not self._lives(path):
                what = "attempt" if path.name.startswith(ATTEMPT_PREFIX) else "file"
                why = f"its writer was killed; last written {_touched(path):%Y-%m-%d %H:%M}"
                why = "a link, which no writer makes" if path.is_symlink() else why
                yield Leftover(path, what, day, "", _size(path), why)

    def _why_not_aside(self, path: Path) -> str:
        """Return why a damaged artifact that was set aside can be removed; empty while it is needed."""
        set_aside = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        if (path.with_name(aside.key_of(path)) / NAME).exists() and self._now - set_aside > LIVE_FOR:
            return "it was damaged, and has been replaced"
        return f"it was damaged; set aside {set_aside:%Y-%m-%d}" if set_aside < self._since else ""

    def _at_work(self) -> Path | None:
        """Return where a process works or was killed within a day: an attempt, or a reproduction."""
        attempts = (path for _, path in self._dotted() if path.name.startswith(ATTEMPT_PREFIX))
        return next(filter(self._lives, attempts), None)

    def _lives(self, path: Path) -> bool:
        """Return whether somebody holds the lease of an attempt, renewed it or wrote there within the day.

        A time in the future is of a clock that was put right since, and nobody has renewed it after that. No
        writer makes a link.
        """
        if path.is_symlink():
            return False
        return is_held(path) or abs(self._now - _touched(path)) <= LIVE_FOR

    def _dotted(self) -> Iterator[tuple[str, Path]]:
        """Yield what writers and sweeps have under way, with its partition date."""
        places = [("", own.folder) for own in views_of(self.store).values()]
        places += [(day.isoformat(), folder) for _, day, folder in date_folders(self.store)]
        for day, folder in places:
            if self._behind_a_link(folder):
                continue
            for path in sorted(folder.glob(".*")):
                if path.name.startswith((ATTEMPT_PREFIX, HIDDEN_PREFIX, aside.PREFIX)) or (
                    (path.is_symlink() or not path.is_dir()) and _UNFINISHED.fullmatch(path.name)
                ):
                    yield day, path

    def _links(self) -> list[Path]:
        """Return the folders of kinds, dates and joined sources that are links to somewhere else."""
        places = [folder for _, _, folder in date_folders(self.store)]
        places += [*(self.store.folder / "reports").glob("date=*")]
        above = {each for place in places for each in (place, *place.parents)}
        return sorted(each for each in above if each.is_relative_to(self.store.folder) and each.is_symlink())

    def _behind_a_link(self, folder: Path) -> bool:
        above = [folder, *folder.parents]
        return any(each.is_symlink() for each in above[: above.index(self.store.folder)])


def _delete(path: Path) -> bool:
    """Return whether there was anything to delete; the manifest goes first, so that no reader sees a part."""
    if not os.path.lexists(path):
        return False
    if path.is_dir() and not path.is_symlink():
        (path / NAME).unlink(missing_ok=True)
        # Another sweep may delete the same.
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    if os.path.lexists(path):
        raise OSError(f"{path} cannot be deleted")
    log.info("deleted %s", path)
    return True


def _bring_back(hidden: Held) -> None:
    # Where it was made anew meanwhile, that stays, and the hidden one goes with the next sweep.
    with contextlib.suppress(OSError):
        hidden.folder.rename(hidden.place)
        log.info("%s was named meanwhile and is back", hidden.place)


def _size(path: Path) -> int:
    """Bytes of the files at and below a path; of what vanishes meanwhile, none."""
    return sum(status.st_size for status in _statuses(path) if stat.S_ISREG(status.st_mode))


def _touched(path: Path) -> datetime:
    """When something at or below a path was last written; of what has vanished, the beginning of time."""
    return datetime.fromtimestamp(max((status.st_mtime for status in _statuses(path)), default=0.0), UTC)


def _statuses(path: Path) -> Iterator[os.stat_result]:
    with contextlib.suppress(FileNotFoundError):
        yield path.lstat()
    for folder, folders, names in os.walk(path) if not path.is_symlink() else ():
        for name in (*folders, *names):
            with contextlib.suppress(FileNotFoundError):
                yield Path(folder, name).lstat()
