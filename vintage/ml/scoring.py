"""What a model says of feature rows, with or without a label; rows that it cannot score are left out."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import LABEL
from vintage.ml.column_flow import TO_LEARN_FROM, stage_flow
from vintage.ml.families import family_of
from vintage.ml.row_checks import row_checks
from vintage.ml.stages import over_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from vintage.ml.row_checks import RowCheck
    from vintage.spec import Pipeline, Stage
    from vintage.spec.metrics import Task

ROW: Final = "scored_row"
"""Column that tells a row from all others; it is not kept."""

MOST_CLASSES: Final = 20
"""Classes whose probabilities are profiled."""

PREDICTED: Final[Mapping[Task, tuple[str, ...]]] = {
    "classification": ("prediction", "probability", "score"),
    "regression": ("prediction",),
    "clustering": ("prediction",),
    "recommendation": ("prediction",),
    "reduction": ("reduced",),
}
"""What is kept of a prediction, the answer first; each column is what the family's evaluation calls so."""

# Stages that leave rows out when their handleInvalid says so.
_SKIPS: Final = frozenset(
    {"StringIndexerModel", "VectorAssembler", "VectorIndexerModel", "VectorSizeHint", "Bucketizer"}
)


def identified(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Feature rows as they are read from Parquet, with `scored_row`: each row's file and place in it.

    Where a stage keeps no column that it does not name, as an SQLTransformer may, it is the row's key.
    """
    from pyspark.sql import functions as F

    place = F.struct("_metadata.file_name", "_metadata.row_index").alias(ROW)
    marked = rows.select("*", place)
    return marked if _keeps_row(model, marked) else rows.select("*", row_of_key(pipeline).alias(ROW))


def predict(rows: DataFrame, model: PipelineModel, pipeline: Pipeline) -> DataFrame:
    """Return what a model says of rows.

    A row is left out when a column that a stage reads as a number is NaN or infinite, unless the stage has an
    answer to that; when a stage refuses it (`handleInvalid: error`) or skips it; and when the answer is no
    number. An Imputer, `handleInvalid: keep` and the like do as they were declared.

    Args:
        rows: of `identified`.
        model: a fitted pipeline.
        pipeline: how the rows were prepared and what the stages were declared to be.

    Returns:
        `scored_row`, the key's columns and those of `PREDICTED`.
    """
    from pyspark.sql import functions as F

    refused = [F.coalesce(check.wrong, F.lit(False)) for check in checks_of(rows, pipeline)]
    sound = rows.where(~reduce(lambda one, other: one | other, refused)) if refused else rows
    lenient = lenient_model(model)
    keeps = _keeps_row(lenient, rows)
    asked = _asked(pipeline, kept=(ROW,) if keeps else ())
    scored = family_of(pipeline.task).score(sound, lenient, asked)
    if not keeps:
        scored = scored.withColumn(ROW, row_of_key(pipeline))
    names = [ROW, *pipeline.preprocess.key, *PREDICTED[pipeline.task]]
    return scored.select(*(f"`{name}`" for name in names)).where(_answers(scored, pipeline.task))


def classes_of(scored: DataFrame, task: Task) -> dict[str, str]:
    """Name → SQL of what a profile of predictions tells of each class: how many have it, and how surely.

    Args:
        scored: of `predict`.
        task: of the model; only predictions of classes and clusters have classes.
    """
    if task not in {"classification", "clustering"}:
        return {}
    told = {"prediction as class": "CAST(prediction AS STRING)"}
    if "probability" in scored.columns:
        [row] = scored.selectExpr("max(size(probability)) AS classes").collect()
        # Spark gives the size of null as -1.
        number = max(0, min(row["classes"] or 0, MOST_CLASSES))
        told |= {f"probability of {place}": f"get(probability, {place})" for place in range(number)}
    return told


def checks_of(rows: DataFrame, pipeline: Pipeline) -> tuple[RowCheck, ...]:
    """Return what no row to score may hold: what no training row may, but for its label and the like."""
    pipeline = over_rows(pipeline, rows)
    told = only_learnt(pipeline)
    return tuple(check for check in row_checks(rows, pipeline) if check.column not in told)


def only_learnt(pipeline: Pipeline) -> frozenset[str]:
    """Return the columns that stages read only to learn: the label, a weight, a rating."""
    reads = {column.name for stage in pipeline.stages for column in stage_flow(stage).reads}
    asked = {name for stage in pipeline.stages for name in asked_of(stage)}
    return frozenset({LABEL} | (reads - asked))


def asked_of(stage: Stage) -> tuple[str, ...]:
    """Return the columns that a stage reads to answer, each once."""
    reads = stage_flow(stage).reads
    return tuple(dict.fromkeys(column.name for column in reads if column.at[0] not in TO_LEARN_FROM))


def lenient_model(model: PipelineModel) -> PipelineModel:
    """Return the same model with stages that skip the rows on which they would fail."""
    from pyspark.ml import PipelineModel

    return PipelineModel([_lenient(stage) for stage in model.stages])


def _lenient(stage: Any) -> Any:
    from pyspark.ml import PipelineModel
    from pyspark.ml.feature import SQLTransformer

    if isinstance(stage, PipelineModel):
        return lenient_model(stage)
    if not stage.hasParam("handleInvalid") or stage.getOrDefault("handleInvalid") == "keep":
        return stage
    bounds = " AND ".join(f"({each})" for each in _bounds(stage))
    if type(stage).__name__ in _SKIPS:
        stage = stage.copy({stage.getParam("handleInvalid"): "skip"})
    if not bounds:
        return stage
    return PipelineModel([SQLTransformer(statement=f"SELECT * FROM __THIS__ WHERE {bounds}"), stage])  # noqa: S608


def _bounds(stage: Any) -> Iterator[str]:
    """Yield what values must be, in SQL, where a stage fails on others whatever its handleInvalid is."""
    name = type(stage).__name__
    columns = stage.getInputCols() if stage.isSet("inputCols") else [stage.getInputCol()]
    if name == "Bucketizer":
        splits = stage.getSplitsArray() if stage.isSet("splitsArray") else [stage.getSplits()]
        for column, (first, *_, last) in zip(columns, splits, strict=True):
            value = f"CAST(`{column}` AS DOUBLE)"
            if math.isfinite(first):
                yield f"{value} IS NULL OR isnan({value}) OR {value} >= {first!r}D"
            if math.isfinite(last):
                yield f"{value} IS NULL OR isnan({value}) OR {value} <= {last!r}D"
    elif name == "OneHotEncoderModel":
        for column, size in zip(columns, stage.categorySizes, strict=True):
            yield f"`{column}` >= 0 AND `{column}` < {size}"


def _asked(pipeline: Pipeline, *, kept: tuple[str, ...]) -> Pipeline:
    """Return the pipeline for a family's `score`: further columns to keep, none that only measuring needs."""
    preprocess = pipeline.preprocess.model_copy(update={"key": (*pipeline.preprocess.key, *kept)})
    evaluate = pipeline.evaluate.model_copy(
        update={"slices": (), "gates": (), "weight": None, "relevant": None}
    )
    return pipeline.model_copy(update={"preprocess": preprocess, "evaluate": evaluate})


def _answers(scored: DataFrame, task: Task) -> Column:
    """Return whether the answer is there and a finite number, and nothing beside it is NaN."""
    from pyspark.sql import functions as F

    kinds = dict(scored.dtypes)
    answer, *_ = PREDICTED[task]
    fine = F.col(answer).isNotNull()
    for name in PREDICTED[task]:
        value = F.col(name)
        if kinds[name] == "array<double>":
            wrong = F.exists(value, F.isnan)
        elif kinds[name] == "double":
            wrong = F.isnan(value)
            if name == answer:
                wrong |= F.abs(value) == F.lit(math.inf)
        else:
            continue
        fine &= ~F.coalesce(wrong, F.lit(False))
    return fine


def row_of_key(pipeline: Pipeline) -> Column:
    """Return what takes the place of a row's own where a stage drops that: its key."""
    from pyspark.sql import functions as F

    return F.struct(*(f"`{name}`" for name in pipeline.preprocess.key))


def _keeps_row(model: PipelineModel, rows: DataFrame) -> bool:
    return ROW in model.transform(rows).columns
