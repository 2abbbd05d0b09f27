"""A metric of a date with its interval, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.monitoring.quality import value_of
from vintage.report.details import number

if TYPE_CHECKING:
    from vintage.store.details import QualityOfModel


def told_value(model: QualityOfModel | None, metric: str) -> str:
    """Return a metric and its interval as a table shows them; nothing of no model."""
    if model is None:
        return ""
    value, interval = value_of(model, metric)
    return number(value) + (f" [{number(interval[0])}, {number(interval[1])}]" if interval else "")
