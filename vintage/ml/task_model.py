"""Whether there is a model of the pipeline's task among its stages, told from their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.ml.catalogue import UnknownStage, find_stage_class, is_sparks_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.spec import Pipeline, Problem
    from vintage.spec.metrics import Task

_EXAMPLES: Final[Mapping[Task, str]] = {
    "classification": "LogisticRegression",
    "regression": "LinearRegression",
    "clustering": "KMeans",
    "recommendation": "ALS",
    "reduction": "PCA",
}


def task_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield the problem of a pipeline whose last model is missing or of another task; user classes pass."""
    tasks: dict[int, str] = {}
    for index, stage in enumerate(pipeline.stages):
        try:
            found = find_stage_class(stage.type)
        except UnknownStage:
            return
        if not is_sparks_own(found):
            return
        task = "reduction" if stage.type == "PCA" else found.__module__.rpartition(".")[2]
        if task in _EXAMPLES:
            tasks[index] = task
    if pipeline.task in tasks.values():
        others = [index for index, task in tasks.items() if task not in {pipeline.task, "reduction"}]
        mine = max(index for index, task in tasks.items() if task == pipeline.task)
        if not [index for index in others if index > mine]:
            return
    models = [index for index, task in tasks.items() if task != "reduction"]
    last = models[-1] if models else len(pipeline.stages) - 1
    name = pipeline.stages[last].type
    what = f"no stage is a {pipeline.task} model"
    if models:
        what = f"{name} is a {tasks[last]} model, and the task is {pipeline.task}"
    yield pipeline.problem(("stages", last, name), what, expected=f"for example {_EXAMPLES[pipeline.task]}")
