"""What is said of drift, in the terminal and on the page alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.spec import SOURCE_VIEW
from vintage.spec.names import list_names
from vintage.store.steps import is_raw, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.monitoring.drift import Drift, DriftOfColumn, DriftOfRows

MEASURES: Final[Mapping[str, str]] = {
    "psi": "PSI",
    "js": "Jensen-Shannon",
    "ks": "Kolmogorov-Smirnov",
    "linf": "L∞",
    "outside": "outside the range",
    "new": "new values",
    "nulls": "nulls",
}
_SHARES: Final = frozenset({"outside", "new", "nulls"})


def rows_of(kind: str) -> str:
    """Return what rows of a kind are called."""
    if not is_raw(kind):
        return kind
    view = view_of(kind)
    return "raw rows" if view == SOURCE_VIEW else f"raw rows of {view}"


def reference_of(drift: Drift) -> str:
    """Return what a date is compared with."""
    if drift.model_date is None:
        return drift.against
    return f"what the model of {drift.model_date} learnt from"


def headline(part: DriftOfRows) -> tuple[str, str]:
    """Return how many columns of a kind of rows drifted, and what that was judged by."""
    count, columns = len(part.drifted), len(part.columns)
    of = f"{columns} column{'' if columns == 1 else 's'}"
    told = f"{count} of {of} drifted" if count else f"no drift in {of}"
    dates = f"{len(part.reference)} dates" if len(part.reference) > 1 else str(part.reference[0])
    bounds = f"bounds from {part.calm} comparisons of the past" if part.calm else "conventional bounds"
    if part.outliers:
        bounds += f", without {list_names([str(each) for each in part.outliers])}"
    return f"{rows_of(part.kind)}: {told}", f"{part.rows:,} rows, against {dates}; {bounds}"


def value(measure: str, found: float) -> str:
    """Return a measure or its bound with its significant digits."""
    return f"{found:.1%}" if measure in _SHARES else f"{found:.3f}"


def important(column: DriftOfColumn) -> str:
    """Return how much of what the model weighs a column reaches; empty where it is unknown."""
    return "" if column.importance is None else f"{column.importance:.0%} of what the model weighs"


def told_of(column: DriftOfColumn) -> str:
    """Return how far a column is from its reference: its change, or the worst measure against its bound."""
    name = column.worst
    if column.change or not name:
        return column.change
    found, bound = value(name, column.measures[name]), value(name, column.bounds[name])
    return f"{MEASURES[name]} {found} above {bound}"
