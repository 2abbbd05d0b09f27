"""The command of `vintage` that makes a past model again and says whether it is the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PartitionDate, PipelineName
from vintage.cli.reproduction_view import show
from vintage.cli.screen import Console, write_json
from vintage.cli.signs_of_life import signs_of_life
from vintage.spec import Home, parse_partition_date
from vintage.store.scratch import Scratch


def reproduce(
    pipeline: PipelineName,
    date: PartitionDate,
    key: Annotated[
        str,
        typer.Option(
            help="The model's key, 8 or more digits of it. [default: the current model of the date]",
            show_default=False,
        ),
    ] = "",
    scratch: Annotated[
        Path | None,
        typer.Option(help="Folder to work in. [default: the store's]", show_default=False),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep the reproduced artifacts; `vintage gc` removes them later."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Reproduce a past model from its manifests, and compare it bit for bit.

    Starts from the snapshots, regardless of the current raw data and `pipelines/`. Compares the rows of
    every date, the tuning, the model's digest, every prediction of the holdout, every metric and the
    decision. Changes nothing in the store or MLflow.

    Exit code 0 when everything is equal, 6 when not.

    Example: `vintage reproduce flight_delay --date 2013-02-28`
    """
    from vintage.flow.reproduce import existing_store, require_same
    from vintage.flow.reproduce import reproduce as make_again

    home, day = Home.from_environment(os.environ), parse_partition_date(date)
    where = Scratch(None if scratch is None else scratch.absolute(), keep)
    with signs_of_life(home, existing_store(home, pipeline), f"reproduce_{pipeline}_{day}") as signs:
        found = make_again(home, pipeline, day, key, scratch=where, signs=signs)
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False))
    require_same(found)
