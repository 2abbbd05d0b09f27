"""Isotonic regression: `org.apache.spark.mllib.regression.IsotonicRegressionModel`, Spark 4.1."""

from __future__ import annotations

import numpy as np

from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates


@evaluates("IsotonicRegressionModel")
def isotonic_regression(stage: Stage) -> Evaluate:
    """Return the interpolation between the boundaries around a value; outside, the nearest prediction."""
    boundaries, predictions = stage.one("boundaries"), stage.one("predictions")
    features, made, slot = (stage.params[name] for name in ("featuresCol", "predictionCol", "featureIndex"))

    def evaluate(frame: Frame) -> Frame:
        column = frame[features]
        if column.values.ndim > 1:
            column = Column.full(frame.vectors(features, stage.kind)[:, slot])
        else:
            column = frame.numbers(features)
        return frame.with_columns(
            {made: Column(_interpolated(column.values, boundaries, predictions), column.null)}
        )

    return evaluate


def _interpolated(values: Array, boundaries: Array, predictions: Array) -> Array:
    last = len(boundaries) - 1
    after = np.searchsorted(boundaries, values)
    upper, lower = np.minimum(after, last), np.clip(after - 1, 0, last)
    x1, x2, y1, y2 = boundaries[lower], boundaries[upper], predictions[lower], predictions[upper]
    width = np.where(x2 > x1, x2 - x1, 1.0)
    between = y1 + (y2 - y1) * (values - x1) / width
    # A NaN is beyond all to Java's binary search, as to numpy's.
    outside = (boundaries[upper] == values) | (after == 0) | (after > last)
    return np.where(outside, y2, between)
