"""How right predictions were, as a person reads it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from vintage.report.details import number, slice_name
from vintage.report.measured import told_value

if TYPE_CHECKING:
    from rich.console import Console

    from vintage.monitoring.quality import Quality, QualityOfDate
    from vintage.store.details import QualityDetails

MOST_SLICES: Final = 10


def show(quality: Quality, console: Console) -> None:
    """Print a table of the dates; of a single date also its other metrics, gates and slices."""
    measured = [each for each in quality.dates if each.found is not None and each.found.predicted]
    if measured:
        console.print(Text(f"{quality.pipeline}: predictions and the labels that came after", style="bold"))
        console.print(_table(measured))
    for each in quality.dates:
        for line in each.notes:
            console.print(Text(f"{each.date}: {line}", style="yellow"))
    if len(measured) == 1 and len(quality.dates) == 1 and measured[0].found:
        for table in _tables(measured[0].found):
            console.print(table)


def _table(dates: list[QualityOfDate]) -> Table:
    first = dates[0].found
    metric = first.metric if first else ""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    others = any(each.found and each.found.serving for each in dates)
    names = ("date", "rows", "version", "value", "holdout", *(("version now", "its value") if others else ()))
    for name in names:
        # An interval wraps between its numbers.
        wraps = name in {"version now", "value", "its value"}
        table.add_column(name, justify="right" if name in {"rows", "holdout"} else "left", no_wrap=not wraps)
    table.caption, table.caption_justify = f"value: {metric}; holdout: its value at the evaluation", "left"
    for each in dates:
        found = each.found
        if found is None or found.predicted is None:
            continue
        model, now = found.predicted, found.serving
        table.add_row(
            str(each.date),
            f"{found.counts.measured:,}",
            str(model.version),
            told_value(model, found.metric),
            number(model.holdout.get(found.metric)),
            *((str(now.version) if now else "", told_value(now, found.metric)) if others else ()),
            style="" if model.found.decision.promote else "red",
        )
    return table


def _tables(found: QualityDetails) -> list[Table]:
    model, now = found.predicted, found.serving
    if model is None:
        return []
    metrics = Table("metric", "on the date", "on its holdout", box=box.SIMPLE_HEAD)
    if now is not None:
        metrics.add_column(f"version {now.version} now")
    for name, value in model.found.metrics.items():
        row = [name, number(value), number(model.holdout.get(name))]
        metrics.add_row(*row, *([number(now.found.metrics.get(name))] if now else []))
    if not model.found.slices:
        return [metrics]
    slices = Table("slice", "rows", found.metric, box=box.SIMPLE_HEAD)
    for each in model.found.slices[:MOST_SLICES]:
        slices.add_row(slice_name(each), str(each.rows), number(each.metrics.get(found.metric)))
    return [metrics, slices]
