"""The command of `vintage` that scores a date's rows."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PartitionDate, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.cli.signs_of_life import signs_of_life
from vintage.flow.job import open_job
from vintage.report.predictions import scored_of, show
from vintage.spec import Home


def score(
    pipeline: PipelineName,
    date: PartitionDate,
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
    from vintage.jobs.score import run

    job = open_job(Home.from_environment(os.environ), pipeline, date)
    with signs_of_life(job.home, job.store, f"score_{job.pipeline.name}_{job.date}") as signs:
        try:
            with signs.step(1, 1, "score"):
                made = scored_of(run(job, version))
        finally:
            job.spark.stop()
    if as_json:
        write_json(made)
    else:
        show(made, Console(highlight=False))
