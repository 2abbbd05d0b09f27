"""What a person sees who waits for a command: the step, its dates, the time; all else is in a log file."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from vintage.cli.screen import Console
from vintage.flow.durations import durations_of
from vintage.flow.job import configure_logging
from vintage.spec.flow import FLOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.progress import TaskID

    from vintage.spec import Home
    from vintage.store import Store

log = logging.getLogger(__name__)

STDERR: Final = 2


class Plain:
    """Tells of each step in the log; for what is no terminal."""

    @contextmanager
    def step(self, number: int, steps: int, name: str) -> Iterator[None]:
        """Log that a step begins, and its seconds when it is done."""
        log.info("step %d of %d: %s", number, steps, name)
        started = time.monotonic()
        yield
        log.info("%s done in %.1f s", name, time.monotonic() - started)


class Live(Plain):
    """Shows each step on a terminal: what it does, how many dates are done, how long it takes and took.

    Args:
        progress: on the terminal.
        usual: step → how long it took in the past, in seconds, for one date or for all.
    """

    def __init__(self, progress: Progress, usual: Mapping[str, float]) -> None:
        self._progress = progress
        self._usual = usual
        self._task: TaskID | None = None

    @contextmanager
    def step(self, number: int, steps: int, name: str) -> Iterator[None]:
        """Show a step while it runs; a line of it stays."""
        seconds = self._usual.get(name)
        usual = f"usually {seconds:.0f} s" if seconds and seconds >= 1 else ""
        self._task = self._progress.add_task(f"{number}/{steps} {name}", total=1, dates="", usual=usual)
        with super().step(number, steps, name):
            yield
        self._progress.update(self._task, completed=1, usual="")

    def show(self, record: logging.LogRecord) -> None:
        """Show what a line of the log tells: a warning, what the step does, or how many dates are done."""
        if record.levelno >= logging.WARNING:
            self._progress.console.print(f"{record.levelname.lower()}: {record.getMessage()}", soft_wrap=True)
        told = getattr(record, "doing", None)
        if self._task is not None and told is not None:
            self._progress.update(self._task, dates=told)


class _Follow(logging.Handler):
    """Hands the log's lines to what is shown."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live

    def emit(self, record: logging.LogRecord) -> None:
        self._live.show(record)


@contextmanager
def signs_of_life(home: Home, store: Store, name: str) -> Iterator[Plain]:
    """Yield what tells of steps: live on a terminal, with the log in a file; else in the log.

    Args:
        home: its `data/logs` has the file, which each command of that name writes anew.
        store: knows how long steps took.
        name: the file's.
    """
    if not Console(stderr=True).is_terminal or os.environ.get("TERM") == "dumb":
        configure_logging()
        yield Plain()
        return
    file = home.path / "data" / "logs" / f"{name}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    took = durations_of(store).seconds
    usual = {each.job: took[each.kind] for each in FLOW if each.kind in took and not each.by_date}
    with _stderr_into(file) as terminal:
        configure_logging()
        console = Console(file=terminal, force_terminal=True, highlight=False)
        console.print(f"log: {file}", soft_wrap=True)
        columns = (
            SpinnerColumn(finished_text="✓"),
            *map(TextColumn, ("{task.description}", "{task.fields[dates]}")),
        )
        with Progress(
            *columns, TimeElapsedColumn(), TextColumn("{task.fields[usual]}"), console=console
        ) as shown:
            live = Live(shown, usual)
            follow = _Follow(live)
            logging.getLogger().addHandler(follow)
            try:
                yield live
            finally:
                logging.getLogger().removeHandler(follow)
                # What comes now is for the terminal again, and no part of the work.
                logging.getLogger().setLevel(logging.WARNING)


@contextmanager
def _stderr_into(file: Path) -> Iterator[IO[str]]:
    """Have all that this process and the JVM say on standard error go into a file; yields the terminal."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    try:
        with (
            file.open("w", encoding="utf-8") as sink,
            os.fdopen(os.dup(kept), "w", encoding="utf-8") as terminal,
        ):
            os.dup2(sink.fileno(), STDERR)
            try:
                yield terminal
            finally:
                sys.stderr.flush()
                os.dup2(kept, STDERR)
    finally:
        os.close(kept)
