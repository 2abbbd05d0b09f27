"""How what a task started ends: all of it, and with the task."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

import psutil

from vintage.spec.permissions import close_to_others

# The task's supervisor kills it outright 5 seconds after asking it to end.
_GRACE_SECONDS: Final = 3.0


def end_tree(pid: int) -> None:
    """Ends a process and all its descendants: asks first, then kills what is left."""
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


def as_a_job() -> None:
    """What a process that a task starts does first: it ends with the task, and closes its files to others."""
    close_to_others(os.environ)
    end_with_parent()


def end_with_parent() -> None:
    """Has the kernel end this process with its parent, should that be killed outright (Linux only)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
