"""Stages that hold stages: pipelines, R formulas, one classifier against the rest. Spark 4.1."""

from __future__ import annotations

import numpy as np

from vintage.twin.arithmetic import argmax
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates, in_turn, prepared


@evaluates("PipelineModel")
def pipeline(stage: Stage) -> Evaluate:
    """Return its stages, one after the other."""
    return in_turn(prepared(each) for each in stage.stages)


@evaluates("RFormulaModel")
def r_formula(stage: Stage) -> Evaluate:
    """Return the pipeline that a formula became; its label is for who learns, and is not made."""
    return in_turn(prepared(each) for each in stage.stages)


@evaluates("ColumnPruner")
def column_pruner(stage: Stage) -> Evaluate:
    """Without the columns that an RFormula made on the way."""
    gone = frozenset(stage.one("columnsToPrune"))

    def evaluate(frame: Frame) -> Frame:
        return Frame({name: each for name, each in frame.columns.items() if name not in gone}, frame.rows)

    return evaluate


@evaluates("VectorAttributeRewriter")
def vector_attribute_rewriter(stage: Stage) -> Evaluate:
    """Return the same vectors: it names their slots."""
    return lambda frame: frame


@evaluates("OneVsRestModel")
def one_vs_rest(stage: Stage) -> Evaluate:
    """Return the class whose own classifier is the surest that a row is of it."""
    models = [(prepared(each), each.params["rawPredictionCol"]) for each in stage.stages]
    names = stage.params

    def evaluate(frame: Frame) -> Frame:
        given = Frame({names["featuresCol"]: frame[names["featuresCol"]]}, frame.rows)
        raw = np.stack([apply(given)[column].values[:, 1] for apply, column in models], axis=1)
        made = {names["predictionCol"]: _surest(raw), names["rawPredictionCol"]: raw}
        return frame.with_columns({name: Column.full(values) for name, values in made.items() if name})

    return evaluate


def _surest(raw: Array) -> Array:
    """`array_argmax` of `org.apache.spark.ml.functions`: -1 where none is larger than -∞."""
    return argmax(np.column_stack([np.full(len(raw), -np.inf), raw])) - 1.0
