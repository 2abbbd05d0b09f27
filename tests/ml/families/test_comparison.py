"""A regression and its champion on the same rows: gains in the metric's own direction, with intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.ml.families.conftest import holdout_of
from tests.ml.test_stages import pipeline_of
from vintage.ml.families import compare, family_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_gains_of_a_regression(spark: SparkSession) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    random = np.random.default_rng(4)
    points = random.normal(0, 1, (500, 2))
    labels = points @ [2.0, 1.0] + random.normal(0, 0.5, 500)
    rows = spark.createDataFrame(
        [
            (place, *map(float, point), float(label))
            for place, (point, label) in enumerate(zip(points, labels, strict=True))
        ],
        "id int, x double, z double, label double",
    )
    both, one = (
        Pipeline(stages=[VectorAssembler(inputCols=names, outputCol="features"), LinearRegression()]).fit(
            rows
        )
        for names in (["x", "z"], ["x"])
    )
    spec = pipeline_of("- LinearRegression: {}", task="regression", evaluate={"metric": "rmse"})
    family = family_of("regression")
    holdout = holdout_of(
        family.score(rows, both, spec), rows=rows, model=both, pipeline=spec, baseline=one, thorough=True
    )
    measured = family.measure(holdout)
    found = compare(holdout, measured)
    apart = family.measure(replace(holdout, scored=family.score(rows, one, spec), model=one))
    assert (found.rows, found.values) == (500, apart.values)
    for name, larger in (("rmse", False), ("mae", False), ("r2", True)):
        gain = found.gains[name]
        difference = measured.values[name] - apart.values[name]
        assert gain.value == (difference if larger else -difference)
        assert gain.interval is not None
        assert 0 < gain.interval.low < gain.value < gain.interval.high
        # As wide as that of two samples of their own at the most, but for chance.
        ours, theirs = measured.intervals[name], apart.intervals[name]
        own = np.hypot(ours.high - ours.low, theirs.high - theirs.low)
        assert gain.interval.high - gain.interval.low < 1.2 * own
