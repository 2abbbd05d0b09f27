"""How far a date's rows drifted, as a person reads it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from vintage.cli.screen import hanging
from vintage.monitoring.words import MEASURES, headline, important, reference_of, rows_of, value
from vintage.spec.names import list_names

if TYPE_CHECKING:
    from rich.console import Console

    from vintage.monitoring.drift import Drift, DriftOfColumn

_MOST: Final = 5


def show(drift: Drift, console: Console, *, every: bool = False) -> None:
    """Print what drifted, the furthest first; with `every` the other columns too."""
    console.print(Text(f"{drift.pipeline} {drift.date} against {reference_of(drift)}", style="bold"))
    for part in drift.parts:
        console.print()
        first, second = headline(part)
        console.print(Text(first, style="red" if part.drifted else "green"))
        console.print(hanging(f"  {second}", "dim"))
        shown = part.columns if every else part.drifted
        if shown:
            console.print(_table(shown))
        for column in part.drifted:
            for line in _lines(column):
                console.print(hanging(f"  {line}", "dim"))
    for kind, why in drift.missing.items():
        console.print()
        console.print(Text(f"{rows_of(kind)}: not compared, {why}", style="yellow"))


def _table(columns: tuple[DriftOfColumn, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("column", "measure", "value", "bound", "since"):
        table.add_column(name, justify="right" if name in {"value", "bound"} else "left", overflow="fold")
    for column in columns:
        style = "" if column.drifted else "dim"
        since = str(column.since or "")
        if column.change:
            table.add_row(column.column, column.change, "", "", since, style=style)
        elif column.worst:
            found, bound = column.measures[column.worst], column.bounds[column.worst]
            told = (value(column.worst, found), value(column.worst, bound))
            table.add_row(column.column, MEASURES[column.worst], *told, since, style=style)
        else:
            table.add_row(column.column, "", "", "", since, style=style)
    return table


def _lines(column: DriftOfColumn) -> list[str]:
    told = []
    for what, names in (("new", column.new), ("vanished", column.vanished), ("feeds", column.feeds)):
        if names:
            told.append(f"{column.column} {what}: {list_names(names, most=_MOST)}")
    if column.importance is not None:
        told.append(f"{column.column}: {important(column)}")
    return told
