"""The declared stages: checked without a JVM, made with one, and what they were made with."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from pyspark.ml.param import Params

from vintage.data.rows import TRAINABLE
from vintage.errors import SpecError, first_line
from vintage.ml.catalogue import UnknownStage, find_stage_class, is_sparks_own, known_stages, params_of
from vintage.ml.column_flow import LABEL, BadFlow, Flow, stage_flow
from vintage.ml.nested import NESTED, nested_stage
from vintage.ml.task_model import task_problems
from vintage.ml.values import value_problem
from vintage.spec import InvalidSpec, did_you_mean
from vintage.spec.names import list_names
from vintage.spec.overrides import find_stage
from vintage.store.user_code import look_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pyspark.ml._typing import PipelineStage
    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline, Problem, Stage
    from vintage.spec.loading import KeyPath

# What a stage calls the start of its random numbers: Spark's classes, and those with scikit-learn's names.
SEEDS: Final = ("seed", "random_state")
_TAKEN: Final = frozenset(
    {"tinyint", "smallint", "int", "bigint", "float", "double", "string", "boolean", "vector"}
)


def check_stages(pipeline: Pipeline, columns: Collection[str] | None) -> list[Problem]:
    """Return what is wrong with the stages, each at its line.

    Args:
        pipeline: its stages name pyspark.ml classes and their Params.
        columns: the feature columns, `label` apart; None when they are not known, and then an input that no
            stage provides is taken to be one of them.
    """
    look_in(pipeline.home)
    found: list[Problem] = []
    flows: list[Flow | None] = []
    for index, stage in enumerate(pipeline.stages):
        problems = list(_stage_problems(pipeline, ("stages", index, stage.type), stage))
        flow: Flow | None = None
        if not problems:
            try:
                flow = stage_flow(stage)
            except BadFlow as error:
                path = ("stages", index, stage.type, error.param)
                problems.append(pipeline.problem(path, error.what, expected=error.expected))
        found += problems
        flows.append(flow)
    return [*found, *_column_problems(pipeline, flows, columns), *_trigger_problems(pipeline)]


def stage_columns(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the columns of the feature rows that the stages read, each once, in order; `label` among them.

    Raises:
        InvalidSpec: the stages have problems.
    """
    problems = check_stages(pipeline, None)
    if problems:
        raise InvalidSpec(problems)
    read: dict[str, None] = {}
    made: set[str] = set()
    for index, stage in enumerate(pipeline.stages):
        flow = stage_flow(stage)
        if flow.unresolved:
            path = ("stages", index, stage.type)
            raise InvalidSpec([pipeline.problem(path, f"only the rows determine what {stage.type} reads")])
        read |= {column.name: None for column in flow.reads if column.name not in made}
        made |= {column.name for column in flow.adds}
    return tuple(read)


def over_rows(pipeline: Pipeline, rows: DataFrame) -> Pipeline:
    """Return the pipeline with what a `.` of an RFormula takes of feature rows, by their types."""
    if not _has_formula(pipeline):
        return pipeline
    return over_columns(pipeline, [name for name, kind in rows.dtypes if _is_taken(kind)])


def over_columns(pipeline: Pipeline, columns: Collection[str] | None) -> Pipeline:
    """Return the pipeline with the `.` of an RFormula expanded; unchanged where the columns are unknown."""
    if columns is None or not _has_formula(pipeline):
        return pipeline
    there = dict.fromkeys([*(name for name in columns if name != TRAINABLE), LABEL])
    stages = []
    for declared in pipeline.stages:
        stage = declared.over(tuple(there)) if declared.type == "RFormula" else declared
        stages.append(stage)
        try:
            flow = stage_flow(stage)
        except (UnknownStage, BadFlow):
            continue
        # What stages add is taken as well.
        there = {**(there if flow.keeps else {}), **dict.fromkeys(column.name for column in flow.adds)}
    return pipeline.model_copy(update={"stages": tuple(stages)})


def build_stages(pipeline: Pipeline) -> list[PipelineStage]:
    """Return the stages as unfitted pyspark.ml objects; stages without a seed get the pipeline's.

    Raises:
        InvalidSpec: the stages have problems, such as a value that Spark does not take.
    """
    problems = check_stages(pipeline, None)
    if problems:
        raise InvalidSpec(problems)
    return [
        _built(pipeline, ("stages", index, stage.type), stage) for index, stage in enumerate(pipeline.stages)
    ]


def resolved_params(stages: Sequence[PipelineStage]) -> dict[str, str]:
    """`0.Imputer.strategy` → `median`: every Param of every stage that is set or has a default.

    Names that Spark makes up from a stage's random id are left out: they mean nothing and differ each time.
    """
    found: dict[str, str] = {}
    for index, stage in enumerate(stages):
        found |= _resolved(stage, f"{index}.{type(stage).__name__}")
    return found


