"""Tells MLflow what became of a date: its drift and its quality, as lines over the partition dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.monitoring.quality import value_of
from vintage.monitoring.words import rows_of

if TYPE_CHECKING:
    from vintage.monitoring.drift import Drift
    from vintage.monitoring.quality import QualityOfDate
    from vintage.registry.tracking import Tracking

MOST: Final = 100.0
"""Severity at which a line ends: of a column that changed itself, or is further away than any chart shows."""


def record_drift(tracking: Tracking, drift: Drift) -> None:
    """Add a date's drift to the run `history` of MLflow.

    Of each kind of rows the worst column's severity, above 1 where it drifted; and how many columns drifted.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    points = {}
    for part in drift.parts:
        worst = max((MOST if each.severity is None else each.severity for each in part.columns), default=0.0)
        points[f"drift/{rows_of(part.kind)}"] = min(MOST, worst)
        points[f"drift/{rows_of(part.kind)}.columns"] = float(len(part.drifted))
    if points:
        tracking.log_history(drift.pipeline, drift.date, points)


def record_quality(tracking: Tracking, quality: QualityOfDate) -> None:
    """Add a date's quality to the run `history` of MLflow; what was not measured adds nothing.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    found = quality.found
    if found is None or found.predicted is None:
        return
    points = {"quality/labelled": float(found.counts.measured)}
    for name, model in (("quality", found.predicted), ("quality of the champion", found.serving)):
        if model is None:
            continue
        values = model.found.metrics.items()
        points |= {f"{name}/{metric}": value for metric, value in values if value is not None}
        interval = value_of(model, found.metric)[1]
        if interval is not None:
            low, high = interval
            points |= {f"{name}/{found.metric}.low": low, f"{name}/{found.metric}.high": high}
    tracking.log_history(quality.pipeline, quality.date, points)
