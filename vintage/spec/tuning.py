"""How Params are chosen: candidates from a grid, each tried on parts of the training rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from vintage.errors import SpecError
from vintage.spec.base import Listed, SpecModel, Text, refusal
from vintage.spec.metrics import COMPARING, METRICS, Task
from vintage.spec.names import did_you_mean, list_names
from vintage.spec.overrides import find_stage
from vintage.spec.parts import Stage

if TYPE_CHECKING:
    from vintage.spec.loading import Document, KeyPath
    from vintage.spec.problem import Problem

MOST_CANDIDATES: Final = 256
"""More fits than a night has time for; a grid of that size is a mistake, or a search of its own."""

FOLDS: Final = 3
TRAIN_FRACTION: Final = 0.75


class Tuning(SpecModel):
    """Which Params are tried, and how the best are reported."""

    method: Annotated[
        Literal["cross_validation", "train_validation_split"],
        Field(
            description="cross_validation: each fold in turn judges what the others taught. "
            "train_validation_split: one part judges what the rest taught. Parts are hashes of the row key."
        ),
    ]
    folds: Annotated[
        int | None, Field(ge=2, le=100, description="How many folds cross validation has; default 3.")
    ] = None
    train_fraction: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="The share of training rows that a split fits on; default 0.75.",
        ),
    ] = None
    grid: Annotated[
        dict[Text, Listed[Any]],
        Field(
            min_length=1,
            description="Stage.param → the values to try; every combination is a candidate. "
            "StringIndexer[1].param names the second stage of a class.",
            examples=[{"LogisticRegression.regParam": [0.0, 0.01, 0.1]}],
        ),
    ]
    metric: Annotated[
        Text | None, Field(description="The metric that chooses; default: that of evaluate.")
    ] = None
    parallelism: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="How many candidates are fitted at once; results do not depend on it, memory does.",
        ),
    ] = 1
    refresh_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=3660,
            description="Tune once in so many days, counted from start_date, and keep the best Params "
            "between. Without it every date tunes for itself.",
        ),
    ] = None

    @field_validator("grid")
    @classmethod
    def _distinct_values(cls, value: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        for name, values in value.items():
            if not values:
                raise refusal(f"{name} has no value to try", expected="at least one")
            for place, each in enumerate(values):
                if each in values[:place]:
                    raise refusal(f"{name} has the value {each} twice", expected="each value once")
        count = math.prod(map(len, value.values()))
        if count > MOST_CANDIDATES:
            sizes = " · ".join(str(len(values)) for values in value.values())
            raise refusal(
                f"the grid has {count} candidates",
                expected=f"at most {MOST_CANDIDATES}",
                found=sizes,
                hint="try fewer values, or tune a Param at a time",
            )
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Tuning:
        if self.method == "cross_validation" and self.train_fraction is not None:
            raise refusal("train_fraction is of train_validation_split", expected="folds")
        if self.method == "train_validation_split" and self.folds is not None:
            raise refusal("folds are of cross_validation", expected="train_fraction")
        return self

    @property
    def parts(self) -> int:
        """How many parts of the rows judge a candidate, one after the other."""
        return (self.folds or FOLDS) if self.method == "cross_validation" else 1

    @property
    def share(self) -> float:
        """The share of rows that a train/validation split teaches with."""
        return self.train_fraction or TRAIN_FRACTION

    @property
    def candidates(self) -> tuple[Mapping[str, Any], ...]:
        """Every combination of the grid's values; the last Param changes first."""
        return tuple(
            dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())
        )

    def without(self, stages: Sequence[Stage], fixed: Collection[tuple[int, str]]) -> Tuning | None:
        """Return the tuning of the Params that are not fixed; None when none is left.

        Args:
            stages: what the grid's names are about.
            fixed: index of a stage and name of its Param.
        """
        left = {name: values for name, values in self.grid.items() if find_stage(stages, name) not in fixed}
        if not left:
            return None
        return self if left == self.grid else self.model_copy(update={"grid": left})


def tuning_problems(
    tuning: Tuning,
    document: Document,
    *,
    stages: Sequence[Stage] | None,
    task: Task | None,
    metric: str | None,
) -> Iterator[Problem]:
    """Yield what of a tuning does not fit the rest of its file.

    Args:
        tuning: right in itself.
        document: where it stands.
        stages: the pipeline's; None when they are wrong, as are the others.
        task: the pipeline's.
        metric: that of evaluate.
    """
    if task is not None:
        yield from _metric_problems(tuning, document, task, metric)
    seen: dict[tuple[int, str], str] = {}
    for name in tuning.grid if stages is not None else ():
        path: KeyPath = ("tuning", "grid", name)
        try:
            place = find_stage(stages or (), name)
        except SpecError as error:
            hint = error.fix[:1].lower() + error.fix[1:]
            yield document.problem(path, f"tuning.grid: {error.what}", expected=error.expected, hint=hint)
            continue
        if place in seen:
            yield document.problem(path, f"tuning.grid: {name} and {seen[place]} are the same Param")
        seen[place] = name


def _metric_problems(tuning: Tuning, document: Document, task: Task, metric: str | None) -> Iterator[Problem]:
    chosen = tuning.metric or metric
    path: KeyPath = ("tuning", "metric") if tuning.metric else ("tuning",)
    known = [name for name in METRICS[task] if name not in COMPARING]
    if chosen in COMPARING:
        yield document.problem(
            path,
            f'"{chosen}" cannot choose among candidates: it compares a model with the one before it',
            expected=f"tuning.metric: one of {list_names(known)}",
        )
    elif tuning.metric is not None and tuning.metric not in known:
        hint = did_you_mean(tuning.metric, known) or f"known: {list_names(known)}"
        yield document.problem(path, f'no metric "{tuning.metric}" for {task}', hint=hint)
