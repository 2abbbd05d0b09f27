"""Holds a model's twin against Spark on every row of its holdout."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vintage.registry.tracking import MODEL, TWIN
from vintage.store.details import ParityDetails
from vintage.store.spark_paths import uri
from vintage.twin import Twin
from vintage.twin.parity import first_stage_apart, parity_of, row_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from vintage.store import Artifact

log = logging.getLogger(__name__)


def holdout_parity(
    model: Artifact, loaded: PipelineModel, holdout: DataFrame, near: Path
) -> ParityDetails | None:
    """Hold a model's twin against Spark on every row of its holdout; None for a model without one.

    Args:
        model: whose files were verified.
        loaded: the same, in Spark.
        holdout: the rows as the model takes them.
        near: a folder where Spark can write, for as long as this lasts.
    """
    folder = model.data / MODEL / TWIN
    if not folder.is_dir():
        return None
    twin = Twin.load(folder)
    with tempfile.TemporaryDirectory(dir=near, prefix=".parity-") as scratch:
        files = _answers(twin, loaded, holdout, Path(scratch) / "rows")
        parity = parity_of(twin, files)
        stage = ""
        if parity.row is not None:
            stage = _stage_apart(twin, loaded, row_of(files, parity.row), Path(scratch))
    log.log(logging.WARNING if parity.differs else logging.INFO, "%s", parity)
    return ParityDetails(
        rows=parity.rows, columns=parity.columns, apart=parity.apart, differs=parity.differs, stage=stage
    )


def _answers(twin: Twin, model: PipelineModel, rows: DataFrame, target: Path) -> list[Path]:
    """Write what the twin reads beside what Spark answers: neither may fit into memory."""
    made = model.transform(rows)
    names = dict.fromkeys([*(each.name for each in twin.inputs), *twin.outputs])
    made.select(*(f"`{name}`" for name in names if name in made.columns)).write.parquet(uri(target))
    return sorted(target.glob("*.parquet"))


def _stage_apart(twin: Twin, model: PipelineModel, row: pa.Table, scratch: Path) -> str:
    """Return the class of the first stage that makes something else than Spark's of a row."""
    import pyarrow.parquet as pq
    from pyspark.sql import SparkSession

    given, made = scratch / "row.parquet", scratch / "stages"
    pq.write_table(row, given)
    read = SparkSession.active().read.parquet(uri(given))
    model.transform(read.select(*(f"`{each.name}`" for each in twin.inputs))).write.parquet(uri(made))
    return first_stage_apart(twin, row_of(made.glob("*.parquet"), 0))
