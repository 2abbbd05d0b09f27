"""Counts classified rows into cells: one pass of Spark, and what it collects does not grow with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vintage.data.rows import LABEL
from vintage.ml.families.cells import Cells
from vintage.ml.families.measured import is_finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    from vintage.ml.families.weights import Weights

    Counted = Mapping[str, NDArray[np.generic]]

EXACT_ROWS: Final = 100_000
"""Rows up to which every score is distinguished; beyond, scores are binned."""
SHARE: Final = "share"
"""Column of counted rows: what `Weights.share` gives."""
LOSS_EPSILON: Final = 1e-15
MOST_CLASSES: Final = 2.0**31

# A loss is added as two whole numbers, so that no sum depends on the order of rows: the whole of its
# 2^20-fold, and 2^30 times what is left. A row's is off by 2^-50 at the most.
_WHOLE: Final = 2.0**20
_REST: Final = 2.0**30


def binned(side: str, rows: int, bins: int) -> Column:
    """Return a score by which rows are counted: itself up to EXACT_ROWS, the lower bound of its bin beyond.

    Bins are of equal width. A raw score, of a model without probabilities, is binned by its logistic
    function.

    Args:
        side: what the names of the columns `score` and `probability` begin with.
        rows: about how many rows there are.
        bins: how many bins there are between 0 and 1.
    """
    from pyspark.sql import functions as F

    score = F.col(f"{side}score")
    if rows <= EXACT_ROWS:
        return score
    raw = F.lit(1.0) / (F.lit(1.0) + F.exp(-score))
    unit = F.when(F.col(f"{side}probability").isNull(), raw).otherwise(score)
    return F.when(F.isnan(score), score).otherwise(F.floor(unit * bins) / bins)


def log_loss(side: str, weights: Weights | None = None) -> list[Column]:
    """Return a row's log loss as integers `<side>whole` and `<side>rest`; null without probabilities.

    Args:
        side: as of `binned`.
        weights: by whose share of a row its loss is multiplied.
    """
    from pyspark.sql import functions as F

    probability = F.col(f"{side}probability")
    # A label that is no class has no probability, and no cast to a whole number.
    classed = F.when(F.abs(F.col(LABEL)) < F.lit(MOST_CLASSES), F.col(LABEL)).cast("int")
    # A class that the model does not know has probability 0.
    given = F.greatest(F.coalesce(F.get(probability, classed), F.lit(0.0)), F.lit(LOSS_EPSILON))
    loss = F.when(probability.isNotNull(), -F.log(given))
    if weights is not None:
        loss = loss * weights.share.cast("double")
    scaled = F.when(is_finite(loss), loss * _WHOLE)
    return [
        F.floor(scaled).alias(f"{side}whole"),
        F.floor((scaled - F.floor(scaled)) * _REST).alias(f"{side}rest"),
    ]


def count(frame: DataFrame, sets: Sequence[Sequence[str]], sides: Sequence[str] = ("",)) -> list[Counted]:
    """Count rows by several sets of columns in one pass.

    Args:
        frame: the columns of the sets, of each side what `log_loss` gives; and SHARE, where rows are weighed.
        sets: each is counted by itself.
        sides: whose losses are added.

    Returns:
        For each set, arrays with one entry for each combination of its columns, in their order: the columns,
        `rows`, `weight` and `squares` (the sums of the rows' weights and of their squares; 1 each where they
        are not weighed), and of each side `<side>loss`, NaN where one of the rows has none.
    """
    from pyspark.sql import functions as F

    every = list(dict.fromkeys(name for names in sets for name in names))
    sums = [F.count(F.lit(1)).alias("rows")]
    weighed = SHARE in frame.columns
    if weighed:
        squares = (F.col(SHARE) * F.col(SHARE)).cast("decimal(28,27)")
        sums += [F.sum(SHARE).cast("double").alias("weight"), F.sum(squares).cast("double").alias("squares")]
    for side in sides:
        sums += [F.sum(f"{side}{part}").alias(f"{side}{part}") for part in ("whole", "rest")]
        sums.append(F.count(f"{side}whole").alias(f"{side}known"))
    columns = [F.col(name) for name in every]
    grouped = frame.groupingSets([[F.col(name) for name in names] for names in sets], *columns)
    table = grouped.agg(F.grouping_id().alias("set"), *sums).toArrow()
    found = {name: table[name].to_numpy() for name in (*every, "set", "rows")}
    for name in ("weight", "squares"):
        found[name] = (table[name] if weighed else table["rows"]).to_numpy().astype(float)
    for side in sides:
        whole, rest = (table[f"{side}{part}"].fill_null(0).to_numpy() for part in ("whole", "rest"))
        known = table[f"{side}known"].to_numpy() == found["rows"]
        found[f"{side}loss"] = np.where(known, (whole + rest / _REST) / _WHOLE, np.nan)
    return [_of_set(found, names, every) for names in sets]


def set_number(names: Sequence[str], every: Sequence[str]) -> int:
    """Return Spark's grouping_id of a set of columns: a bit for each column that is not in the set.

    The first column's bit is the highest.
    """
    return sum(1 << place for place, name in enumerate(reversed(every)) if name not in names)


def _of_set(found: Counted, names: Sequence[str], every: Sequence[str]) -> Counted:
    here = found["set"] == set_number(names, every)
    part = {name: array[here] for name, array in found.items() if name in names or name not in every}
    order = np.lexsort([part[name] for name in reversed(names)])
    return {name: array[order] for name, array in part.items()}


def are_classes(counted: Counted, *columns: str) -> NDArray[np.bool_]:
    """Return which entries have a whole number from 0 in each of the columns."""
    found = np.ones(len(counted["rows"]), dtype=bool)
    for name in columns:
        values = counted[name].astype(float)
        with np.errstate(invalid="ignore"):
            found &= (values >= 0) & (values < MOST_CLASSES) & (np.floor(values) == values)
    return found


def cells_of(counted: Counted, chosen: NDArray[np.bool_], *, side: str = "", score: str = "score") -> Cells:
    """Entries of what was counted as cells.

    Args:
        counted: what `count` gives of a set.
        chosen: the entries.
        side: whose answers they are.
        score: the column that ranks the rows, without the side.
    """
    rows = counted["rows"][chosen].astype(np.int64)
    label, prediction, ranks, loss, weight, squares = (
        counted[name][chosen].astype(float)
        for name in (LABEL, f"{side}prediction", f"{side}{score}", f"{side}loss", "weight", "squares")
    )
    return Cells(label, prediction, ranks, rows, loss, weight, squares)
