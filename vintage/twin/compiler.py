"""Compiles a saved `PipelineModel` into a description that a Twin evaluates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vintage.twin import saved
from vintage.twin.columns import TYPES
from vintage.twin.description import Description, Input, Stage
from vintage.twin.registry import EVALUATORS
from vintage.twin.slots import Slots

_OWN: Final = ("org.apache.spark.ml.", "pyspark.ml.")
"""Packages of Spark's own classes; a pipeline with user stages is saved as Python's class."""
_PIPELINE: Final = "PipelineModel"


@dataclass(frozen=True, slots=True)
class NotPortable:
    """Why a pipeline is Spark's alone to evaluate.

    Attributes:
        stage: the class of the stage that is not portable; empty where a column is not.
        reason: a sentence's end, after `because`.
    """

    stage: str
    reason: str

    def __str__(self) -> str:
        return f"{self.stage or 'the pipeline'} is not portable because {self.reason}"


class _Refusal(Exception):
    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.found = NotPortable(stage, reason)


def compile_model(folder: Path, inputs: Mapping[str, str]) -> Description | NotPortable:
    """Compile a pipeline.

    Args:
        folder: a `PipelineModel`, as `save` wrote it.
        inputs: column → Spark's type of every column that the pipeline reads, as `DataFrame.dtypes` has it.

    Returns:
        The description, or the first thing that is not portable.

    Raises:
        OSError, ValueError: the folder holds no saved pipeline, or a damaged one.
    """
    read = tuple(Input(name, kind) for name, kind in inputs.items())
    for each in read:
        if each.type not in TYPES:
            return NotPortable("", f"its column `{each.name}` is of type {each.type}")
    found = compile_stages(folder, read)
    for stage in found:
        if isinstance(stage, NotPortable):
            return stage
    stages = tuple(stage for stage in found if isinstance(stage, Stage))
    return Description(str(saved.metadata(folder)["sparkVersion"]), read, stages)


def compile_stages(folder: Path, inputs: Sequence[Input]) -> list[Stage | NotPortable]:
    """Compile each stage of a pipeline by itself, so that all that is not portable can be told at once."""
    slots = Slots.of_inputs(inputs)
    found: list[Stage | NotPortable] = []
    for each in _folders_within(_PIPELINE, folder):
        try:
            found.append(_stage(each, slots))
        except _Refusal as refusal:
            found.append(refusal.found)
    return found


def _stage(folder: Path, slots: Slots) -> Stage:
    found = saved.metadata(folder)
    kind = str(found["class"]).rpartition(".")[2]
    if not str(found["class"]).startswith(_OWN):
        raise _Refusal(kind, f"{found['class']} is no class of Spark's own")
    if kind in NOT_OF_ONE_ROW:
        raise _Refusal(kind, NOT_OF_ONE_ROW[kind])
    if kind not in EVALUATORS:
        raise _Refusal(kind, f"there is no evaluator for {kind}")
    within = tuple(_stage(each, slots) for each in _folders_within(kind, folder))
    stage = Stage(kind, saved.params(found), saved.tables(folder), within)
    stage = replace(stage, data={name: each for name, each in stage.data.items() if name not in _UNREAD})
    if kind in _COMPLETED:
        stage = _COMPLETED[kind](stage, slots)
    if kind != _PIPELINE:
        slots.follow(stage)
    return stage


_UNREAD: Final = frozenset({"treesMetadata._2"})
"""The Params of an ensemble's trees, which are those of the ensemble."""


def _folders_within(kind: str, folder: Path) -> Iterator[Path]:
    if kind == _PIPELINE:
        yield from _numbered(folder / "stages", "*_*", lambda name: name.partition("_")[0])
    elif kind == "RFormulaModel":
        yield from _folders_within(_PIPELINE, folder / "pipelineModel")
    elif kind == "OneVsRestModel":
        yield from _numbered(folder, "model_*", lambda name: name.rpartition("_")[2])


def _numbered(folder: Path, pattern: str, number: Callable[[str], str]) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda path: int(number(path.name)))


NOT_OF_ONE_ROW: Final[Mapping[str, str]] = {
    "LocalLDAModel": "it begins each row's topics with Spark's own random numbers",
    "DistributedLDAModel": "it begins each row's topics with Spark's own random numbers",
    "FPGrowthModel": "it makes its rules when it is asked, from all frequent sets at once",
    "SQLTransformer": "its statement is over all rows",
}
"""Spark's class → why it has no evaluator."""


def _with_labels(stage: Stage, slots: Slots) -> Stage:
    if stage.params.get("labels"):
        return stage
    [(source, _)] = stage.columns()
    if source not in slots.labels:
        raise _Refusal(stage.kind, f"no StringIndexer made column `{source}`, from which it takes its labels")
    return replace(stage, params={**stage.params, "labels": slots.labels[source]})


def _with_cardinalities(stage: Stage, slots: Slots) -> Stage:
    sources = stage.params["inputCols"]
    unknown = [name for name in sources if name not in slots.cardinalities]
    if unknown:
        raise _Refusal(stage.kind, f"it is not known which slots of `{unknown[0]}` are categories")
    return replace(stage, data={"cardinalities": [slots.cardinalities[name] for name in sources]})


def _with_slots_by_number(stage: Stage, _: Slots) -> Stage:
    if stage.params.get("names"):
        raise _Refusal(stage.kind, "it names slots, which only the columns of Spark know")
    return stage


_OTHERWISE_IN_JAVA: Final = re.compile(
    r"\\[^wWdDsStnrf\\.\[\](){}*+?|^$/-]|&&|\(\?|(?<!\\)[.^$]|\[[^\]]*\[|[*+?}]\+"
)
"""What Java's regular expressions have and Python's have not, or mean otherwise."""


def _with_a_pattern_of_both(stage: Stage, _: Slots) -> Stage:
    pattern = stage.params["pattern"]
    inside = re.sub(r"\[\^", "[", pattern)
    if re.match(pattern, "", re.ASCII):
        raise _Refusal(stage.kind, "its pattern matches nothing at all, within a character of Java even")
    if found := _OTHERWISE_IN_JAVA.search(inside):
        raise _Refusal(stage.kind, f"{found[0]!r} in its pattern may mean something else to Python")
    return stage


_OTHER_LOWER_CASE: Final = ("tr", "az", "lt")
"""Languages whose lower case Java makes by rules of their own."""


def _in_plain_lower_case(stage: Stage, _: Slots) -> Stage:
    locale = str(stage.params.get("locale") or "")
    if not stage.params["caseSensitive"] and locale.startswith(_OTHER_LOWER_CASE):
        raise _Refusal(stage.kind, f"it makes lower case by the rules of {locale}")
    return stage


_COMPLETED: Final[Mapping[str, Callable[[Stage, Slots], Stage]]] = {
    "IndexToString": _with_labels,
    "Interaction": _with_cardinalities,
    "RegexTokenizer": _with_a_pattern_of_both,
    "StopWordsRemover": _in_plain_lower_case,
    "VectorSlicer": _with_slots_by_number,
}
"""Classes of which a description needs more than Spark saves, or of which not all is portable."""
