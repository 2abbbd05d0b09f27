"""The commands of `vintage` that are about a range of dates: what a backfill would do, and doing it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, json_text, write_json
from vintage.errors import printable
from vintage.spec import Home, load_pipeline, parse_partition_date

First = Annotated[str, typer.Option("--from", help="First partition date, YYYY-MM-DD.", show_default=False)]
Last = Annotated[str, typer.Option("--to", help="Last partition date, included.", show_default=False)]


def plan(pipeline: PipelineName, first: First, last: Last, as_json: AsJson = False) -> None:
    """Show what a backfill would do, date by date. Starts no Spark and writes nothing.

    For each date: whether its raw data is there, which steps would be made and why, which champion the
    model would be compared with, whether it could become champion, and how long it would take.

    Example: `vintage plan flight_delay --from 2013-02-01 --to 2013-02-28`
    """
    from vintage.cli.plan_view import show
    from vintage.flow.planner import plan as planned

    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    found = planned(home, spec, parse_partition_date(first), parse_partition_date(last))
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False))


def backfill(pipeline: PipelineName, first: First, last: Last, as_json: AsJson = False) -> None:
    """Retrain each partition date of a range, in one Spark session, without Airflow.

    A date whose data is missing or refused fails alone; the exit code is that of the first such date.
    Finished steps are found by their keys, so an interrupted backfill can be started again. `vintage
    plan` shows in advance what it does.

    Example: `vintage backfill flight_delay --from 2013-02-01 --to 2013-02-28`
    """
    from vintage.cli.signs_of_life import signs_of_life
    from vintage.jobs.backfill import backfill as backfilled
    from vintage.spec.range import dates_of
    from vintage.store import Store

    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    dates = dates_of(spec, parse_partition_date(first), parse_partition_date(last))
    code = 0
    with signs_of_life(home, Store(home.store, spec.name), f"backfill_{spec.name}_{first}_{last}") as signs:
        for done in backfilled(home, spec, dates.scheduled, signs=signs):
            code = code or done.exit_code
            if as_json:
                signs.tell(json_text(done, indent=None))
                continue
            told = done.error or f"version {done.version} {str(done.action).replace('_', ' ')}"
            signs.tell(printable(f"{done.date}  {done.seconds:6.1f} s  {told}", keep="\n"))
    if code:
        raise typer.Exit(code)
