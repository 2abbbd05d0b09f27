"""Which features are computed from a raw column that drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec.features import FeatureOrigins, feature_columns
from vintage.store.steps import is_raw, view_of

if TYPE_CHECKING:
    from vintage.monitoring.drift import Drift, DriftOfColumn
    from vintage.spec import Pipeline


def with_feeds(drift: Drift, pipeline: Pipeline) -> Drift:
    """Return the same with the features that each drifted raw column feeds, where its SQL tells them."""
    origins = FeatureOrigins(pipeline)
    behind = {name: origins.of_column(name) for name in feature_columns(pipeline) or ()}

    def told(view: str, column: DriftOfColumn) -> DriftOfColumn:
        wanted = {(view,), (view, column.column.lower())}
        feeds = tuple(name for name, found in behind.items() if any(each[:2] in wanted for each in found))
        return column.model_copy(update={"feeds": feeds}) if column.drifted else column

    parts = tuple(
        part.model_copy(update={"columns": tuple(told(view_of(part.kind), each) for each in part.columns)})
        if is_raw(part.kind)
        else part
        for part in drift.parts
    )
    return drift.model_copy(update={"parts": parts})
