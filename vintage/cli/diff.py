"""The command of `vintage` that holds two models against each other."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.spec import Home, load_pipeline
from vintage.store import Store

_WHICH = "A partition date, YYYY-MM-DD, or the first 8 or more digits of a model's key."


def diff(
    pipeline: PipelineName,
    old: Annotated[str, typer.Argument(help=_WHICH, show_default=False)],
    new: Annotated[str, typer.Argument(help="The model to compare with it, likewise.")],
    as_json: AsJson = False,
) -> None:
    """Compare two models: data, specification, Params, code, engines, metrics, decision.

    Reads manifests only; starts no Spark.

    Example: `vintage diff flight_delay 2013-02-27 2013-02-28`

    Example: `vintage diff flight_delay 3f9a61c2 2013-02-28`
    """
    from vintage.cli.diff_view import show
    from vintage.lineage.difference import difference_of
    from vintage.lineage.graph import find_lineage
    from vintage.registry import ledger

    home = Home.from_environment(os.environ)
    store = Store(home.store, load_pipeline(home, pipeline).name)
    one, other = find_lineage(store, old), find_lineage(store, new)
    found = difference_of(store.pipeline, one, other, ledger.read(store.ledger_path))
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False))
