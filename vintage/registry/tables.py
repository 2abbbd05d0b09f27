"""Results of an evaluation besides its metrics, as the tables that MLflow shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vintage.registry.tracking import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.store.details import EvaluationDetails

MOST_ROWS: Final = 1000
"""Of a table; MLflow's pages read the whole of it."""


def tables_of(found: EvaluationDetails) -> dict[str, Table]:
    """Return the tables that there are: gates, slices, the classes and their confusion matrix."""
    every = {
        "gates": _gates(found),
        "slices": _slices(found),
        "confusion_matrix": _confusion(found.details.get("confusion_matrix")),
        "classes": _classes(found.details.get("classes") or ()),
    }
    return {name: table for name, table in every.items() if table is not None and table.rows}


def _gates(found: EvaluationDetails) -> Table:
    rows = tuple(
        (each["gate"], each["value"], *_bounds(each.get("interval")), each.get("rows"), each["passed"])
        for each in found.gates
    )
    return Table(("gate", "value", "low", "high", "rows", "passed"), rows)


def _slices(found: EvaluationDetails) -> Table:
    names = sorted({name for each in found.slices for name in each.metrics})
    rows = tuple(
        (
            each.column,
            "others" if each.others else str(each.value),
            each.rows,
            *(each.metrics.get(name) for name in names),
        )
        for each in found.slices[:MOST_ROWS]
    )
    return Table(("column", "value", "rows", *names), rows)


def _confusion(matrix: Mapping[str, Any] | None) -> Table | None:
    """Return the matrix with a row for each label; nothing where it would be wider than anybody reads."""
    if matrix is None or len(matrix["labels"]) > MOST_ROWS // 10:
        return None
    labels = [f"{label:g}" for label in matrix["labels"]]
    rows = tuple((label, *counts) for label, counts in zip(labels, matrix["counts"], strict=True))
    return Table(("label", *(f"predicted {label}" for label in labels)), rows)


def _classes(classes: Any) -> Table:
    names = ("label", "rows", "precision", "recall", "f1")
    return Table(names, tuple(tuple(each[name] for name in names) for each in classes[:MOST_ROWS]))


def _bounds(interval: Mapping[str, float | None] | None) -> Iterator[float | None]:
    for side in ("low", "high"):
        yield None if interval is None else interval.get(side)
