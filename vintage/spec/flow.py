"""The flow that every pipeline goes through: what is made, in which order, and by which job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "snapshot", "validation", "features", "tuning", "model", "evaluation", "predictions", "monitor", "quality"
]


@dataclass(frozen=True)
class StepName:
    """A step as the store, the DAGs and the settings of Spark know it, none of which carries it out.

    Attributes:
        kind: what it makes.
        job: its module in `vintage.flow`; its program in `spark_jobs` has the same name.
        by_date: whether a run needs one for each date of its window.
        on_demand: whether it has no job of its own: what reads it makes it, where that is made itself.
        trains: whether it is on the way to an evaluated model.
    """

    kind: Kind
    job: str
    by_date: bool = False
    on_demand: bool = False
    trains: bool = True


FLOW: Final = (
    StepName("snapshot", "snapshot", by_date=True),
    StepName("validation", "validate", by_date=True),
    StepName("features", "preprocess", by_date=True),
    StepName("tuning", "tune", on_demand=True),
    StepName("model", "fit"),
    StepName("evaluation", "evaluate"),
    StepName("predictions", "score", trains=False),
    StepName("monitor", "monitor", trains=False),
    StepName("quality", "quality", trains=False),
)
"""Every step, each after what it reads."""

TRAINING: Final = tuple(each for each in FLOW if each.trains and not each.on_demand)
"""Those with a job of their own that make a date's evaluated model; `promote` decides on it."""

BY_DATE: Final = frozenset(each.kind for each in FLOW if each.by_date)

PREPARING: Final = frozenset(each.job for each in FLOW if each.by_date)
"""The jobs that neither fit nor apply a model."""

ON_DEMAND: Final = frozenset(each.kind for each in FLOW if each.on_demand)
