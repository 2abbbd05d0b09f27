"""Long-running programs as children that end with us: started, watched, ended to the last process."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from vintage.processes import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TAIL_LINES = 25


class ServiceDied(RuntimeError):
    """A service ended by itself or never answered; the text names it and holds the end of its log."""


@dataclass(frozen=True)
class Service:
    """A program that runs until it is stopped, with all its output in one log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path) -> Service:
        """Start the program; it gets SIGTERM from the kernel should we be killed outright."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - no thread runs yet
            )
        return cls(name, process, log)

    def check(self) -> None:
        """Raise ServiceDied when the program has ended."""
        code = self.process.poll()
        if code is not None:
            raise ServiceDied(f"{self.name} ended with exit code {code}.\n{self.log} ends:\n{tail(self.log)}")


def stop(services: Sequence[Service], *, grace: float) -> None:
    """End services together, each with its process group and whatever that started outside of it.

    Args:
        services: what to end; one that has ended already may have left others behind.
        grace: seconds that they may take before they are killed.
    """
    groups = [service.process.pid for service in services]
    family = _family(groups)
    for group in groups:
        _signal_group(group, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=grace)
    # What was started while the rest ended has its parent among those that are left, or is in the group.
    for process in {*left, *_descendants(left), *_family(groups)}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for service in services:
        service.process.wait()


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log file."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"(no log: {error})"


def _family(groups: Sequence[int]) -> list[psutil.Process]:
    """Return the processes of some groups and all that they started, in whatever group."""
    members = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) in groups:
                members.append(process)
    return list({*members, *_descendants(members)})


def _descendants(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += process.children(recursive=True)
    return found


def _signal_group(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum)
