"""A model's twin: made at the fit, and held against Spark on the golden batch."""

from __future__ import annotations

import logging
import shutil
import time
from typing import TYPE_CHECKING

from vintage.ml.golden_table import NUMBER, golden_table
from vintage.registry.tracking import SPARK_MODEL, TWIN, serve_by_twin
from vintage.store.details import TwinDetails
from vintage.twin import Twin, description
from vintage.twin.compiler import NotPortable, compile_model
from vintage.twin.parity import parity_of_tables

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.ml.golden import GoldenBatch

log = logging.getLogger(__name__)


def make_twin(batch: GoldenBatch, folder: Path) -> TwinDetails:
    """Compile a saved model, and have MLflow serve the twin if it gives the golden batch what Spark gave it.

    A model without a twin is served by Spark, and its fit does not fail for that.

    Args:
        batch: its golden batch.
        folder: the MLflow model folder that both were saved in; `twin/` is added to it.
    """
    started = time.monotonic()
    try:
        told = _made(batch, folder)
        if not told.reason:
            serve_by_twin(folder, batch.inputs.toPandas())
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


def _made(batch: GoldenBatch, folder: Path) -> TwinDetails:
    kinds = {name: kind for name, kind in batch.given.dtypes if name != NUMBER}
    found = compile_model(folder / SPARK_MODEL, kinds)
    if isinstance(found, NotPortable):
        return TwinDetails(reason=str(found))
    description.save(found, folder / TWIN)
    parity = parity_of_tables(Twin.load(folder / TWIN), [golden_table(folder)])
    return TwinDetails(reason=str(parity) if parity.differs else "", apart=parity.apart)
