"""The families of models, by task: how each scores a holdout, and what it measures there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from vintage.ml.families.measured import (
    Answers,
    Comparison,
    EvaluationResult,
    Gain,
    Holdout,
    Interval,
    Slice,
)

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline
    from vintage.spec.metrics import Task

__all__ = [
    "Answers",
    "Comparison",
    "EvaluationResult",
    "Family",
    "Gain",
    "Holdout",
    "Interval",
    "Slice",
    "compare",
    "family_of",
    "measure_answers",
]


class Family(Protocol):
    """What a module of this folder, named as its task, provides."""

    COMPARES: bool
    """Whether `measure` looks at the baseline."""

    READS_TRAIN: bool
    """Whether `measure` looks at the rows that the model was trained on."""

    UNWRITTEN: tuple[str, ...]
    """Columns of `score` that `measure` reads and that are not kept with the predictions."""

    def score(self, rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
        """Return the holdout with the model's predictions: the row key's columns and what `measure` reads.

        Args:
            rows: feature rows with `label`.
            model: a fitted pipeline.
            pipeline: its spec.
        """

    def measure(self, holdout: Holdout) -> EvaluationResult:
        """Return the metrics that `METRICS` names for the task, and the family's details."""


def family_of(task: Task) -> Family:
    """Return the family of a task."""
    return cast("Family", importlib.import_module(f"{__name__}.{task}"))


def compare(holdout: Holdout, measured: EvaluationResult) -> Comparison:
    """Return what the baseline reaches on the rows of a holdout, and the gains of the model on it.

    Args:
        holdout: with the baseline.
        measured: what the family's `measure` gave of it.

    Raises:
        PySparkException, Py4JJavaError, LookupError: the baseline does not run on these rows.
    """
    task = holdout.pipeline.task
    if task == "classification":
        from vintage.ml.families import classification

        return classification.compare(holdout)
    from vintage.ml.families.jackknife import compare_apart

    return compare_apart(family_of(task), holdout, measured)


def measure_answers(answers: Answers) -> EvaluationResult:
    """Return the metrics of what a model said of labelled rows, without the model.

    Raises:
        ValueError: the task learns no label.
    """
    from vintage.ml.families import classification, regression

    match answers.pipeline.task:
        case "classification":
            return classification.measure(answers)
        case "regression":
            return regression.measure(answers)
        case task:
            raise ValueError(task)
