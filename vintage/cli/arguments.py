"""Arguments and options that several commands of `vintage` take."""

from __future__ import annotations

from typing import Annotated

import typer

PipelineName = Annotated[
    str, typer.Argument(help="Name of a file in pipelines/, without .yaml.", show_default=False)
]
PipelineNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PIPELINE",
        help="Pipelines in the store. [default: all, also those without a file]",
        show_default=False,
    ),
]
PartitionDate = Annotated[str, typer.Option(help="Partition date, YYYY-MM-DD.", show_default=False)]
DateOrLatest = Annotated[
    str | None,
    typer.Option(help="Partition date, YYYY-MM-DD. [default: the latest]", show_default=False),
]
FirstOfRange = Annotated[
    str | None,
    typer.Option("--from", help="First partition date of a range, YYYY-MM-DD.", show_default=False),
]
LastOfRange = Annotated[
    str | None,
    typer.Option("--to", help="Last partition date, included. [default: the latest]", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
