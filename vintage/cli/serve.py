"""The command of `vintage` that serves champions over HTTP."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from vintage.cli.screen import Console
from vintage.errors import SpecError
from vintage.flow.job import configure_logging
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    from vintage.serving import Explained


def serve(
    pipelines: Annotated[
        list[str], typer.Argument(metavar="PIPELINE...", help="What to serve.", show_default=False)
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    poll: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two checks for a new champion.")
    ] = 5.0,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="Of a request: body (bytes), rows, seconds; and requests at once. Repeatable.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what a request must contain, and why; serve nothing.")
    ] = False,
) -> None:
    """Serve the champions of pipelines over HTTP, without Spark, by MLflow's scoring protocol.

    A new champion takes over once its files match its manifest and it reproduces its golden batch. Until
    then, and while the registry is unavailable, the previous one continues. `/health` shows the reason.

    Example: `vintage serve flight_delay`
    """
    from vintage.registry.tracking import Tracking
    from vintage.serving import Followed, Limits, explained
    from vintage.serving import serve as run

    configure_logging()
    home = Home.from_environment(os.environ)
    limits = Limits().with_given(limit or ())
    unknown = [each for each in pipelines if each not in home.pipeline_names()]
    if unknown:
        raise SpecError(
            f"there is no pipeline {unknown[0]}",
            expected=f"one of {', '.join(home.pipeline_names())}",
        )
    tracking = Tracking.of(home)
    if explain:
        for name in dict.fromkeys(pipelines):
            show(name, explained(Store(home.store, name), tracking.champion(name)))
        return
    followed = [Followed(Store(home.store, name), tracking) for name in dict.fromkeys(pipelines)]
    run(followed, host=host, port=port, seconds=poll, limits=limits)


def show(pipeline: str, found: Explained) -> None:
    """Print what a champion asks of a request, and why."""
    console = Console(highlight=False)
    console.print(Text(f"{pipeline}: {found.champion}"))
    console.print(Text(f"served by {found.served}"))
    if not found.fields:
        return
    console.print(Text(found.why))
    table = Table("column", "type", title="A request's columns", title_justify="left")
    for field in found.fields:
        table.add_row(Text(field.name), Text(field.type))
    console.print(table)
    table = Table(
        *("column", "type", "made by preprocess.sql", "computed by"),
        title="What the model reads",
        title_justify="left",
    )
    for each in found.made:
        table.add_row(*map(Text, (each.name, each.type, each.sql, each.by)))
    console.print(table)
    console.print(Text(f"An answer's columns: {', '.join(found.answers)}"))
