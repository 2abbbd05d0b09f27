"""The command of `vintage` that compares the rows of a date with those that a model was trained on."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, DateOrLatest, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.spec import Home, load_pipeline, parse_partition_date
from vintage.store import Store


def drift(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="`training` (the champion's training rows), `yesterday`, `last-week`, or two "
            "dates A..B. Default: the pipeline's `monitor.against`.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show also the columns that did not drift.")] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Also write a page into the store, and print its path.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a date's rows with a reference: which columns drifted, how far, and since when.

    Compares raw rows, also of joined sources, features and predictions by their profiles; starts no Spark.

    Example: `vintage drift flight_delay --date 2013-02-28 --against last-week`
    """
    from vintage.cli.drift_view import show
    from vintage.monitoring.drift import drift_of
    from vintage.monitoring.feeds import with_feeds
    from vintage.monitoring.weighed import with_importance
    from vintage.report.drift_page import write_drift

    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    day = parse_partition_date(date) if date else None
    store = Store(home.store, spec.name)
    drifted = drift_of(
        store,
        day,
        against or spec.monitor.against,
        joins=spec.joins,
        overrides=spec.monitor.overrides,
    )
    found = with_importance(with_feeds(drifted, spec), store)
    written = write_drift(store, found) if page else None
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False), every=every)
        if written:
            Console(highlight=False, soft_wrap=True).print(f"\npage  {written}")
