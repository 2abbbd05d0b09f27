"""Factorization machines and ALS: `org.apache.spark.ml`, Spark 4.1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vintage.twin.arithmetic import in_order, logistic
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates
from vintage.twin.stages.prediction import beside, classifier, regressor, two_sided


def _raw(stage: Stage) -> Callable[[Array], Array]:
    """`FactorizationMachines.getRawPrediction`: intercept, linear terms, and products of pairs."""
    intercept, linear, factors = stage.one("intercept"), stage.one("linear"), stage.one("factors")

    def raw(vectors: Array) -> Array:
        there = vectors != 0
        terms = np.where(there, vectors * linear, 0.0)
        found = in_order(np.column_stack([np.full(len(vectors), intercept), terms]))
        for factor in factors.T:
            products = np.where(there, vectors * factor, 0.0)
            total, squares = in_order(products), in_order(products * products)
            found = found + 0.5 * (total * total - squares)
        return found

    return raw


@evaluates("FMClassificationModel")
def fm_classifier(stage: Stage) -> Evaluate:
    """Return the logistic of the machine's number is the probability of class 1."""
    raw = _raw(stage)
    return classifier(
        stage,
        lambda vectors: two_sided(raw(vectors)),
        lambda scores: beside(logistic(scores[:, 1]))[:, ::-1],
    )


@evaluates("FMRegressionModel")
def fm_regressor(stage: Stage) -> Evaluate:
    """Return the machine's number."""
    return regressor(stage, _raw(stage))


@evaluates("ALSModel")
def alternating_least_squares(stage: Stage) -> Evaluate:
    """Return the product of a user's and an item's factors in single precision; NaN for unknown ids.

    `coldStartStrategy: drop` leaves such a row out.
    """
    users, items = _factors(stage, "userFactors"), _factors(stage, "itemFactors")
    names = stage.params

    def evaluate(frame: Frame) -> Frame:
        user, item = (_places(frame, names[name], stage.kind) for name in ("userCol", "itemCol"))
        products = users(user) * items(item)
        ratings = np.add.accumulate(products, axis=1, dtype=np.float32)[:, -1]
        frame = frame.with_columns({names["predictionCol"]: Column.full(ratings)})
        return frame.keep(~np.isnan(ratings)) if names["coldStartStrategy"] == "drop" else frame

    return evaluate


def _places(frame: Frame, name: str, stage: str) -> Column:
    column = frame.numbers(name)
    whole = (column.values == np.trunc(column.values)) & (np.abs(column.values) < 2**31)
    frame.require(whole & ~column.null, stage, f"{name!r} is null, or no integer of 32 bits")
    return column


def _factors(stage: Stage, name: str) -> Callable[[Column], Array]:
    """From ids to factors, (n,) → (n, rank); NaN for an id that has none."""
    order = np.argsort(stage.data[f"{name}.id"])
    ids = np.asarray(stage.data[f"{name}.id"])[order]
    factors = np.asarray(stage.data[f"{name}.features"], dtype=np.float32)[order]

    def of(column: Column) -> Array:
        place = np.minimum(np.searchsorted(ids, column.values), len(ids) - 1)
        known = ids[place] == column.values
        return np.where(known[:, None], factors[place], np.float32("nan"))

    return of
