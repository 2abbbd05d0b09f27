"""Params that hold a stage: `OneVsRest: {classifier: {LinearSVC: {maxIter: 10}}}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from pyspark.ml import Estimator

from vintage.spec import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyspark.ml._typing import PipelineStage


@dataclass(frozen=True)
class Nested:
    """What a Param wants for a stage.

    Attributes:
        has: a Param that any such stage has.
        lacks: a Param that none has.
        given: its Params that the outer stage sets, whatever they are.
        lost: Params of the outer stage that a model loses when Spark 4.1 saves and loads it.
        example: for a message.
    """

    has: str
    lacks: str
    given: tuple[str, ...]
    lost: tuple[str, ...]
    example: str

    def fits(self, stage: type[PipelineStage], params: Collection[str]) -> bool:
        """Return whether the Param takes a stage of that class, which has those Params."""
        return issubclass(stage, Estimator) and self.has in params and self.lacks not in params


NESTED: Final[Mapping[tuple[str, str], Nested]] = {
    ("OneVsRest", "classifier"): Nested(
        has="rawPredictionCol",
        lacks="classifier",
        given=("featuresCol", "labelCol", "predictionCol", "rawPredictionCol", "weightCol"),
        lost=("rawPredictionCol",),
        example="a classifier of two classes, such as {LogisticRegression: {maxIter: 20}}",
    ),
}
"""Class and Param → what it holds."""


def nested_stage(stage: Stage, param: str) -> Stage | None:
    """Return the stage that a Param holds; None when it holds something else or nothing."""
    value = stage.params.get(param)
    if not isinstance(value, dict | str):
        return None
    try:
        return Stage.model_validate(value)
    except ValidationError:
        return None
