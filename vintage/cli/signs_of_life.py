"""What a person sees who waits for a command: the step, its dates, the time; all else is in a log file."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from vintage.cli.screen import Console
from vintage.flow.durations import durations_of
from vintage.flow.job import configure_logging
from vintage.flow.signs import Signs
from vintage.spec.flow import FLOW, TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from rich.progress import TaskID

    from vintage.spec import Home
    from vintage.store import Store

STDERR: Final = 2


class Plain(Signs):
    """Reports each step in the log, and the results of a date on standard output."""

    def tell(self, line: str) -> None:
        """Write a line of results to standard output."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Live(Plain):
    """Shows each step on a terminal: what it does, how many dates are done, how long it takes and took.

    Args:
        progress: on the terminal.
        usual: job or kind → how long it took in the past, in seconds; those that a run does for many dates
            at once are left out.
        usual_date: how long all steps of a date took in the past, in seconds.
    """

    def __init__(self, progress: Progress, usual: Mapping[str, float], usual_date: float | None) -> None:
        self._progress = progress
        self._usual = usual
        self._usual_date = usual_date
        self._task: TaskID | None = None
        self._of_date: list[TaskID] = []
        self._range: TaskID | None = None
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        """Write a line of results above what is shown, or to what standard output leads to."""
        if sys.stdout.isatty():
            self._progress.console.print(line, soft_wrap=True)
        else:
            super().tell(line)

    @contextmanager
    def date(self, number: int, dates: int, day: date) -> Iterator[None]:
        """Show which date of how many is under way, and how long all of them are expected to take."""
        if self._range is None:
            self._began = time.monotonic()
            self._range = self._progress.add_task("", total=dates, dates="", usual="")
        done = number - 1
        each = (time.monotonic() - self._began) / done if done else self._usual_date
        whole = f"expected {timedelta(seconds=round(each * dates))}" if each and each * dates >= 1 else ""
        self._progress.update(
            self._range,
            description=str(day),
            completed=done,
            dates=f"{done} of {dates} dates done",
            usual=whole,
        )
        try:
            with super().date(number, dates, day):
                yield
        finally:
            # The line of the date tells what came of them.
            while self._of_date:
                self._progress.remove_task(self._of_date.pop())
            self._task = None
            self._progress.update(self._range, completed=number, dates=f"{number} of {dates} dates done")

    @contextmanager
    def step(self, number: int, steps: int, name: str) -> Iterator[None]:
        """Show a step while it runs; a line of it stays."""
        seconds = self._usual.get(name)
        usual = f"usually {seconds:.0f} s" if seconds and seconds >= 1 else ""
        self._task = self._progress.add_task(f"{number}/{steps} {name}", total=1, dates="", usual=usual)
        if self._range is not None:
            self._of_date.append(self._task)
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
    alone = [each for each in FLOW if each.kind in took and not each.by_date]
    usual = {name: took[each.kind] for each in alone for name in (each.job, each.kind)}
    usual_date = sum(took.get(each.kind, 0.0) for each in TRAINING) or None
    with _stderr_into(file) as terminal:
        configure_logging()
        console = Console(file=terminal, force_terminal=True, highlight=False)
        console.print(f"log: {file}", soft_wrap=True)
        columns = (
            SpinnerColumn(finished_text="✓"),
            *map(TextColumn, ("{task.description}", "{task.fields[dates]}")),
        )
        with Progress(
            *columns,
            TimeElapsedColumn(),
            TextColumn("{task.fields[usual]}"),
            console=console,
            # JSON and lines for a file are theirs; what is for the terminal is told through the console.
            redirect_stdout=False,
        ) as shown:
            live = Live(shown, usual, usual_date)
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
