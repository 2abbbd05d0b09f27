"""What long work tells of itself while it runs; who calls it decides where that is shown."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

log = logging.getLogger(__name__)


class Signs:
    """Tells of each step in the log; for what is no terminal."""

    @contextmanager
    def step(self, number: int, steps: int, name: str) -> Iterator[None]:
        """Log that a step begins, and its seconds when it is done."""
        log.info("step %d of %d: %s", number, steps, name)
        started = time.monotonic()
        yield
        log.info("%s done in %.1f s", name, time.monotonic() - started)

    @contextmanager
    def date(self, number: int, dates: int, day: date) -> Iterator[None]:
        """Log that a date of a range begins, whose steps are told within."""
        log.info("%s: date %d of %d", day, number, dates)
        yield
