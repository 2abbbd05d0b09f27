"""Why rows were not scored: the check they failed, or the stage that left them out, and their values."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

from vintage.ml.catalogue import find_stage_class, is_sparks_own, params_of
from vintage.ml.scoring import ROW, asked_of, checks_of, lenient_model, row_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline

REASON: Final = "reason"
"""Column: why a row was not scored."""
FOUND: Final = "found"
"""Column: the values that are to blame, `carrier=ZZ`, for example; empty where they are unknown."""

_WORDS: Final[Mapping[str, str]] = {
    "StringIndexer": "has not seen the value",
    "VectorIndexer": "has not seen the value",
    "OneHotEncoder": "has not seen the value",
    "VectorAssembler": "is given a null or NaN",
    "Bucketizer": "has no bucket for the value",
    "QuantileDiscretizer": "has no bucket for the value",
    "ALS": "does not know the user or the item",
}
_DROPPING: Final = frozenset({"handleInvalid", "coldStartStrategy", "statement"})
_SHOWN: Final = frozenset(
    {
        *("string", "boolean", "date", "timestamp"),
        *("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"),
    }
)


def unscored(rows: DataFrame, scored: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return the rows that are not among those scored.

    Args:
        rows: what was to be scored, of `identified`.
        scored: what `predict` made of them.
        model: the fitted pipeline.
        pipeline: as `predict` was given it.

    Returns:
        The columns of `rows` but for `scored_row`, then `reason` and `found`.
    """
    from pyspark.sql import DataFrame

    left = rows.join(scored.select(ROW), on=ROW, how="left_anti")
    told = list(_told(left, model, pipeline))
    why = reduce(DataFrame.unionByName, told)
    return left.join(why, on=ROW, how="inner").drop(ROW)


def _told(left: DataFrame, model: PipelineModel, pipeline: Pipeline) -> Iterator[DataFrame]:
    """`scored_row`, `reason` and `found` of rows: first by check, then stage by stage, then by the answer."""
    from pyspark.sql import functions as F

    for check in checks_of(left, pipeline):
        wrong = F.coalesce(check.wrong, F.lit(False))
        shown = F.concat(F.lit(f"{check.column}="), F.coalesce(check.shown.cast("string"), F.lit("null")))
        yield _because(left.where(wrong), f"column {check.column} {check.what}", shown)
        left = left.where(~wrong)
    for index, stage in enumerate(lenient_model(model).stages):
        taken = stage.transform(left)
        if ROW not in taken.columns:
            taken = taken.withColumn(ROW, row_of_key(pipeline))
        if _may_drop(pipeline, index):
            out = left.join(taken.select(ROW), on=ROW, how="left_anti")
            yield _because(out, _words(pipeline, index), _values(out, pipeline, index))
        left = taken
    last = len(pipeline.stages) - 1
    of_stage = pipeline.stages[last].type in _WORDS
    reason = _words(pipeline, last) if of_stage else "the prediction is null or no finite number"
    yield _because(left, reason, _values(left, pipeline, last))


def _because(rows: DataFrame, reason: str, found: Column) -> DataFrame:
    from pyspark.sql import functions as F

    return rows.select(ROW, F.lit(reason).alias(REASON), found.alias(FOUND))


def _may_drop(pipeline: Pipeline, index: int) -> bool:
    """Return whether a stage may drop rows: one with handleInvalid or bounds, SQL, ALS, or a user's class."""
    found = find_stage_class(pipeline.stages[index].type)
    return not is_sparks_own(found) or bool(_DROPPING & set(params_of(found)))


def _words(pipeline: Pipeline, index: int) -> str:
    name = pipeline.stages[index].type
    return f"stage {index}, {name}, {_WORDS.get(name, 'leaves the row out')}"


def _values(rows: DataFrame, pipeline: Pipeline, index: int) -> Column:
    """Of the columns that a stage reads to answer: those that are null or NaN, else all that can be shown."""
    from pyspark.sql import functions as F

    kinds = dict(rows.dtypes)
    names = [name for name in asked_of(pipeline.stages[index]) if name in kinds]
    lacking, shown = [], []
    for name in names:
        value = F.col(f"`{name}`")
        absent = value.isNull()
        lacking.append(F.when(absent, F.lit(f"{name}=null")))
        if kinds[name] in {"double", "float"}:
            lacking.append(F.when(F.isnan(value), F.lit(f"{name}=NaN")))
        if kinds[name].partition("(")[0] in _SHOWN:
            shown.append(F.concat(F.lit(f"{name}="), value.cast("string")))
    blamed = F.concat_ws(", ", *lacking)
    return F.when(blamed != "", blamed).otherwise(F.concat_ws(", ", *shown))
