"""The command of `vintage` that scores a date's rows."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.flow.job import configure_logging, open_job
from vintage.report.predictions import scored_of, show
from vintage.spec import Home


def score(
    pipeline: PipelineName,
    date: Annotated[str, typer.Option(help="Partition date, YYYY-MM-DD.", show_default=False)],
    version: Annotated[
        str,
        typer.Option(
            help="The registered version to score with. [default: the champion]", show_default=False
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Score the rows of a partition date with the champion, with or without labels.

    Snapshots, validates and prepares the rows first if needed. Rows that the model cannot score are kept
    apart with the reason.

    Exit code 7 when there is no champion.

    Example: `vintage score flight_delay --date 2013-03-01`
    """
    from vintage.flow.score import run

    configure_logging()
    job = open_job(Home.from_environment(os.environ), pipeline, date)
    try:
        made = scored_of(run(job, version))
    finally:
        job.spark.stop()
    if as_json:
        write_json(made)
    else:
        show(made, Console(highlight=False))
