"""How the dates that a model scores are watched: what they are compared with, and what follows from drift."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

from pydantic import Field, field_validator, model_validator

from vintage.spec.base import Listed, SpecModel, Text, refusal
from vintage.spec.names import did_you_mean, list_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.spec.checks import Checked
    from vintage.spec.problem import Problem

Measure = Literal["psi", "js", "ks", "linf", "outside", "new", "nulls"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
"""Of drift, in the order in which they are shown; which ones a column has depends on its type."""

TRAINING: Final = "training"
MOST_DATES: Final = 90

_OF_PREDICTIONS: Final = ("prediction", "probability", "score", "reduced", "model_key", "model_version")
_OF_CLASSES: Final = ("prediction as class", "probability of ")


class DriftBound(SpecModel):
    """A bound on a measure of drift that holds in place of the calibrated one."""

    measure: Annotated[
        Text, Field(description="A measure of drift: psi, js, ks, linf, outside, new or nulls.")
    ]
    column: Annotated[
        Text | None,
        Field(
            description="A column of the raw rows, the features or the predictions; every column that has no "
            "bound of its own when left out."
        ),
    ] = None
    max: Annotated[float, Field(gt=0, description="A column whose measure is above this drifted.")]

    @field_validator("measure")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in MEASURES:
            hint = did_you_mean(value, MEASURES) or f"known: {list_names(MEASURES)}"
            raise refusal(f'no measure of drift "{value}"', hint=hint)
        return value

    @property
    def name(self) -> str:
        """The measure, and of which column it is: `psi`, or `price.psi` with the column in small letters."""
        return f"{self.column.lower()}.{self.measure}" if self.column else self.measure


class Alarm(SpecModel):
    """On how many of the last dates drift must be there before it is an alarm."""

    dates: Annotated[int, Field(ge=1, description="How many of the last dates drifted: such as 2 of 3.")] = 2
    of: Annotated[int, Field(ge=1, le=MOST_DATES, description="How many last dates are looked at.")] = 3

    @model_validator(mode="after")
    def _can_ring(self) -> Alarm:
        if self.dates > self.of:
            raise refusal(
                "the alarm can never ring", expected="dates ≤ of", found=f"{self.dates} of {self.of}"
            )
        return self


class Retraining(SpecModel):
    """How often an alarm may retrain the model before its schedule does."""

    every: Annotated[
        int, Field(ge=1, le=3650, description="At most once in so many days an alarm retrains the model.")
    ]


class Monitor(SpecModel):
    """How the dates that are scored are watched."""

    against: Annotated[
        Literal["training", "yesterday", "last-week"],
        Field(description="What a date is compared with: the champion's training dates, or a day."),
    ] = TRAINING
    label_after: Annotated[
        int | None,
        Field(
            ge=0,
            le=3650,
            description="Days until the labels of a date are there; then its predictions are measured. Left "
            "out, they are not.",
        ),
    ] = None
    bounds: Annotated[
        Listed[DriftBound],
        Field(
            max_length=1000,
            description="Bounds on measures of drift in place of those that the pipeline's own past gives.",
            examples=[[{"measure": "psi", "max": 0.3}, {"measure": "nulls", "column": "price", "max": 0.1}]],
        ),
    ] = ()
    alarm: Annotated[Alarm, Field(description="When drift is an alarm: such as 2 of the last 3 dates.")] = (
        Field(default_factory=Alarm)
    )
    retrain: Annotated[
        Retraining | None,
        Field(description="Whether an alarm retrains the model, and how often; it never does when left out."),
    ] = None

    @field_validator("bounds")
    @classmethod
    def _each_once(cls, value: tuple[DriftBound, ...]) -> tuple[DriftBound, ...]:
        for name, times in Counter(bound.name for bound in value).items():
            if times > 1:
                raise refusal(f"the bound on {name} occurs more than once", expected="each once")
        return value

    @property
    def overrides(self) -> dict[str, float]:
        """Measure, or `<column>.<measure>` with the column in small letters → its bound."""
        return {bound.name: bound.max for bound in self.bounds}


def bound_problems(checked: Checked) -> Iterator[Problem]:
    """Yield the bounds on columns that neither raw rows nor features nor predictions have."""
    monitor: Monitor | None = checked.parts.get("monitor")
    raw, (provided, _) = checked.raw_columns, checked.provided
    joined = [source.column_names for source in checked.parts.get("joins", {}).values() if source.dated]
    if monitor is None or raw is None or provided is None or None in joined:
        # What is inferred, or not yet right, cannot be compared with.
        return
    columns = (
        *raw,
        *(name for names in joined for name in names or ()),
        *provided,
        "label",
        "trainable",
        *_OF_PREDICTIONS,
    )
    known = {name.lower() for name in columns}
    for index, bound in enumerate(monitor.bounds):
        name = (bound.column or columns[0]).lower()
        if name not in known and not name.startswith(_OF_CLASSES):
            yield checked.document.problem(
                ("monitor", "bounds", index, "column"),
                f'no column "{bound.column}" in raw rows, features or predictions',
                hint=did_you_mean(name, columns) or f"known: {list_names(dict.fromkeys(columns))}",
            )
