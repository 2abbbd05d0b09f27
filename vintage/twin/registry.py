"""Which evaluator stands for which of Spark's classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.errors import TwinError

Evaluate = Callable[[Frame], Frame]
"""Applies a stage to a batch, as Spark's `transform` does."""
Prepare = Callable[[Stage], Evaluate]
"""Makes of a stage's Params and data, once, what applies it."""

EVALUATORS: Final[dict[str, Prepare]] = {}
"""Spark's class, without its package → what prepares its evaluator; `vintage.twin.stages` fills it."""


def evaluates(*kinds: str) -> Callable[[Prepare], Prepare]:
    """Register what prepares the evaluator of these classes of Spark."""

    def register(prepare: Prepare) -> Prepare:
        EVALUATORS.update(dict.fromkeys(kinds, prepare))
        return prepare

    return register


def of_vectors(stage: Stage, function: Callable[[Array], Array]) -> Evaluate:
    """Return an evaluator that makes one column of one column of vectors."""
    [(source, made)] = stage.columns()
    return lambda frame: frame.with_columns({made: Column.full(function(frame.vectors(source, stage.kind)))})


def in_turn(evaluators: Iterable[Evaluate]) -> Evaluate:
    """Return an evaluator that applies several, one after the other."""
    each = tuple(evaluators)

    def evaluate(frame: Frame) -> Frame:
        for apply in each:
            frame = apply(frame)
        return frame

    return evaluate


def prepared(stage: Stage) -> Evaluate:
    """Return the evaluator of a stage.

    Raises:
        TwinError: there is none for its class.
    """
    if stage.kind not in EVALUATORS:
        raise TwinError(f"there is no evaluator for {stage.kind}; a later version may have one")
    return EVALUATORS[stage.kind](stage)
