"""Labels that came after the predictions: which prediction each belongs to, and which belong to none."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Final

from vintage.data.rows import LABEL, TRAINABLE
from vintage.ml.families.measured import is_finite
from vintage.ml.families.slices import slice_columns
from vintage.ml.families.weights import weight_columns
from vintage.ml.scoring import PREDICTED
from vintage.ml.splits import key_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline

STATE: Final = "__state"
"""Column: what became of a prediction, as `LabelCounts` names it."""
STATES: Final = (
    "said_twice",
    "without_row",
    "of_several_rows",
    "unlabelled",
    "excluded",
    "measured",
    "unscored",
)
_SAID: Final = "__said"
_ROWS: Final = "__rows"
_THEN: Final = "__then"
_LOOKED: Final = "__looked"


def matched(
    predictions: DataFrame, rows: DataFrame, pipeline: Pipeline, earlier: DataFrame | None = None
) -> DataFrame:
    """Bring predictions and the rows that have the labels together by the row key; a null is a value.

    Args:
        predictions: the key and the columns of `PREDICTED`.
        rows: feature rows of the date, `label` and `trainable` among their columns.
        pipeline: the row key, the task, and what rows are sliced and weighed by.
        earlier: the rows as they were at an earlier look.

    Returns:
        One row for each key of either: the key, the prediction, `label`, slices and weight, and the state.
    """
    from pyspark.sql import functions as F

    said = _by_key(predictions, pipeline, _SAID, [F.col(name) for name in PREDICTED[pipeline.task]])
    kept = [F.col(LABEL), F.col(TRAINABLE), *slice_columns(pipeline), *weight_columns(pipeline)]
    both = _joined(said, _by_key(rows, pipeline, _ROWS, kept), pipeline, "full")
    if earlier is None:
        both = both.select("*", F.lit(None).cast("double").alias(_THEN), F.lit(0).alias(_LOOKED))
    else:
        then = _by_key(earlier, pipeline, _LOOKED, [F.col(LABEL).alias(_THEN)])
        both = _joined(both, then, pipeline, "left")
    state = (
        F.when(F.col(_SAID).isNull(), F.lit("unscored"))
        .when(F.col(_SAID) > 1, F.lit("said_twice"))
        .when(F.col(_ROWS).isNull(), F.lit("without_row"))
        .when(F.col(_ROWS) > 1, F.lit("of_several_rows"))
        .when(~is_finite(F.col(LABEL)), F.lit("unlabelled"))
        .when(~F.col(TRAINABLE), F.lit("excluded"))
        .otherwise(F.lit("measured"))
    )
    return both.select("*", state.alias(STATE))


def counted(both: DataFrame) -> dict[str, int]:
    """Return how many predictions are in each state, and how many labels are others than at the earlier look.

    Args:
        both: of `matched`.
    """
    from pyspark.sql import functions as F

    now, then = is_finite(F.col(LABEL)), is_finite(F.col(_THEN))
    # Of a key that several rows had, nobody can tell which label was whose.
    comparable = F.col(_SAID).isNotNull() & (F.col(_ROWS) == 1) & (F.col(_LOOKED) == 1)
    changes = {
        "came": now & ~then,
        "changed": now & then & (F.col(LABEL) != F.col(_THEN)),
        "withdrawn": ~now & then,
    }
    found = (
        both.groupBy(STATE)
        .agg(
            F.coalesce(F.sum(_SAID), F.sum(_ROWS)).alias("rows"),
            *(F.count_if(comparable & each).alias(name) for name, each in changes.items()),
        )
        .collect()
    )
    counts = dict.fromkeys(STATES, 0) | {row[STATE]: int(row["rows"]) for row in found}
    said = sum(rows for state, rows in counts.items() if state != "unscored")
    return counts | {"predictions": said} | {name: sum(row[name] for row in found) for name in changes}


def measured(both: DataFrame, pipeline: Pipeline) -> DataFrame:
    """Return the rows that count, as the family's `score` gives them.

    Args:
        both: of `matched`.
        pipeline: as it was given that.
    """
    return both.where(f"{STATE} = 'measured'").drop(STATE, TRAINABLE, _SAID, _ROWS, _THEN, _LOOKED)


def answered(counting: DataFrame, answers: DataFrame, pipeline: Pipeline) -> DataFrame:
    """Return the same rows with what another model says of them; without those it says nothing of.

    Args:
        counting: of `measured`.
        answers: the row key and the columns of `PREDICTED`.
        pipeline: as `measured` was given it.
    """
    from pyspark.sql import functions as F

    names = PREDICTED[pipeline.task]
    theirs = _by_key(answers, pipeline, _SAID, [F.col(name) for name in names])
    return _joined(counting.drop(*names), theirs.where(f"{_SAID} = 1").drop(_SAID), pipeline, "inner")


def _by_key(rows: DataFrame, pipeline: Pipeline, times: str, kept: list[Column]) -> DataFrame:
    """One row for each key: how many rows have it, and what one of them has."""
    from pyspark.sql import functions as F

    narrow = rows.select(*key_columns(pipeline), *kept)
    names = [name for name in narrow.columns if name not in pipeline.preprocess.key]
    return narrow.groupBy(*key_columns(pipeline)).agg(
        F.count(F.lit(1)).alias(times), *(F.first(F.col(f"`{name}`")).alias(name) for name in names)
    )


def _joined(left: DataFrame, right: DataFrame, pipeline: Pipeline, how: str) -> DataFrame:
    from pyspark.sql import functions as F

    key = pipeline.preprocess.key
    pairs = [(F.col(f"mine.`{name}`"), F.col(f"theirs.`{name}`")) for name in key]
    return (
        left.alias("mine")
        .join(
            right.alias("theirs"), on=reduce(and_, (one.eqNullSafe(other) for one, other in pairs)), how=how
        )
        .select(
            *(F.coalesce(*pair).alias(name) for pair, name in zip(pairs, key, strict=True)),
            *(F.col(f"mine.`{name}`") for name in left.columns if name not in key),
            *(F.col(f"theirs.`{name}`") for name in right.columns if name not in key),
        )
    )
