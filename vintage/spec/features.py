"""Which columns preprocess provides, and their types, as far as that can be determined without a JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.spec.sql import SOURCE_VIEW, BadSql, read_expression, read_query
from vintage.spec.sql_lineage import Lineage, value_nodes
from vintage.spec.sql_types import plain_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec.pipeline import Pipeline
    from vintage.spec.sql_lineage import Origin

FEATURE_ROWS: Final = ""
"""In the place of a view: the columns of the feature rows themselves."""


def feature_columns(pipeline: Pipeline) -> tuple[str, ...] | None:
    """Return the columns that preprocess provides; None when that cannot be determined without the data."""
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


class FeatureOrigins:
    """Which columns of the raw rows the columns of a pipeline's feature rows are computed from.

    A function of the user cannot be followed: what it gives is an origin by itself.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        preprocess = pipeline.preprocess
        self._lineage: Lineage | None = None
        if preprocess.sql is not None and preprocess.function is None:
            views = {name: source.column_names for name, source in pipeline.views.items()}
            try:
                self._lineage = Lineage(read_query(preprocess.sql), views)
            except BadSql:
                return

    def of_column(self, name: str, fields: tuple[str, ...] = ()) -> frozenset[Origin]:
        """Return the origins of a column of the feature rows, or of a field within it; itself among them."""
        found: frozenset[Origin] = frozenset() if self._lineage is None else self._lineage.of(name, fields)
        return found | {(FEATURE_ROWS, name.lower(), *fields)}

    def of_expression(self, text: str) -> frozenset[Origin]:
        """Return the origins of an expression over the feature rows; none of one that cannot be read."""
        from sqlglot import exp

        try:
            nodes = value_nodes(read_expression(text))
        except BadSql:
            return frozenset()
        parts = [[part.name for part in node.parts] for node in nodes if isinstance(node, exp.Column)]
        fields = [(name, tuple(each.lower() for each in within)) for name, *within in parts]
        return frozenset(origin for name, within in fields for origin in self.of_column(name, within))
