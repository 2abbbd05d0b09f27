"""Fits and runs stages one by one, so that an error says which stage it is of, and why."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import REFUSALS, TrainingError, VintageError
from vintage.ordered import EXECUTORS_SIGN, GROUPS_SIGN, learning
from vintage.session import DAMAGED, causes, root_cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline

EXAMPLES = 3
OF_THE_MACHINE: Final = (
    *REFUSALS,
    *DAMAGED,
    "OutOfMemoryError",
    GROUPS_SIGN,
    EXECUTORS_SIGN,
    "SparkContext was shut down",
)
"""Signs of what no stage and no row is to blame for."""
ON_ONE_PARTITION: Final = frozenset({"IsotonicRegression"})
"""Estimators that cut their rows at bounds which Spark samples by the number of an RDD."""
_OF_TYPES: Final = re.compile(r"data ?type|must be of (?:numeric )?type|be of type", re.IGNORECASE)
"""Signs of a column whose type, not whose values, a stage refuses."""


def fit_stages(stages: Sequence[Any], rows: DataFrame, pipeline: Pipeline) -> PipelineModel:
    """Return what `pyspark.ml.Pipeline(stages=stages).fit(rows)` gives.

    Raises:
        TrainingError: a stage failed on these rows; names it, and the column where that can be known.
    """
    from pyspark.ml import PipelineModel

    fitted: list[Any] = []
    seen = rows
    for index, stage in enumerate(stages):
        _check_bins(index, stage, seen, pipeline)
        try:
            model = fit_stage(stage, seen)
            fitted.append(model)
            if index + 1 < len(stages):
                seen = model.transform(seen)
        except Exception as error:
            if isinstance(error, VintageError) or is_of_the_machine(error):
                raise
            raise _stage_error(error, stages[: index + 1], fitted, rows, pipeline) from error
    return PipelineModel(fitted)


def fit_stage(stage: Any, rows: DataFrame) -> Any:
    """Return the stage fitted on the rows; a Transformer as it is."""
    from pyspark.ml import Estimator

    if not isinstance(stage, Estimator):
        return stage
    if type(stage).__name__ in ON_ONE_PARTITION:
        # Whatever the pipeline's number: a model before it, such as ALS's, may have joined rows onto others.
        # By a shuffle, whose rows come in order: those of a coalesced frame come as they are near.
        rows = rows.repartition(1)
    with learning(rows.sparkSession):
        return stage.fit(rows)


@contextlib.contextmanager
def naming_the_stage(
    model: PipelineModel, rows: DataFrame, pipeline: Pipeline, *, rows_of: str = "holdout"
) -> Iterator[None]:
    """Turn an error of Spark into one that names the stage of the fitted model that fails on these rows.

    Args:
        model: its stages are in the pipeline's order.
        rows: what it does not run on.
        pipeline: its spec.
        rows_of: what the message calls the rows.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if is_of_the_machine(error):
            raise
        found = _first_failing(model.stages, rows)
        if found is None:
            raise
        raise _error(*found, pipeline, rows_of=rows_of) from error


def is_of_the_machine(error: Exception) -> bool:
    """Return whether the disk, the store or the JVM failed, and not what it worked on."""
    return any(sign in told for told in causes(error) for sign in OF_THE_MACHINE)


def _stage_error(
    error: Exception, tried: Sequence[Any], fitted: Sequence[Any], rows: DataFrame, pipeline: Pipeline
) -> TrainingError:
    # Spark is lazy: what an earlier stage cannot transform shows when a later one is fitted.
    earlier = _first_failing(fitted[: len(tried) - 1], rows)
    if earlier is not None:
        return _error(*earlier, pipeline, rows_of="training set")
    index = len(tried) - 1
    return _error(index, tried[index], error, "", pipeline, rows_of="training set")


def _first_failing(stages: Sequence[Any], rows: DataFrame) -> tuple[int, Any, Exception, str] | None:
    """Return the first stage whose output cannot be computed: index, stage, reason, and values to blame."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    for index, stage in enumerate(stages):
        try:
            made = stage.transform(rows)
            made.select(*_added(rows, made)).write.format("noop").mode("overwrite").save()
        except (PySparkException, Py4JJavaError) as error:
            return index, stage, error, _unknown_categories(stage, rows)
        rows = made
    return None


def _added(before: DataFrame, after: DataFrame) -> list[str]:
    names = [f"`{name}`" for name in after.columns if name not in before.columns]
    return names or [f"`{name}`" for name in after.columns]


def _unknown_categories(stage: Any, rows: DataFrame) -> str:
    """Return which columns of a StringIndexer hold values, or nulls, that it did not learn."""
    from pyspark.sql import functions as F

    if type(stage).__name__ != "StringIndexerModel":
        return ""
    names = stage.getInputCols() if stage.isSet("inputCols") else [stage.getInputCol()]
    told = []
    for name, labels in zip(names, stage.labelsArray, strict=True):
        column = F.col(f"`{name}`").cast("string")
        unknown = rows.where(column.isNull() | ~column.isin(list(labels))).select(column.alias("value"))
        count = unknown.count()
        if count:
            values = unknown.distinct().orderBy("value").limit(EXAMPLES).collect()
            shown = ", ".join("null" if row["value"] is None else repr(row["value"]) for row in values)
            told.append(f"column {name}: {count} rows with {shown}")
    return "; ".join(told)


def _error(
    index: int, stage: Any, error: Exception, blame: str, pipeline: Pipeline, *, rows_of: str
) -> TrainingError:
    declared = pipeline.stages[index].type
    reason = root_cause(error).replace(stage.uid, declared).rstrip(".")
    if _OF_TYPES.search(reason):
        fix = "Give the stage columns of a type that it reads, for example with CAST in preprocess.sql."
    elif "handleInvalid" in {param.name for param in stage.params}:
        fix = "Set handleInvalid of the stage (keep, or skip), or correct the data or preprocess.sql."
    else:
        fix = "Look at the stage's Params and at the columns it reads; the traceback is above."
    return TrainingError(
        f"stage {index}, {declared}, of {pipeline.name} fails on the {rows_of}",
        found=f"{blame} ({reason})" if blame else reason,
        fix=fix,
    )


def _check_bins(index: int, stage: Any, rows: DataFrame, pipeline: Pipeline) -> None:
    """Hold the categories of a tree's features, as the stages before declare them, to its `maxBins`."""
    if not (stage.hasParam("maxBins") and stage.hasParam("featuresCol")):
        return
    features, most = stage.getOrDefault("featuresCol"), stage.getOrDefault("maxBins")
    if features not in rows.columns:
        return
    attributes = rows.schema[features].metadata.get("ml_attr", {}).get("attrs", {}).get("nominal", [])
    for each in attributes:
        values = len(each["vals"]) if "vals" in each else each.get("num_vals", 0)
        if values > most:
            raise TrainingError(
                f"stage {index}, {pipeline.stages[index].type}, of {pipeline.name} has too few bins for "
                f"feature {each.get('name', each['idx'])}",
                expected=f"at most maxBins = {most} values of a category",
                found=f"{values} values",
                fix=f"Raise maxBins to {values} or more, or leave the column out.",
            )
