"""What validation found in the rows behind a model, in one line a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.report.partitions import Partition


@dataclass(frozen=True)
class Quality:
    """The validation of a source's dates.

    Attributes:
        told: on how many dates all rules hold, in a line.
        tone: the gravest that was found.
        failed: the dates on which a rule does not hold, as they were given.
    """

    told: str
    tone: Literal["good", "warn", "bad"]
    failed: tuple[Partition, ...]


def quality_of(partitions: Sequence[Partition]) -> Quality:
    """Return what the suites found in the dates of one source."""
    known = [part.validation for part in partitions if part.validation is not None]
    failed = tuple(each for each in partitions if each.validation is not None and each.validation.failures)
    held = [each.summary for each in known if not each.failures]
    parts = []
    if held:
        rules = held[0] if len(set(held)) == 1 else "all rules hold"
        parts.append(f"{rules} on {_dates(len(held), len(partitions))}")
    if failed:
        parts.append(f"a rule fails on {_dates(len(failed), len(partitions))}")
    if len(known) < len(partitions):
        parts.append(f"no validation is kept of {_dates(len(partitions) - len(known), len(partitions))}")
    stopped = any(not each.passed for each in known)
    return Quality("; ".join(parts), "bad" if stopped else "warn" if failed else "good", failed)


def _dates(count: int, of: int) -> str:
    if count == of:
        return "the only date" if of == 1 else f"each of the {of} dates"
    return f"{count} of {of} dates"
