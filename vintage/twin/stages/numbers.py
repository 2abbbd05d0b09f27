"""Stages that take single numbers: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

import numpy as np

from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage, number
from vintage.twin.registry import Evaluate, evaluates


@evaluates("Binarizer")
def binarizer(stage: Stage) -> Evaluate:
    """1.0 for what is larger than the threshold, 0.0 for all else, a null and a NaN among it."""
    columns = stage.columns()
    if stage.params.get("thresholds") is not None:
        thresholds = stage.numbers("thresholds")
    else:
        thresholds = np.full(len(columns), stage.number("threshold"))

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for (source, name), threshold in zip(columns, thresholds, strict=True):
            column = frame[source]
            if column.values.ndim > 1:
                large = frame.vectors(source, stage.kind) > threshold
            else:
                large = (frame.numbers(source).values > threshold) & ~column.null
            made[name] = Column.full(large.astype(np.float64))
        return frame.with_columns(made)

    return evaluate


@evaluates("Bucketizer")
def bucketizer(stage: Stage) -> Evaluate:
    """Return the index of the bucket [split, next split) of a value; the last bucket includes its end."""
    columns, invalid = stage.columns(), stage.params["handleInvalid"]
    if stage.params.get("splitsArray") is not None:
        splits = [np.array([number(each) for each in row]) for row in stage.params["splitsArray"]]
    else:
        splits = [stage.numbers("splits")]

    def evaluate(frame: Frame) -> Frame:
        if invalid == "skip":
            for source, _ in columns:
                column = frame.numbers(source)
                frame = frame.keep(~column.null & ~np.isnan(column.values))
        made = {}
        for (source, name), ends in zip(columns, splits, strict=True):
            column = frame.numbers(source)
            nan = np.isnan(column.values)
            inside = (column.values >= ends[0]) & (column.values <= ends[-1])
            frame.require(
                column.null | inside | (nan if invalid == "keep" else False),
                stage.kind,
                f"{source!r} is in none of its buckets, which go from {ends[0]} to {ends[-1]}",
            )
            made[name] = Column(np.where(nan, len(ends) - 1.0, _bucket(column.values, ends)), column.null)
        return frame.with_columns(made)

    return evaluate


def _bucket(values: Array, ends: Array) -> Array:
    bucket = np.searchsorted(ends, values, side="right") - 1.0
    # To Java's binary search -0.0 is less than 0.0.
    below = (values == 0) & np.signbit(values) & np.isin(values, ends[(ends == 0) & ~np.signbit(ends)])
    return np.where(values == ends[-1], len(ends) - 2.0, bucket - below)


@evaluates("ImputerModel")
def imputer(stage: Stage) -> Evaluate:
    """Return the surrogate for a null and for the missing value, in the column's own type."""
    columns, missing = stage.columns(), stage.number("missingValue")
    surrogates = {source: stage.one(source) for source, _ in columns}

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for source, name in columns:
            values = frame.numbers(source).values
            gone = np.isnan(values) if np.isnan(missing) else values == missing
            own = frame[source].values
            filled = np.where(frame[source].null | gone, surrogates[source], values)
            made[name] = Column.full(filled.astype(own.dtype))
        return frame.with_columns(made)

    return evaluate
