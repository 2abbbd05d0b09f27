"""How good a model must be: the metric that decides, the gates, and the slices that are measured apart."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from vintage.spec.base import Listed, SpecModel, Text, refusal
from vintage.spec.metrics import COMPARING, OF_DATA

RANKED: Final = 10
"""Items that a user is recommended by default."""
NOT_WORSE: Final = "not_significantly_worse"
LEAST_ROWS: Final = 10
"""Rows of a holdout below which no model is promoted by default."""
MOST_OVERLAP: Final = 0.01
"""Share of holdout rows that may stand in the training rows by default."""


def _slice_value(value: Any) -> Any:
    """Return a slice's value as Spark writes it as text; null stays null."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _champion_bound(value: Any) -> Any:
    """Report a wrong value once: pydantic would do so for each member of a union."""
    if (
        value is None
        or value == NOT_WORSE
        or (isinstance(value, int | float) and not isinstance(value, bool))
    ):
        return value
    raise refusal(f"vs_champion is {value!r}", expected=f"a number such as -0.005, or {NOT_WORSE}")


SliceValue = Annotated[
    str | None,
    BeforeValidator(_slice_value),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class Gate(SpecModel):
    """A bound on a holdout metric that a model must keep to be promoted; a metric that is NaN keeps none."""

    metric: Annotated[
        Text,
        Field(
            description="A metric of the task: areaUnderROC, f1, logLoss, …; or brokenDates, how many dates "
            "of the window have broken data."
        ),
    ]
    min: Annotated[float | None, Field(description="The model is refused when the metric is below this.")] = (
        None
    )
    max: Annotated[float | None, Field(description="The model is refused when the metric is above this.")] = (
        None
    )
    vs_champion: Annotated[
        float | Literal["not_significantly_worse"] | None,
        BeforeValidator(_champion_bound),
        Field(
            description="The model is refused when it gains less than this on the champion of an earlier "
            "date, both measured on the same rows: -0.005 lets it be worse by so much, 0.01 asks for more. "
            "not_significantly_worse refuses it when all of the gain's confidence interval is a loss.",
            examples=[-0.005, NOT_WORSE],
        ),
    ] = None
    slice: Annotated[
        dict[Text, SliceValue] | None,
        Field(
            min_length=1,
            max_length=1,
            description="The bounds are held against these rows of the holdout alone: a column of the SQL "
            "and its value, as Spark writes it as text.",
            examples=[{"origin": "JFK"}],
        ),
    ] = None
    min_rows: Annotated[
        int | None,
        Field(
            ge=1,
            description="The gate does not apply where the slice has fewer rows than this. Without it, a "
            "slice without rows refuses the model.",
        ),
    ] = None

    @model_validator(mode="after")
    def _bounded(self) -> Gate:
        bounded = self.min is not None or self.max is not None
        if not bounded and self.vs_champion is None:
            raise refusal(f"the gate on {self.metric} has no bound", expected="min, max or vs_champion")
        if bounded and self.vs_champion is not None:
            raise refusal(
                f"the gate on {self.metric} has vs_champion and another bound",
                expected="two gates, one of each",
            )
        if self.vs_champion is not None and self.metric in COMPARING:
            raise refusal(f"{self.metric} compares with the champion by itself", expected="min or max")
        if self.metric in OF_DATA and (self.vs_champion is not None or self.slice is not None):
            raise refusal(
                f"the gate on {self.metric} is of a slice, or against the champion",
                expected="max: it is of the whole window's data",
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refusal(f"the gate on {self.metric} can never pass", expected="min ≤ max")
        return self

    @model_validator(mode="after")
    def _of_a_slice(self) -> Gate:
        if self.slice is not None and self.vs_champion is not None:
            raise refusal(f"the gate on {self.metric} of a slice has vs_champion", expected="min or max")
        if self.slice is None and self.min_rows is not None:
            raise refusal(
                f"the gate on {self.metric} has min_rows and no slice",
                expected="evaluate.min_rows, which is of the whole holdout",
            )
        return self

    @property
    def described(self) -> str:
        """The gate as a person reads it: `areaUnderROC >= 0.55 where origin = JFK`."""
        if self.vs_champion == NOT_WORSE:
            return f"{self.metric} vs champion not significantly worse"
        if self.vs_champion is not None:
            return f"{self.metric} vs champion >= {self.vs_champion:+g}"
        told = [f"{self.metric} >= {self.min:g}"] if self.min is not None else []
        told += [f"{self.metric} <= {self.max:g}"] if self.max is not None else []
        where = [
            f" where {column} {'is null' if value is None else f'= {value}'}"
            for column, value in (self.slice or {}).items()
        ]
        return " and ".join(told) + "".join(where)


class Evaluate(SpecModel):
    """How good a model must be."""

    metric: Annotated[Text, Field(description="The metric that decides: areaUnderROC, f1, logLoss, …")]
    gates: Annotated[
        Listed[Gate], Field(description="Bounds that a model must keep; one that misses any is not promoted.")
    ] = ()
    slices: Annotated[
        Listed[Text],
        Field(
            description="Columns of the SQL whose values are measured one by one, worst first: of each, the "
            "50 values with the most rows, and the others together.",
            examples=[["carrier", "origin"]],
        ),
    ] = ()
    weight: Annotated[
        Text | None,
        Field(
            description="Of a classification or regression: the column of the SQL that tells how much a "
            "holdout row counts in the metrics, a number from 0. Every row counts alike when left out. What "
            "rows count in learning is a Param of the stage: weightCol.",
            examples=["passengers"],
        ),
    ] = None
    min_rows: Annotated[
        int, Field(ge=1, description="A holdout of fewer rows than this promotes no model.")
    ] = LEAST_ROWS
    allow_perfect: Annotated[
        bool,
        Field(
            description="Whether a model may pass whose deciding metric, area under the ROC curve, accuracy "
            "or R² is perfect. As a rule such a model has been shown the answer."
        ),
    ] = False
    max_overlap: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="The share of holdout rows that may are training rows too, with the same "
            "key, features and label. A model is refused when there are more.",
        ),
    ] = MOST_OVERLAP
    confidence: Annotated[
        float,
        Field(ge=0.5, le=0.999, description="Of the metrics' and the gains' intervals: 0.95 is 95 percent."),
    ] = 0.95
    k: Annotated[
        int | None,
        Field(
            ge=1,
            le=10_000,
            description="Of a recommendation: how many items each user is recommended where rankings are "
            "measured. 10 when left out.",
        ),
    ] = None
    relevant: Annotated[
        Text | None,
        Field(
            description="Of a recommendation: the condition, over the SQL's columns, on holdout rows whose "
            "item was right to recommend. Every row when left out.",
            examples=["rating >= 4"],
        ),
    ] = None

    @field_validator("slices")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name, times in Counter(value).items():
            if times > 1:
                raise refusal(f'slice "{name}" occurs more than once', expected="each column once")
        return value

    @property
    def compares(self) -> bool:
        """Whether a gate holds the model against the champion of an earlier date."""
        return any(gate.vs_champion is not None for gate in self.gates)

    @property
    def judges_data(self) -> bool:
        """Whether a gate asks for the data of the window, which its profiles tell."""
        return any(gate.metric in OF_DATA for gate in self.gates)

    @property
    def sliced(self) -> dict[str, tuple[str | None, ...]]:
        """Column → values that are measured whatever their rows: `slices`, and those that gates name."""
        named: dict[str, tuple[str | None, ...]] = dict.fromkeys(self.slices, ())
        for gate in self.gates:
            for column, value in (gate.slice or {}).items():
                named[column] = tuple(dict.fromkeys((*named.get(column, ()), value)))
        return named

    @property
    def ranked(self) -> int:
        """How many items a user is recommended."""
        return self.k or RANKED
