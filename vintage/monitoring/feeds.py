"""Which features are computed from a raw column that drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec import SOURCE_VIEW
from vintage.spec.features import FeatureOrigins, feature_columns

if TYPE_CHECKING:
    from vintage.monitoring.drift import Drift, DriftOfColumn
    from vintage.spec import Pipeline


def with_feeds(drift: Drift, pipeline: Pipeline) -> Drift:
    """Return the same with the features that each drifted raw column feeds, where its SQL tells them."""
    origins = FeatureOrigins(pipeline)
    behind = {name: origins.of_column(name) for name in feature_columns(pipeline) or ()}

    def told(column: DriftOfColumn) -> DriftOfColumn:
        wanted = {(SOURCE_VIEW,), (SOURCE_VIEW, column.column.lower())}
        feeds = tuple(name for name, found in behind.items() if any(each[:2] in wanted for each in found))
        return column.model_copy(update={"feeds": feeds}) if column.drifted else column

    parts = tuple(
        part.model_copy(update={"columns": tuple(map(told, part.columns))})
        if part.kind == "snapshot"
        else part
        for part in drift.parts
    )
    return drift.model_copy(update={"parts": parts})
