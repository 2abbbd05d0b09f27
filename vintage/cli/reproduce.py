"""The command of `vintage` that makes a past model again and says whether it is the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.reproduction_view import show
from vintage.cli.screen import Console, write_json
from vintage.flow.job import configure_logging
from vintage.spec import Home, parse_partition_date
from vintage.store.scratch import Scratch


def reproduce(
    pipeline: PipelineName,
    date: Annotated[str, typer.Option(help="Partition date, YYYY-MM-DD.", show_default=False)],
    key: Annotated[
        str,
        typer.Option(
            help="Key of the model, 8 digits of it or more; left out, the one that is current for the date.",
            show_default=False,
        ),
    ] = "",
    scratch: Annotated[
        Path | None,
        typer.Option(help="Folder to work in; the store's when left out.", show_default=False),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave what was made again, to be looked into; `vintage gc` sweeps it."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a past model again from its manifests alone, and compare: the same bits, or what differed first.

    Starts at the snapshots that it was made from, whatever the raw data and pipelines/ hold by now, works
    beside the store, asks MLflow nothing and changes nothing. Compared are the rows of every date, the
    tuning, the model's digest, every prediction of the holdout, every metric, and the decision.

    Exit code 0 when all is the same, also in another environment, which is told first; 6 when it is not.

    Example: vintage reproduce flight_delay --date 2013-02-28
    """
    from vintage.flow.reproduce import reproduce as make_again
    from vintage.flow.reproduce import require_same

    configure_logging()
    home = Home.from_environment(os.environ)
    folder = None if scratch is None else scratch.absolute()
    found = make_again(home, pipeline, parse_partition_date(date), key, scratch=Scratch(folder, keep))
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False))
    require_same(found)
