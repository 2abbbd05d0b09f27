"""The commands of `vintage` about what the store holds: what a restatement touches, and what may be swept."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from vintage.cli.arguments import AsJson, PipelineName, PipelineNames
from vintage.cli.screen import Console, write_json
from vintage.errors import SpecError, StoreError
from vintage.flow.job import configure_logging
from vintage.spec import Home, load_pipeline, parse_partition_date, submit_conf
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.flow.sweep import SweptPipeline
    from vintage.flow.verify import VerifiedPipeline


def impact(
    pipeline: PipelineName,
    date: Annotated[
        str | None,
        typer.Option(help="A partition date, YYYY-MM-DD. [default: all]", show_default=False),
    ] = None,
    no_rows: Annotated[
        bool,
        typer.Option("--no-rows", help="Do not compare rows: takes seconds and starts no Spark."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show which raw data was restated, and what was made from the old rows.

    Shows how the rows differ, the models and predictions made from them, the champion, and the commands
    that retrain. Raw files that changed since their snapshot are listed too. Exit code 0 in any case.

    Example: `vintage impact flight_delay --date 2013-02-20`
    """
    from vintage.cli.impact_view import show
    from vintage.flow.impact import impact as impact_of
    from vintage.session import SparkProvider
    from vintage.store.engines import java_major

    configure_logging()
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    day = parse_partition_date(date) if date else None
    provider = None
    if not no_rows:
        java_major()
        provider = SparkProvider(f"impact of {spec.name}", conf=submit_conf(spec, home))
    try:
        found = impact_of(spec, Store(home.store, spec.name), day=day, spark=provider)
    finally:
        if provider is not None:
            provider.stop()
    if as_json:
        write_json(found)
    else:
        show(found, Console(highlight=False))


def gc(
    pipelines: PipelineNames = None,
    older_than: Annotated[
        str, typer.Option(metavar="DAYS", help="Least age of what is removed, such as 90d; 1d or more.")
    ] = "90d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove unreferenced artifacts and the leftovers of killed jobs.

    Keeps what is current for a date, the models in the ledger or in MLflow's registry with everything
    they were made from, and everything younger than `--older-than`. Removes nothing when MLflow does not
    answer. While jobs run, only leftovers older than a day are removed.

    Example: `vintage gc flight_delay --older-than 30d --dry-run`
    """
    from vintage.cli.published import Swept
    from vintage.flow.sweep import sweep
    from vintage.registry.tracking import Tracking

    configure_logging()
    days = re.fullmatch(r"([0-9]{1,5})d", older_than)
    if days is None:
        raise SpecError(f"--older-than {older_than} is no time", expected="a number of days, such as 90d")
    home = Home.from_environment(os.environ)
    age = timedelta(days=int(days[1]))
    tracking = Tracking.of(home)
    found = sweep(home, tracking, pipelines or (), older_than=age, dry_run=dry_run)
    if as_json:
        size = sum(each.size for each in found)
        write_json(Swept(dry_run=dry_run, size=size, pipelines=tuple(found)))
    else:
        _show_swept(found, Console(highlight=False), dry_run=dry_run)


def verify(
    pipelines: PipelineNames = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Set damaged artifacts aside, so that the next run restores them."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read every file of the store and report damage.

    Compares files with the SHA-256 in their manifests, and manifests, pointers and contracts with their
    own digests. Compares MLflow's copies of models too. Writes nothing without `--repair`. A
    restored artifact must equal the damaged one.

    Exit code 4 when damage remains, or when MLflow does not answer.

    Example: `vintage verify flight_delay --repair`
    """
    from vintage.cli.published import Verified
    from vintage.flow.verify import verify as verify_store

    configure_logging()
    found = verify_store(Home.from_environment(os.environ), pipelines or (), repair=repair)
    if as_json:
        write_json(Verified(pipelines=tuple(found)))
    else:
        _show_verified(found, Console(highlight=False))
    if any(each.left or each.unread for each in found):
        raise typer.Exit(StoreError.exit_code)


def _show_verified(found: Sequence[VerifiedPipeline], console: Console) -> None:
    for each in found:
        console.print(
            f"{each.pipeline}: {each.artifacts} artifacts, {each.files} files, {decimal(each.size)}, and "
            f"{each.copies} cop{'y' if each.copies == 1 else 'ies'} of models in MLflow read; "
            f"{len(each.damaged) or 'nothing'} damaged",
            markup=False,
        )
        if each.unread:
            console.print(Text(f"· MLflow's copies were not read: {each.unread}", style="yellow"))
        if each.damaged:
            for item in each.damaged:
                lines = [item.path, f"expected {item.expected}", f"found {item.found}", item.repair]
                console.print(Text(f"· {' '.join(filter(None, (item.what, item.date)))}", style="bold red"))
                for line in filter(None, lines):
                    # On one line whatever the width: a path is to be copied.
                    console.print(Text(f"  {line}"), soft_wrap=True)
    if not found:
        console.print("The store is empty.")


def _show_swept(found: Sequence[SweptPipeline], console: Console, *, dry_run: bool) -> None:
    verb = "would go" if dry_run else "deleted"
    for each in found:
        console.print(
            f"{each.pipeline}: {len(each.swept)} {verb}, {decimal(each.size)}; {each.kept} artifacts stay",
            markup=False,
        )
        for warning in each.warnings:
            console.print(Text(f"· {warning}", style="yellow"))
        if each.swept:
            table = Table("what", "date", "name", "size", "why", box=box.SIMPLE_HEAD)
            for item in each.swept:
                name = item.key[:12] or item.path.rpartition("/")[2][:24]
                table.add_row(item.what, item.date, Text(name), decimal(item.size), Text(item.why))
            console.print(table)
    if not found:
        console.print("The store is empty.")
