"""Whether a registered model loads, and gives what it gave when it was fitted."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from vintage.errors import VintageError
from vintage.ml import golden
from vintage.registry.tracking import MODEL, load_model, load_served, raw_example, raw_predictions
from vintage.session import root_cause
from vintage.spec import submit_conf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import Row, SparkSession

    from vintage.registry.tracking import Served
    from vintage.spec import Home, Pipeline
    from vintage.store import Artifact

log = logging.getLogger(__name__)

_SPARK, _PYFUNC, _REST = "PipelineModel.transform", "MLflow's pyfunc", "MLflow's REST server"
# A few rows are planned for longer than they are worked on.
_QUICK: Final = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}


class Place(BaseModel):
    """What a process needs before it is told which model to load.

    Attributes:
        pipeline: whose models.
        home: where user code is imported from.
        stage_paths: the stages that are such code.
        spark_conf: settings of the process's Spark.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    home: Path
    stage_paths: tuple[str, ...]
    spark_conf: dict[str, str]


class Loading(BaseModel):
    """What is to be loaded.

    Attributes:
        pipeline, version: the registered version.
        model: the folder that was saved, as it lies in the store.
        served: what MLflow holds, fetched and verified.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    version: int
    model: Path
    served: Path


class Loaded(BaseModel):
    """What came of it.

    Attributes:
        problems: how the model does not load, or what it gives instead; empty when it may serve.
        ways: the ways that gave the golden batch's outputs.
        unchecked: the ways that could not be tried, and why.
        rows: rows of the golden batch.
        exact: whether every number was the same to the last bit.
    """

    model_config = ConfigDict(frozen=True)

    problems: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    rows: int = 0
    exact: bool = True

    @property
    def reasons(self) -> tuple[str, ...]:
        """The result as a ledger records it."""
        if self.problems:
            return self.problems
        how = "to the last bit" if self.exact else f"within {golden.RELATIVE:g}"
        ways = ", ".join(self.ways)
        return (f"{ways} give the {self.rows} golden rows the same outputs, {how}", *self.unchecked)


def place_of(home: Home, pipeline: Pipeline) -> Place:
    """Return where a pipeline's models are loaded: with little compiling, for a few rows need none."""
    conf = submit_conf(pipeline, home, "promote")
    return Place(
        pipeline=pipeline.name,
        home=home.path,
        stage_paths=pipeline.stage_paths,
        spark_conf={**conf, **_QUICK},
    )


def loading_of(artifact: Artifact, version: int, copy: Path) -> Loading:
    """Return what is to be loaded, for a model of the store that is registered.

    Args:
        artifact: the model, whose files were verified.
        version: its number.
        copy: what MLflow holds of it, verified.

    Raises:
        StoreError: it keeps no golden batch.
    """
    folder = artifact.data / MODEL
    golden.require(folder / golden.FOLDER)
    return Loading(pipeline=artifact.manifest.pipeline, version=version, model=folder, served=copy)


def load_here(wanted: Loading, spark: SparkSession) -> Loaded:
    """Load the model in each way that consumers do, and hold its answers against the golden batch.

    Args:
        wanted: the model.
        spark: a session.
    """
    batch = golden.read(spark, wanted.model / golden.FOLDER)
    expected, rows = batch.expected(), batch.inputs.toPandas()
    result = Loaded(rows=len(rows))

    def transformed() -> Sequence[Row]:
        return golden.outputs(load_model(wanted.model), batch)

    result = _tried(result, _SPARK, transformed, expected)
    if golden.PREDICTION not in batch.made.columns:
        why = f"{_PYFUNC} and {_REST} are not checked: they serve the column prediction, and there is none"
        return result.model_copy(update={"unchecked": (why,)})
    predictions = _as_rows([row[golden.PREDICTION] for row in expected])
    served: list[Served] = []

    def by_pyfunc() -> Sequence[Row]:
        nonlocal rows
        served.append(load_served(wanted.served))
        if served[0].takes_raw_rows:
            # A golden batch holds features; of raw rows there are others, with what the store's twin gives.
            rows = raw_example(wanted.model)
            predictions[:] = _as_rows(raw_predictions(wanted.model, rows))
        return _as_rows(served[0].predict(rows.copy()))

    result = _tried(result, _PYFUNC, by_pyfunc, predictions)
    if served and served[0].takes_json:
        result = _tried(
            result, _REST, lambda: _as_rows(served[0].predict_over_http(rows.copy())), predictions
        )
    elif served:
        why = f"{_REST} is not checked: MLflow has no signature for a model of these columns"
        result = result.model_copy(update={"unchecked": (why,)})
    lacking = int(rows.select_dtypes("number").isna().any(axis=1).sum())
    if result.problems and result.ways and lacking:
        hint = f"{lacking} of the rows lack a number, which MLflow hands to Spark as NaN, not as null"
        result = result.model_copy(update={"problems": (*result.problems, hint)})
    return result


def _tried(result: Loaded, way: str, ask: Callable[[], Sequence[Row]], expected: Sequence[Row]) -> Loaded:
    try:
        found = ask()
    except Exception as error:
        # Of whatever kind: a consumer would meet the same.
        log.debug("%s failed", way, exc_info=error)
        reason = f"{way} fails: {_line(error)}"
        return result.model_copy(update={"problems": (*result.problems, reason)})
    equality, told = golden.compare(expected, found)
    if told:
        reason = f"{way} returns other outputs than the model did when it was fitted: {'; '.join(told)}"
        return result.model_copy(update={"problems": (*result.problems, reason)})
    exact = result.exact and equality is golden.Equality.SAME
    return result.model_copy(update={"ways": (*result.ways, way), "exact": exact})


def _as_rows(predictions: Sequence[Any]) -> list[Row]:
    from pyspark.sql import Row

    return [Row(prediction=each) for each in predictions]


def _line(error: Exception) -> str:
    return str(error) if isinstance(error, VintageError) else f"{type(error).__name__}: {root_cause(error)}"
