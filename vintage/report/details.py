"""Results of an evaluation besides its metrics, as tables: one kind of detail, one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.store.details import SliceDetails

MOST: Final = 20
"""Rows or columns of a table, beyond which it tells only how many there are."""

_SMALL: Final = 1e-3
_PLACES: Final = {1e3: 4, 1e6: 2, 1e15: 0}
"""Decimal places of numbers up to a size; a larger number has an exponent, one below `_SMALL` two digits."""


def detail_tables(details: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the tables of the available details, whatever the task."""
    for name, table in _TABLES.items():
        if details.get(name):
            yield table(details[name])


def number(value: float | None) -> str:
    """Return a metric as a table shows it; None is one that the holdout does not define."""
    if value is None:
        return "not defined"
    # Adding zero takes the sign from a zero that has one.
    value += 0.0
    if value == 0 or abs(value) >= _SMALL:
        for size, places in _PLACES.items():
            if abs(value) < size:
                return f"{value:,.{places}f}"
    return f"{value:.2g}" if abs(value) < _SMALL else f"{value:.4g}"


def between(interval: Mapping[str, float | None] | None) -> str:
    """Return an interval as a table shows it; nothing where there is none."""
    low, high = (None, None) if interval is None else (interval.get("low"), interval.get("high"))
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD)


def _confusion(matrix: Mapping[str, Any]) -> Table:
    labels = [f"{label:g}" for label in matrix["labels"]]
    if len(labels) > MOST:
        return _counted("confusion matrix", f"{len(labels)} classes")
    table = _table("label \\ predicted", *labels)
    for label, counts in zip(labels, matrix["counts"], strict=True):
        table.add_row(label, *map(str, counts))
    return table


def _classes(classes: list[Mapping[str, float]]) -> Table:
    table = _table("class", "rows", "precision", "recall", "F1")
    for each in classes[:MOST]:
        rates = (f"{each[name]:.4f}" for name in ("precision", "recall", "f1"))
        table.add_row(f"{each['label']:g}", str(each["rows"]), *rates)
    if len(classes) > MOST:
        table.add_row("…", f"{len(classes) - MOST} more classes")
    return table


def _residuals(quantiles: Mapping[str, float]) -> Table:
    table = _table("share of rows", "residual is at most")
    for share, residual in quantiles.items():
        table.add_row(f"{float(share):.0%}", f"{residual:.6g}")
    return table


def _clusters(sizes: Mapping[str, int]) -> Table:
    table = _table("cluster", "rows")
    for cluster, rows in list(sizes.items())[:MOST]:
        table.add_row(cluster, str(rows))
    if len(sizes) > MOST:
        table.add_row("…", f"{len(sizes) - MOST} more clusters")
    return table


def _known(of: str) -> Any:
    def table(counts: Mapping[str, int]) -> Table:
        found = _table(f"{of} of the holdout", "")
        found.add_row("known to the model", str(counts["known"]))
        found.add_row("unknown", str(counts["unknown"]))
        return found

    return table


def _catalogue(counts: Mapping[str, int]) -> Table:
    table = _table("recommended", "")
    table.add_row("to users", str(counts["users"]))
    table.add_row("different items", f"{counts['recommended']} of {counts['known']}")
    return table


def _variance(variance: Mapping[str, Any]) -> Table:
    table = _table("component", "share of the variance")
    for place, value in enumerate(variance["by_component"][:MOST], start=1):
        table.add_row(
            str(place), f"{value / variance['in_all']:.4f}" if variance["in_all"] else "not defined"
        )
    return table


def _baseline(found: Mapping[str, Any]) -> Table:
    table = _table("baseline", "")
    for name, value in found.items():
        table.add_row(name, str(value))
    return table


def _counted(what: str, count: str) -> Table:
    table = _table(what, "")
    table.add_row(count, "")
    return table


_TABLES: Final[Mapping[str, Any]] = {
    "confusion_matrix": _confusion,
    "classes": _classes,
    "residual_quantiles": _residuals,
    "cluster_sizes": _clusters,
    "pairs": _known("pairs"),
    "users": _known("users"),
    "items": _known("items"),
    "catalogue": _catalogue,
    "variance": _variance,
    "baseline": _baseline,
}


def slice_name(found: SliceDetails) -> str:
    """Return how a slice is called: `origin = JFK`."""
    if found.others:
        return f"{found.column}: all others"
    return f"{found.column} {'is null' if found.value is None else '= ' + found.value}"
