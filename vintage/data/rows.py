"""Rows in and out of artifacts: Parquet with a known schema, and what is observed while it is written."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from vintage.errors import StoreError, first_line
from vintage.store import check_files
from vintage.store.fingerprint import with_vector_contents
from vintage.store.manifest import REPAIR
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from vintage.store import Artifact

LABEL: Final = "label"
"""Column of feature rows: what the model learns to tell, as a double."""

TRAINABLE: Final = "trainable"
"""Column of feature rows: whether training may use the row."""


def read_rows(spark: SparkSession, artifacts: Sequence[Artifact]) -> DataFrame:
    """Return the rows of artifacts as one frame; the schema comes from the manifests, not from the files.

    Raises:
        StoreError: an artifact is damaged or has a different number of rows than its manifest, or the
            artifacts differ in schema.
    """
    from pyspark.sql.types import StructType

    schemas = {json.dumps(_schema_of(artifact), sort_keys=True): artifact for artifact in artifacts}
    if len(schemas) != 1:
        found = "; ".join(
            f"{artifact.manifest.date}: {StructType.fromJson(dict(_schema_of(artifact))).simpleString()}"
            for artifact in schemas.values()
        )
        kind = artifacts[0].manifest.kind if artifacts else "artifact"
        raise StoreError(
            f"the {kind} partitions of the window do not fit together",
            expected="one schema in all of them",
            found=found or "no partition",
            fix="Give source.schema in the pipeline, so that every date is held to it.",
        )
    check_files(artifacts)
    for artifact in artifacts:
        _check_count(artifact)
    schema = StructType.fromJson(dict(_schema_of(artifacts[0])))
    rows = parquet(spark.read.schema(schema), *(artifact.place for artifact in artifacts))
    _check_listing(rows, artifacts)
    return rows


def write_rows(
    rows: DataFrame, folder: Path, aggregates: Mapping[str, str], *, files: int = 1, drop: Sequence[str] = ()
) -> dict[str, Any]:
    """Write a frame as Parquet and, in the same pass, compute SQL aggregates over exactly the rows written.

    Args:
        rows: what to write.
        folder: does not exist yet.
        aggregates: name → SQL aggregate expression over the frame's columns.
        files: at most this many files.
        drop: columns that the aggregates see and the files do not.

    Returns:
        name → value of each aggregate; a struct comes as a dict.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    observed = Observation()
    columns = [F.expr(expression).alias(name) for name, expression in aggregates.items()]
    watched, added = with_vector_contents(rows)
    watched.observe(observed, *columns).drop(*drop, *added).coalesce(files).write.parquet(str(folder))
    return {
        name: value.asDict(recursive=True) if hasattr(value, "asDict") else value
        for name, value in observed.get.items()
    }


def schema_json(schema: StructType) -> dict[str, Any]:
    """Return the schema as Spark's own JSON."""
    return dict(json.loads(schema.json()))


def _files_of(artifact: Artifact) -> list[Path]:
    files = (artifact.folder / entry.path for entry in artifact.manifest.files)
    return [path for path in files if path.parent == artifact.place]


def _check_listing(rows: DataFrame, artifacts: Sequence[Artifact]) -> None:
    """Compare the files that Spark is about to read with the manifests, each file once.

    With the rows that each file counts, that is the number of rows that are read, without a job for it.
    """
    leaves: Any = rows._jdf.queryExecution().analyzed().collectLeaves()
    found = [
        PurePosixPath(unquote(uri)).name
        for leaf in map(leaves.apply, range(leaves.size()))
        for uri in leaf.relation().location().inputFiles()
    ]
    expected = [path.name for artifact in artifacts for path in _files_of(artifact)]
    if sorted(found) != sorted(expected):
        raise StoreError(
            f"Spark finds other files than the manifests name in {artifacts[0].place} and further partitions",
            expected=f"{len(expected)} files, each once",
            found=f"{len(found)} files, {len(set(found))} of them different",
            fix="Check whether another program writes into the store.",
        )


def _check_count(artifact: Artifact) -> None:
    """Compare the rows that the Parquet files count in their footers with the manifest."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_metadata

    try:
        found = sum(read_metadata(path).num_rows for path in _files_of(artifact))
    except (ArrowException, OSError) as error:
        raise StoreError(f"{artifact.place} holds no Parquet", found=first_line(error)) from error
    if found != artifact.row_count:
        raise StoreError(
            f"{artifact.place} has a different number of rows than its manifest",
            expected=f"{artifact.row_count} rows",
            found=f"{found} rows",
            fix=f"{REPAIR}.",
        )


def _schema_of(artifact: Artifact) -> Mapping[str, Any]:
    if artifact.manifest.rows is None:
        raise StoreError(f"{artifact.folder} holds no rows", expected="a snapshot or feature partition")
    return artifact.manifest.rows.spark_schema
