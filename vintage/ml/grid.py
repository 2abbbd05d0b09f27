"""The grid of a tuning: checked without a JVM, and what it means for the stages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vintage.ml.label_flow import label_problems
from vintage.ml.stages import check_stages, stage_columns
from vintage.spec.overrides import find_stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from vintage.spec import Pipeline, Problem


def check_grid(pipeline: Pipeline, columns: Collection[str] | None) -> list[Problem]:
    """Return what is wrong with the values of the grid, each at its line and told once.

    Args:
        pipeline: its stages have no problems of their own.
        columns: the feature columns, `label` apart; None when they are not known.
    """
    found: list[Problem] = []
    known = {problem.what for problem in label_problems(pipeline)}
    for name, value, place in _single(pipeline):
        candidate = pipeline.with_params({name: value})
        for problem in check_stages(candidate, columns) or label_problems(candidate):
            if problem.what in known:
                continue
            told = pipeline.problem(place, f"tuning.grid: {problem.what}")
            if all(each.what != told.what for each in found):
                found.append(replace(told, expected=problem.expected, hint=problem.hint))
    return found


def tuned_columns(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the columns of the feature rows that any candidate's stages read, each once, in order.

    Raises:
        InvalidSpec: a value of the grid is wrong.
    """
    read = dict.fromkeys(stage_columns(pipeline))
    for name, value, _ in _single(pipeline):
        read |= dict.fromkeys(stage_columns(pipeline.with_params({name: value})))
    return tuple(read)


def first_tuned(pipeline: Pipeline) -> int:
    """Return the index of the first tuned stage; the stages before it are the same for all candidates."""
    grid = pipeline.tuning.grid if pipeline.tuning is not None else {}
    return min((find_stage(pipeline.stages, name)[0] for name in grid), default=len(pipeline.stages))


def _single(pipeline: Pipeline) -> Iterator[tuple[str, Any, tuple[str | int, ...]]]:
    """Yield each value of the grid alone, with its place in the file."""
    for name, values in (pipeline.tuning.grid if pipeline.tuning is not None else {}).items():
        for index, value in enumerate(values):
            yield name, value, ("tuning", "grid", name, index)
