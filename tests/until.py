"""How tests wait for what other processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")
SECONDS = 300
"""Patience for what takes moments where nothing else is at work."""


def until(
    ask: Callable[[], Found],
    what: str | Callable[[], object],
    *,
    seconds: float = SECONDS,
    every: float = 0.5,
) -> Found:
    """Asks again and again until the answer is true, and gives that answer.

    Args:
        ask: what is asked; an error that it raises ends the wait.
        what: what is waited for, said when it does not come in time; or tells how things stand then.
        seconds: how long.
        every: the seconds between two questions.
    """
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(every)
    return found
