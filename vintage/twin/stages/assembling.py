"""Vectors put together and cut: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

import numpy as np

from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates, of_vectors


@evaluates("VectorAssembler")
def vector_assembler(stage: Stage) -> Evaluate:
    """Numbers and vectors, one after the other in one vector.

    A null, or a NaN among the numbers, is refused, leaves out its row, or is kept as NaN.
    """
    sources, made, invalid = (
        stage.params["inputCols"],
        stage.params["outputCol"],
        stage.params["handleInvalid"],
    )

    def evaluate(frame: Frame) -> Frame:
        slots = {name: _slots(frame, name) for name in sources}
        together = np.concatenate([slots[name] for name in sources], axis=1)
        if not np.isnan(together).any() and not any(frame[name].null.any() for name in sources):
            # As nearly always: nothing to be refused, left out or marked.
            return frame.with_columns({made: Column.full(together)})
        for name in sources:
            null = frame[name].null
            if invalid == "keep":
                slots[name] = np.where(null[:, None], np.nan, slots[name])
                continue
            valid = ~null
            if frame[name].values.ndim == 1:
                valid &= ~np.isnan(slots[name][:, 0])
            if invalid == "error":
                frame.require(valid, stage.kind, f"{name!r} is null or NaN")
            else:
                frame = frame.keep(valid)
                slots = {each: values[valid] for each, values in slots.items()}
        return frame.with_columns(
            {made: Column.full(np.concatenate([slots[name] for name in sources], axis=1))}
        )

    return evaluate


def _slots(frame: Frame, name: str) -> Array:
    column = frame[name]
    return column.values if column.values.ndim > 1 else frame.numbers(name).values[:, None]


@evaluates("VectorSizeHint")
def vector_size_hint(stage: Stage) -> Evaluate:
    """Return the same vectors, once they are of the declared size."""
    source, size, invalid = stage.params["inputCol"], stage.params["size"], stage.params["handleInvalid"]

    def evaluate(frame: Frame) -> Frame:
        if invalid == "optimistic":
            return frame
        column = frame[source]
        valid = ~column.null & (column.values.shape[1] == size)
        if invalid == "error":
            frame.require(valid, stage.kind, f"{source!r} is null, or not of size {size}")
        return frame.keep(valid)

    return evaluate


@evaluates("VectorSlicer")
def vector_slicer(stage: Stage) -> Evaluate:
    """Return the chosen slots, in the order in which they are named."""
    slots = np.array(stage.params["indices"], dtype=np.int64)
    return of_vectors(stage, lambda vectors: vectors[:, slots])


@evaluates("ChiSqSelectorModel", "UnivariateFeatureSelectorModel", "VarianceThresholdSelectorModel")
def feature_selector(stage: Stage) -> Evaluate:
    """Return the slots that were selected, in their own order."""
    source, made = stage.params["featuresCol"], stage.params["outputCol"]
    slots = np.sort(stage.one("selectedFeatures")).astype(np.int64)
    return lambda frame: frame.with_columns({made: Column.full(frame.vectors(source, stage.kind)[:, slots])})
