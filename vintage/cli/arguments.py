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
        help="Whose store; all that are in it when left out, also those without a file by now.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs, and nothing else, on standard output.")
]
