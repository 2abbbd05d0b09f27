"""The steps on the way to an evaluated model, in order: plans, backfills and reproductions walk them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from vintage.spec.flow import FLOW, TRAINING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vintage.flow.graph import Step
    from vintage.flow.job import Job

STEPS: Final[tuple[Step, ...]] = tuple(
    import_module(f"{__package__}.{each.job}").STEP for each in FLOW if each.trains
)

JOBS: Final[Mapping[str, Callable[[Job], object]]] = {
    each.job: import_module(f"{__package__}.{each.job}").run for each in TRAINING
}
"""Name → the job of each step that has one; `promote` decides on what the last of them made."""
