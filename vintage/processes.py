"""How processes end: this one in order and with one line, and one that was started with all of its own."""

from __future__ import annotations

import ctypes
import logging
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# The supervisor of an Airflow task kills it outright 5 seconds after asking it to end.
_GRACE_SECONDS: Final = 3.0
TOLD: Final = "finished steps stay, and the same command continues from there"


@contextmanager
def ends_in_order() -> Iterator[list[int]]:
    """Around a program: SIGTERM and Ctrl-C unwind it from wherever it is; session, attempts, locks are ended.

    Ctrl-C a second time ends it at once. The exit code is 128 and the signal's number, as a shell has it,
    whatever goes wrong on the way.

    Yields:
        The signals that came; where there is one, an error is no more than what unwinding made of it.
    """
    told: list[int] = []

    def end(number: int, _: FrameType | None) -> NoReturn:
        told.append(number)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_is_not_py4j_s)
        # A task's processes may be told by several; a person who presses Ctrl-C again wants no more order.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.stderr.write(f"vintage: ended by {signal.Signals(number).name}; {TOLD}.\n")
        sys.stderr.flush()
        # Of all exceptions, after this one alone py4j closes the connection whose answer is still to come.
        # Where it finds no other, Spark ends with the process, whose end its JVM sees.
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        yield told
    except BaseException:
        # Whatever it has become on its way up.
        if told:
            sys.exit(128 + told[0])
        raise


def _is_not_py4j_s(record: logging.LogRecord) -> bool:
    """For each answer that no one awaits any longer it logs a traceback, some of them by the root logger."""
    return record.module not in {"java_gateway", "clientserver"}


@contextmanager
def own_interrupt() -> Iterator[None]:
    """Around what opens a SparkContext: pyspark puts its own handler of Ctrl-C in place of the program's."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        # Python sets handlers in the main thread alone, and so does pyspark.
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def end_tree(pid: int) -> None:
    """End a process and all its descendants: ask first, then kill what is left."""
    import psutil

    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for send in (psutil.Process.terminate, psutil.Process.kill):
        for process in family:
            try:
                send(process)
            except psutil.NoSuchProcess:
                continue
        _, family = psutil.wait_procs(family, timeout=_GRACE_SECONDS)


def end_with_parent() -> None:
    """Have the kernel end this process with its parent, should that be killed outright (Linux only)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
