"""What MLflow is told of a date's drift."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, cast

from vintage.monitoring.drift import Drift, DriftOfColumn, DriftOfRows
from vintage.monitoring.quality import QualityOfDate
from vintage.monitoring.recorded import record_drift, record_quality

if TYPE_CHECKING:
    from vintage.registry.tracking import Tracking

DAY = dt.date(2024, 3, 6)


class Heard:
    """Keeps what it is told; the flow's tests have MLflow itself be told of quality."""

    def __init__(self) -> None:
        self.points: dict[dt.date, dict[str, float]] = {}

    def log_history(self, _: str, day: dt.date, metrics: dict[str, float]) -> None:
        self.points[day] = metrics


def column(severity: float | None) -> DriftOfColumn:
    return DriftOfColumn(
        column="c",
        kind="number",
        drifted=severity is None or severity > 1,
        severity=severity,
        worst="",
        measures={},
        bounds={},
    )


def test_the_worst_column_of_each_kind_of_rows_is_told() -> None:
    heard = Heard()
    rows = {
        "snapshot": (column(0.4), column(2.5), column(1.5)),
        "features": (column(None), column(1e9)),
        "predictions": (),
    }
    parts = tuple(
        DriftOfRows(kind=kind, rows=3, reference=(DAY,), calm=0, columns=columns)
        for kind, columns in rows.items()
    )
    drift = Drift(pipeline="shop", date=DAY, against="training", parts=parts)
    record_drift(cast("Tracking", heard), drift)
    assert heard.points == {
        DAY: {
            "drift/raw rows": 2.5,
            "drift/raw rows.columns": 2.0,
            "drift/features": 100.0,
            "drift/features.columns": 2.0,
            "drift/predictions": 0.0,
            "drift/predictions.columns": 0.0,
        }
    }


def test_what_was_not_measured_tells_nothing() -> None:
    heard = Heard()
    record_quality(cast("Tracking", heard), QualityOfDate(pipeline="shop", date=DAY, state="not_due"))
    assert heard.points == {}
