"""The commands of `vintage registry`: MLflow's registry beside the ledger and the store."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.flow.job import configure_logging
from vintage.spec import Home, load_pipeline
from vintage.store import Store

registry = typer.Typer(
    no_args_is_help=True,
    help="Compare MLflow's registry with the ledger and the store, and repair it.",
    rich_markup_mode="markdown",
)


@registry.command()
def repair(
    pipeline: PipelineName,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the repair. [default: show it only]")] = False,
    as_json: AsJson = False,
) -> None:
    """Make MLflow's registry agree with the ledger and the store.

    Registers models that the ledger has and MLflow lacks, from the store, and moves the alias `champion`
    to the champion of the ledger. Version numbers may change; a model is identified by its key. Ledger
    and store are not changed.

    Example: `vintage registry repair flight_delay --apply`
    """
    from vintage.cli.published import Repaired
    from vintage.registry.repair import carry_out, repair_of
    from vintage.registry.tracking import Tracking

    configure_logging()
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    store = Store(home.store, spec.name)
    tracking = Tracking.of(home)
    tracking.check()
    found = carry_out(store, tracking) if apply else repair_of(store, tracking)
    if as_json:
        told = {"applied": apply, "contradictions": found.contradictions, "steps": found.steps}
        write_json(Repaired(pipeline=spec.name, **told))
        if found.remains:
            raise found.remains
        return
    console = Console(highlight=False, soft_wrap=True)
    if not found.steps:
        console.print(f"{spec.name}: ledger, store and MLflow agree")
        return
    for each in found.contradictions:
        console.print(f"· {each}", markup=False)
    console.print("done:" if apply else "would do:")
    for each in found.steps:
        console.print(f"· {each}", markup=False)
    if not apply:
        console.print("Nothing was changed. Add --apply to do it.")
    if found.remains:
        raise found.remains
