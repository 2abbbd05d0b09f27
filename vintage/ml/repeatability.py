"""What may keep a pipeline from giving the same model again, though nothing in it is wrong for certain."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from vintage.data.repeatable_code import code_warnings
from vintage.ml.catalogue import UnknownStage, find_stage_class, params_of
from vintage.ml.stages import SEEDS
from vintage.spec.repeatable_checks import sql_warnings
from vintage.store.user_code import look_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.spec import Pipeline, Problem

_XGBOOST: Final = "xgboost.spark."


def repeatability_warnings(pipeline: Pipeline) -> list[Problem]:
    """Return what is to be looked at in the SQL, in user code and in the stages; no JVM is needed."""
    found = {*sql_warnings(pipeline), *code_warnings(pipeline), *stage_warnings(pipeline)}
    return sorted(found, key=lambda each: each.order)


def stage_warnings(pipeline: Pipeline) -> Iterator[Problem]:
    """Stages outside pyspark.ml with a seed that nobody sets, or that add up in no certain order."""
    look_in(pipeline.home)
    for index, stage in enumerate(pipeline.stages):
        if "." not in stage.type:
            continue
        path = ("stages", index, stage.type)
        try:
            stage_class = find_stage_class(stage.type)
        except UnknownStage:
            continue
        params = params_of(stage_class)
        for name in params:
            if _is_seed(name) and name not in {*SEEDS, *stage.params}:
                yield pipeline.problem(
                    path,
                    f"{stage.type}.{name} looks like a seed, and is left at its default",
                    hint=f"declare it, or call the Param {SEEDS[0]}: then it is the pipeline's",
                )
        for name in inspect.signature(stage_class).parameters:
            if _is_seed(name) and name not in params:
                yield pipeline.problem(
                    path,
                    f"{stage.type} is made with a {name} that is no Param, so that no declaration can set it",
                    hint=f"make it a Param: Vintage sets one that is called {SEEDS[0]}",
                )
        if stage.type.startswith(_XGBOOST):
            yield from _workers(pipeline, index)


def _is_seed(name: str) -> bool:
    return "seed" in name.lower() or name.lower() in {"random_state", "randomstate"}


def _workers(pipeline: Pipeline, index: int) -> Iterator[Problem]:
    stage = pipeline.stages[index]
    workers: Any = stage.params.get("num_workers", 1)
    if isinstance(workers, int) and workers > 1:
        yield pipeline.problem(
            ("stages", index, stage.type, "num_workers"),
            f"{stage.type} with {workers} num_workers adds up in an order that Vintage does not fix",
            hint="leave it out, for one worker, if the same data is to give the same model",
        )
