"""Columns that hold the answer and reach the model as features, followed from the SQL through the stages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vintage.ml.catalogue import find_stage_class, params_of
from vintage.ml.column_flow import LABEL, Flow, stage_flow
from vintage.ml.formula import Formula
from vintage.ml.stages import check_stages
from vintage.spec import InvalidSpec
from vintage.spec.features import FEATURE_ROWS, FeatureOrigins
from vintage.spec.names import list_names
from vintage.spec.sql import SOURCE_VIEW, read_query
from vintage.spec.sql_lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from vintage.spec import Pipeline, Problem, Stage
    from vintage.spec.loading import KeyPath
    from vintage.spec.sql_lineage import Origin


@dataclass(frozen=True)
class Answer:
    """A feature column that holds the label, or what the label is computed from, on its way to the model.

    Attributes:
        column: of the feature rows.
        shared: the raw columns that it and the label are computed from, as a person reads them.
        trail: the stages and columns that it went through so far, the column itself first.
        at: where the first stage reads it in the file.
    """

    column: str
    shared: tuple[str, ...]
    trail: tuple[str, ...]
    at: KeyPath


def label_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Find each feature column that the model is trained on and that the label is computed from, at its line.

    What `preprocess.allow_label_columns` names is allowed. Of user code only the columns that it is
    given and gives are known.

    Args:
        pipeline: its stages have no problems of their own.
    """
    if pipeline.label is None:
        return
    answers = _Answers(pipeline)
    reported: set[str] = set()
    for answer in answers.learnt():
        if answer.column not in reported:
            reported.add(answer.column)
            yield _problem(pipeline, answer)


def _problem(pipeline: Pipeline, answer: Answer) -> Problem:
    trail = " → ".join(answer.trail)
    if answer.column == LABEL:
        what, hint = f'the model learns from "{LABEL}", which is the answer', ""
    else:
        what = f'the model learns from "{answer.column}", and its label is computed from the same column'
        hint = (
            "leave it out; if it is known before the answer is, allow it with "
            f"preprocess.allow_label_columns: [{answer.column}]"
        )
    found = f"label {pipeline.label} reads {list_names(answer.shared)}, and {trail}"
    return pipeline.problem(
        answer.at, what, expected="columns that are known before the answer is", found=found, hint=hint
    )


class _Answers:
    """Follows the answer from stage to stage."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._origins = FeatureOrigins(pipeline)
        self._label = self._origins.of_expression(pipeline.label or LABEL) | {(FEATURE_ROWS, LABEL)}
        self._flows = [stage_flow(stage) for stage in pipeline.stages]
        self._label |= self._learnt_labels()

    def learnt(self) -> Iterator[Answer]:
        """Yield what reaches a model among its features."""
        made: dict[str, tuple[Answer, ...]] = {}
        for index, (stage, flow) in enumerate(zip(self._pipeline.stages, self._flows, strict=True)):
            path: KeyPath = ("stages", index, stage.type)
            reads: dict[str, tuple[Answer, ...]] = {}
            for column in flow.reads:
                if not column.answers:
                    entered = self._entering(column.name, (*path, *column.at))
                    found = made.get(column.name, entered)
                    reads[column.name] = tuple(
                        replace(each, trail=(*each.trail, stage.type)) for each in found
                    )
            if _is_model(stage) or index == len(self._flows) - 1:
                yield from (each for found in reads.values() for each in found)
                made |= {column.name: () for column in flow.adds}
                continue
            for name, sources in added_from(stage, flow).items():
                found = tuple(each for source in sources for each in reads.get(source, ()))
                made[name] = tuple(replace(each, trail=(*each.trail, name)) for each in found)

    def _learnt_labels(self) -> frozenset[Origin]:
        """Return the origins of labels that stages make, such as a StringIndexer's of a text."""
        sources: dict[str, frozenset[Origin]] = {}
        found: frozenset[Origin] = frozenset()
        for stage, flow in zip(self._pipeline.stages, self._flows, strict=True):
            if _is_model(stage):
                for column in flow.reads:
                    if column.at[0] == "labelCol" and column.name != LABEL:
                        found |= sources.get(column.name, self._origins.of_column(column.name))
            for name, read in added_from(stage, flow).items():
                each = [sources.get(one, self._origins.of_column(one)) for one in read]
                sources[name] = frozenset().union(*each)
        return found

    def _entering(self, name: str, at: KeyPath) -> tuple[Answer, ...]:
        """Return the answer that a column of the feature rows holds, if it holds one that is not allowed."""
        if name.lower() in {each.lower() for each in self._pipeline.preprocess.allow_label_columns}:
            return ()
        shared = {
            max(one, other, key=len)
            for one in self._origins.of_column(name)
            for other in self._label
            if _overlap(one, other)
        }
        if not shared:
            return ()
        raw = [origin for origin in shared if origin[0] != FEATURE_ROWS] or list(shared)
        told = tuple(sorted(".".join(part for part in origin if part) for origin in raw))
        return (Answer(name, told, (name,), at),)


def _overlap(one: Origin, other: Origin) -> bool:
    """Return whether one is the other, or a field within it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _is_model(stage: Stage) -> bool:
    return "predictionCol" in params_of(find_stage_class(stage.type))


def added_from(stage: Stage, flow: Flow) -> Mapping[str, Collection[str]]:
    """Column that a stage adds → the columns that it is made from."""
    read = [column.name for column in flow.reads if not column.answers]
    if stage.type == "SQLTransformer":
        statement = str(stage.params.get("statement", "")).replace("__THIS__", SOURCE_VIEW)
        lineage = Lineage(read_query(statement), {SOURCE_VIEW: None})
        by_name = {name.lower(): name for name in (*read, LABEL)}
        return {
            column.name: [
                by_name.get(origin[1], origin[1]) for origin in lineage.of(column.name) if len(origin) > 1
            ]
            for column in flow.adds
        }
    sources, targets = stage.params.get("inputCols"), stage.params.get("outputCols")
    if isinstance(sources, list) and isinstance(targets, list) and len(sources) == len(targets):
        return {str(target): [str(source)] for source, target in zip(sources, targets, strict=True)}
    return {column.name: read for column in flow.adds}


def require_read(pipeline: Pipeline, columns: Collection[str]) -> None:
    """Check of the rows of an RFormula with a `.` what could not be checked before: its columns, the label.

    Raises:
        InvalidSpec: a column that a stage reads does not exist, or the model is trained on its label.
    """
    formulas = [Formula.read(str(stage.params.get("formula", ""))) for stage in pipeline.stages]
    if any(formula and formula.rest for formula in formulas):
        problems = check_stages(pipeline, columns) or list(label_problems(pipeline))
        if problems:
            raise InvalidSpec(problems)