def _resolved(stage: Params, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for param in stage.params:
        if not stage.isDefined(param):
            continue
        value = stage.getOrDefault(param)
        if isinstance(value, Params):
            found |= _resolved(value, f"{prefix}.{param.name}.{type(value).__name__}")
        elif not (isinstance(value, str) and stage.uid in value):
            found[f"{prefix}.{param.name}"] = _text(value)
    return found


def _stage_problems(pipeline: Pipeline, path: KeyPath, stage: Stage) -> Iterator[Problem]:
    """Yield the problems of the stage at a key path, and of the stage that it may contain."""
    try:
        stage_class = find_stage_class(stage.type)
    except UnknownStage as error:
        yield pipeline.problem(path, error.what, expected=error.expected, hint=error.hint)
        return
    params, told = params_of(stage_class), is_sparks_own(stage_class)
    for name, value in stage.params.items():
        if name not in params:
            hint = did_you_mean(name, params) or f"its Params: {list_names(sorted(params), most=40)}"
            yield pipeline.problem((*path, name), f'{stage.type} has no Param "{name}"', hint=hint)
            continue
        if told and (stage.type, name) in NESTED:
            continue
        expected, hint = value_problem(params[name], value, told=told)
        if expected:
            what = f"{stage.type}.{name} cannot be {_text(value, quoted=True)}"
            yield pipeline.problem((*path, name), what, expected=expected, hint=hint)
    for owner, name in NESTED:
        if told and stage.type == owner:
            yield from _nested_problems(pipeline, path, stage, name)


def _trigger_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield Params of the trigger form that the stage's class lacks."""
    for index, name in enumerate(pipeline.trigger_params):
        try:
            place, param = find_stage(pipeline.stages, name)
            params = params_of(find_stage_class(pipeline.stages[place].type))
        except (SpecError, UnknownStage):
            # Told of the file, and of the stage.
            continue
        if param not in params:
            what = f'trigger_params: {pipeline.stages[place].type} has no Param "{param}"'
            hint = did_you_mean(param, params) or f"its Params: {list_names(sorted(params), most=40)}"
            yield pipeline.problem(("trigger_params", index), what, hint=hint)


def _nested_problems(pipeline: Pipeline, path: KeyPath, stage: Stage, name: str) -> Iterator[Problem]:
    nested = nested_stage(stage, name)
    wanted = NESTED[stage.type, name]
    if nested is None:
        at = (*path, name) if name in stage.params else path
        what = f"{stage.type}.{name} is no stage" if name in stage.params else f"{stage.type} has no {name}"
        yield pipeline.problem(at, what, expected=wanted.example)
        return
    below = (*path, name, nested.type)
    problems = list(_stage_problems(pipeline, below, nested))
    yield from problems
    if problems:
        return
    found = find_stage_class(nested.type)
    if not wanted.fits(found, params_of(found)):
        yield pipeline.problem(below, f"{nested.type} is no {name}", expected=wanted.example)
    for param in wanted.lost:
        if param in stage.params:
            what = f"{stage.type}.{param} is lost when Spark saves and loads the model"
            yield pipeline.problem((*path, param), what, hint="leave it out, for Spark's default")
    for param in wanted.given:
        if param in nested.params:
            yield pipeline.problem(
                (*below, param), f"{stage.type} gives its {name} its own {param}", hint="leave it out here"
            )


def _column_problems(
    pipeline: Pipeline, flows: Sequence[Flow | None], columns: Collection[str] | None
) -> Iterator[Problem]:
    """Yield inputs that do not exist, and outputs that already exist, from stage to stage."""
    there = {LABEL, *(columns or ())}
    known = columns is not None
    for index, flow in enumerate(flows):
        stage = pipeline.stages[index]
        path = ("stages", index, stage.type)
        if flow is None:
            known = False
            continue
        for column in flow.reads:
            if known and column.name not in there:
                hint = did_you_mean(column.name, there) or f"there are {list_names(sorted(there))}"
                yield pipeline.problem(
                    (*path, *column.at),
                    f'{stage.type} reads column "{column.name}", which does not exist',
                    hint=hint,
                )
        there = there if flow.keeps else set()
        for column in flow.adds:
            if column.name in there:
                yield pipeline.problem(
                    (*path, *column.at),
                    f'{stage.type} adds column "{column.name}", which already exists',
                    hint="give it a name of its own",
                )
            there.add(column.name)
        known = known and not flow.open
    yield from task_problems(pipeline)


def _built(pipeline: Pipeline, path: KeyPath, declared: Stage) -> PipelineStage:
    from pyspark.errors import IllegalArgumentException

    stage = find_stage_class(declared.type)()
    for name in SEEDS:
        if stage.hasParam(name):
            stage.set(stage.getParam(name), pipeline.seed)
    for name, value in declared.params.items():
        nested = nested_stage(declared, name) if (declared.type, name) in NESTED else None
        made = value if nested is None else _built(pipeline, (*path, name, nested.type), nested)
        stage.set(stage.getParam(name), made)
    # Which values a Param takes only the JVM's class knows; asked now, not in the midst of a fit.
    to_java = getattr(stage, "_transfer_params_to_java", None)
    try:
        if to_java is not None:
            to_java()
    except IllegalArgumentException as error:
        reason = first_line(error).replace(stage.uid, declared.type)
        raise InvalidSpec([pipeline.problem(path, f"Spark refuses a Param: {reason}")]) from error
    return stage


def _has_formula(pipeline: Pipeline) -> bool:
    return any(stage.type == "RFormula" for stage in pipeline.stages)


def _is_taken(kind: str) -> bool:
    return kind in _TAKEN or kind.startswith("decimal")


def _text(value: Any, *, quoted: bool = False) -> str:
    if isinstance(value, str) and not quoted:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        return json.dumps(value)
    except TypeError:
        return str(value)


__all__ = [
    "build_stages",
    "check_stages",
    "known_stages",
    "over_columns",
    "over_rows",
    "resolved_params",
    "stage_columns",
]
