"""Which columns preprocess provides, and their types, as far as that can be told without a JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.spec.sql import SOURCE_VIEW, BadSql, read_query
from spark_jobs.spec.sql_types import plain_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_jobs.spec.pipeline import Pipeline


def feature_columns(pipeline: Pipeline) -> tuple[str, ...] | None:
    """The columns that preprocess provides; None when that cannot be told without the data."""
    preprocess = pipeline.preprocess
    if preprocess.function is not None:
        declared = preprocess.declared_columns
        return None if declared is None else tuple(column.name for column in declared)
    if preprocess.sql is None:
        return pipeline.source.column_names
    try:
        views = {name: source.column_names for name, source in pipeline.views.items()}
        return read_query(preprocess.sql).columns(views)
    except BadSql:
        return None


def feature_types(pipeline: Pipeline) -> Mapping[str, str]:
    """Column → Spark type in upper case, of those whose type follows from a schema, or from a CAST, alone."""
    declared = {
        name: {column.name: column.type for column in source.columns or ()}
        for name, source in pipeline.views.items()
    }
    preprocess = pipeline.preprocess
    if preprocess.function is not None:
        return {column.name: column.type for column in preprocess.declared_columns or ()}
    if preprocess.sql is None:
        return declared[SOURCE_VIEW]
    try:
        return plain_types(read_query(preprocess.sql), declared)
    except BadSql:
        return {}
