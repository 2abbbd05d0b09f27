"""The classes of pyspark.ml by name, and their Params; no JVM is needed."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pyspark.ml import Estimator, Model, Transformer
from pyspark.ml.param import Param
from pyspark.ml.util import MLReadable, MLWritable

from vintage.spec import did_you_mean
from vintage.store.user_code import CannotImport, import_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.ml._typing import PipelineStage

MODULES: Final = ("feature", "classification", "regression", "clustering", "recommendation", "fpm")


class UnknownStage(LookupError):
    """A name that is no stage; says why, and the nearest that is one."""

    def __init__(self, what: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint


@cache
def known_stages() -> Mapping[str, type[PipelineStage]]:
    """Return every public Transformer and Estimator of pyspark.ml by name, without fitted models."""
    found: dict[str, type[PipelineStage]] = {}
    for name in MODULES:
        module = importlib.import_module(f"pyspark.ml.{name}")
        for class_name in module.__all__:
            if _is_stage(vars(module)[class_name]):
                found[class_name] = vars(module)[class_name]
    return MappingProxyType(found)


def find_stage_class(name: str) -> type[PipelineStage]:
    """Return the class that a stage's name means: one of pyspark.ml, or what a dotted path leads to.

    Raises:
        UnknownStage: there is no such class, or it is no stage.
    """
    if "." in name:
        return _imported(name)
    try:
        return known_stages()[name]
    except KeyError:
        hint = did_you_mean(name, known_stages()) or "a class outside pyspark.ml needs its dotted path"
        raise UnknownStage(f'unknown stage "{name}"', hint=hint) from None


@cache
def params_of(stage: type[PipelineStage]) -> Mapping[str, Param[Any]]:
    """Return the Params of a stage class by name; the class suffices, no instance and no JVM is needed."""
    members = inspect.getmembers_static(stage, lambda member: isinstance(member, Param))
    return MappingProxyType({param.name: param for _, param in members})


def is_sparks_own(stage: type[PipelineStage]) -> bool:
    """Return whether a stage is one of pyspark.ml's."""
    return stage.__module__.startswith("pyspark.ml.")


def _is_stage(candidate: Any) -> bool:
    return (
        inspect.isclass(candidate)
        and issubclass(candidate, Transformer | Estimator)
        and not issubclass(candidate, Model)
        and not inspect.isabstract(candidate)
    )


def _imported(path: str) -> type[PipelineStage]:
    if path.startswith("pyspark.mllib"):
        raise UnknownStage(f'stage "{path}" is of the old RDD API', expected="a class of pyspark.ml")
    try:
        found = import_path(path)
    except CannotImport as error:
        raise UnknownStage(f"stage {path}: {error.what}", hint=error.hint) from error
    if not _is_stage(found):
        raise UnknownStage(
            f'"{path}" is no stage',
            expected="a Transformer or an Estimator that one can make, not a fitted model",
        )
    if not issubclass(found, MLWritable) or not issubclass(found, MLReadable):
        raise UnknownStage(
            f'stage "{path}" can be made, but not saved and loaded',
            expected="a class that is MLWritable and MLReadable",
            hint="derive it from DefaultParamsWritable and DefaultParamsReadable of pyspark.ml.util",
        )
    wanted = [
        name
        for name, parameter in inspect.signature(found).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    if wanted:
        raise UnknownStage(
            f'stage "{path}" cannot be made without {", ".join(wanted)}',
            expected="Params with defaults: Vintage makes a stage first, then sets what is declared",
        )
    stage: type[PipelineStage] = found
    return stage
