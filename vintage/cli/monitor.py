"""The command of `vintage` that keeps how far dates are from their reference, and tells what is an alarm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from vintage.cli.arguments import AsJson, DateOrLatest, FirstOfRange, LastOfRange, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.errors import SpecError
from vintage.spec import Home, load_pipeline, parse_partition_date

if TYPE_CHECKING:
    from vintage.jobs.monitor import Monitored

_STYLES = {"calm": "green", "warn": "yellow", "alarm": "red", "unknown": "yellow", None: "red"}


def monitor(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    first: FirstOfRange = None,
    last: LastOfRange = None,
    as_json: AsJson = False,
) -> None:
    """Compare a date with its reference as the pipeline's `monitor` declares, and store the result.

    With --from or --to every date of the range that has rows in the store, oldest first. Starts no Spark
    and reads no rows. The exit code is that of the first date that fails; drift is no failure.

    Example: `vintage monitor flight_delay --from 2013-02-01 --to 2013-02-28`
    """
    from vintage.jobs.monitor import monitor_dates

    if date and (first or last):
        raise SpecError("--date is one date, --from and --to are a range", fix="Leave one of them out.")
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    begin, end = (parse_partition_date(each) if each else None for each in (date or first, date or last))
    console, code = Console(highlight=False, soft_wrap=True), 0
    for found in monitor_dates(home, spec, begin, end):
        code = code or found.exit_code
        if as_json:
            write_json(found, indent=None)
        else:
            _show(found, console)
    if code:
        raise typer.Exit(code)


def _show(found: Monitored, console: Console) -> None:
    console.print(Text(f"{found.date}  {found.error or found.state}", style=_STYLES[found.state]))
    for column in found.drifted:
        times = f"on {len(column.dates)} of {len(found.watched)} dates"
        told = f"  {column.rows} {column.column}: {column.told}, {times}"
        console.print(Text(told, style="red" if column.alarm else "yellow"))
    for kind, why in found.missing.items():
        console.print(Text(f"  {kind}: not compared, {why}", style="dim"))
