"""A model's twin: made at the fit, and compared with Spark on the golden batch."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from vintage.flow import raw_rows
from vintage.ml.golden_table import NUMBER, golden_table
from vintage.ml.row_sql import LeftToSpark
from vintage.registry.tracking import SPARK_MODEL, TWIN, raw_frame, serve_by_twin
from vintage.store.details import RawDetails, TwinDetails
from vintage.twin import Twin, description
from vintage.twin.compiler import NotPortable, compile_model
from vintage.twin.parity import parity_of_tables
from vintage.twin.raw import RawTwin
from vintage.twin.raw_pyfunc import RawFunction

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from vintage.ml.golden import GoldenBatch
    from vintage.spec import Pipeline
    from vintage.store import Artifact
    from vintage.twin import Description

log = logging.getLogger(__name__)


def make_twin(batch: GoldenBatch, folder: Path, pipeline: Pipeline, snapshot: Artifact | None) -> TwinDetails:
    """Compile a saved model, and have MLflow serve the twin if it gives the golden batch what Spark gave it.

    A model without a twin is served by Spark, and its fit does not fail for that.

    Args:
        batch: its golden batch.
        folder: the MLflow model folder that both were saved in; `twin/` is added to it.
        pipeline: its preprocess is compiled too, as far as that can be.
        snapshot: raw rows of a date that the model was trained on; None where they are not at hand.
    """
    started = time.monotonic()
    try:
        told, raw = _made(batch, folder, pipeline, snapshot)
        if not told.reason:
            serve_by_twin(folder, batch.inputs.toPandas(), raw)
    except Exception as error:
        # Of whatever kind: what the twin cannot do, Spark does.
        log.warning("the model has no twin", exc_info=error)
        told = TwinDetails(reason=f"it cannot be made: {type(error).__name__}: {error}")
    if told.reason:
        shutil.rmtree(folder / TWIN, ignore_errors=True)
        log.warning("the model is served by Spark: %s", told.reason)
    else:
        log.info("the model is served without Spark, by its twin: %.1f s", time.monotonic() - started)
    return told


def _made(
    batch: GoldenBatch, folder: Path, pipeline: Pipeline, snapshot: Artifact | None
) -> tuple[TwinDetails, pd.DataFrame | None]:
    """Return what is told of a twin, and some raw rows where it takes them."""
    kinds = {name: kind for name, kind in batch.given.dtypes if name != NUMBER}
    found = compile_model(folder / SPARK_MODEL, kinds)
    if isinstance(found, NotPortable):
        return TwinDetails(reason=str(found)), None
    found, told, raw = _with_preparation(found, pipeline, snapshot)
    description.save(found, folder / TWIN)
    parity = parity_of_tables(Twin.load(folder / TWIN), [golden_table(folder)])
    return TwinDetails(reason=str(parity) if parity.differs else "", apart=parity.apart, raw=told), raw


def _with_preparation(
    described: Description, pipeline: Pipeline, snapshot: Artifact | None
) -> tuple[Description, RawDetails, pd.DataFrame | None]:
    """Add to a twin what makes its columns of raw rows; whatever is wrong with that, the twin stays."""
    if snapshot is None:
        return described, RawDetails(reason="the raw rows are not at hand"), None
    try:
        made = raw_rows.compiled(pipeline, snapshot, described)
        if isinstance(made, LeftToSpark):
            return described, RawDetails(reason=made.reason, columns=made.columns), None
        prepared = replace(described, preparation=made)
        rows = raw_frame(made.inputs, raw_rows.examples(snapshot, made))
        RawFunction(RawTwin(Twin(prepared))).predict(rows)
    except Exception as error:
        # Of whatever kind: features it takes all the same.
        log.warning("the twin takes no raw rows", exc_info=error)
        return described, RawDetails(reason=f"it cannot be done: {type(error).__name__}: {error}"), None
    return prepared, RawDetails(), rows
