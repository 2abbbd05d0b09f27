"""The commands of `vintage` that change the champion."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.errors import SpecError
from vintage.flow.job import configure_logging, open_job
from vintage.spec import Home, load_pipeline, parse_partition_date
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vintage.registry.intervention import Intervention
    from vintage.registry.ledger import Entry
    from vintage.registry.loadability import Loaded
    from vintage.registry.tracking import Tracking
    from vintage.spec import Pipeline

_WHY = "The reason; the ledger records it with your name."


def rollback(
    pipeline: PipelineName,
    why: Annotated[str, typer.Option(help=_WHY, show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="An earlier champion by version, date or key. [default: the previous one]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier champion the champion again, after checking that it loads and scores.

    Later dates are compared with it, not with the champion that it replaces.

    Example: `vintage rollback flight_delay --why "too many false alarms since Monday"`
    """
    from vintage.registry import intervention
    from vintage.registry.tracking import Tracking

    configure_logging()
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    store = Store(home.store, spec.name)
    tracking = Tracking.of(home)
    wanted = intervention.rollback(store, tracking, to=to, why=why)
    _carry_out(store, tracking, wanted, _loads(home, spec, tracking), as_json=as_json)


def promote(  # noqa: PLR0913, PLR0917 - each is an option of the command
    pipeline: PipelineName,
    date: Annotated[str | None, typer.Option(help="Partition date, YYYY-MM-DD.", show_default=False)] = None,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A registered model by version, date or key, instead of --date. Needs --force.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Promote in spite of failed gates or a later champion."),
    ] = False,
    why: Annotated[str, typer.Option(help=f"{_WHY} Needs --force.", show_default=False)] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="STAGE.PARAM=VALUE", help="A Param that the date was run with. Not with --force."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Promote the evaluated model of a partition date, as the job does.

    With `--force`, promote it although its gates refuse it or a later champion serves. With `promote:
    approve` in the pipeline, this command is your approval. A model that fails its load or golden-batch
    check is never promoted.

    Example: `vintage promote flight_delay --date 2013-02-28 --force --why "the holdout had a strike in
    it"`
    """
    from vintage.jobs.promote import run
    from vintage.registry import agreement, intervention
    from vintage.registry.people import os_user
    from vintage.registry.recording import registered
    from vintage.registry.tracking import Tracking

    configure_logging()
    home = Home.from_environment(os.environ)
    refuse_contradiction(date=date, version=version, force=force, why=why, set_=set_ or ())
    if not force:
        job = open_job(home, pipeline, str(date), set_ or ())
        try:
            # Who says this where a person is asked has answered.
            asked = job.pipeline.promote == "approve"
            entry = run(job, approved_by=os_user() if asked else None)
        finally:
            job.spark.stop()
        _print(entry, as_json=as_json)
        return
    spec = load_pipeline(home, pipeline)
    store = Store(home.store, spec.name)
    tracking = Tracking.of(home)
    if version is not None:
        target, evaluation = intervention.version_of(store, tracking, version)
    else:
        agreement.standing(store, tracking, by_hand=True)
        evaluation, model = intervention.evaluated(store, parse_partition_date(str(date)))
        target = registered(tracking, store, model, evaluation)
    wanted = intervention.force(
        store, tracking, target=target, evaluation=evaluation, mode=spec.promote, why=why
    )
    _carry_out(store, tracking, wanted, _loads(home, spec, tracking), as_json=as_json)


def refuse_contradiction(
    *, date: str | None, version: str | None, force: bool, why: str, set_: Sequence[str]
) -> None:
    """Refuse options of `vintage promote` that contradict each other, before anything is read.

    Raises:
        SpecError: they do.
    """
    if (date is None) == (version is None) or (version is not None and not force):
        raise SpecError(
            "specify exactly one of --date or --version",
            expected="--date YYYY-MM-DD, or --version MODEL with --force",
        )
    if why and not force:
        raise SpecError("--why is for --force", fix="Leave it out, or add --force.")
    if force and not why.strip():
        raise SpecError("--force needs a reason", expected='--why "what speaks for it"')
    if set_ and force:
        raise SpecError("--set is not for --force", fix="Name the model by --version instead.")


def _carry_out(
    store: Store,
    tracking: Tracking,
    wanted: Intervention,
    loads: Callable[[Intervention], Loaded],
    *,
    as_json: bool,
) -> None:
    from vintage.registry import intervention, ledger

    before = ledger.read(store.ledger_path)
    entry = intervention.carry_out(store, tracking, wanted, loads)
    _print(entry, as_json=as_json)
    if entry in before and not as_json:
        Console(highlight=False, soft_wrap=True).print("it already serves; nothing has changed", markup=False)


def _loads(home: Home, spec: Pipeline, tracking: Tracking) -> Callable[[Intervention], Loaded]:
    from vintage.registry.copies import verified_copy
    from vintage.registry.loadability import loading_of, place_of
    from vintage.registry.loading_process import LoadingProcess

    def loads(wanted: Intervention) -> Loaded:
        with (
            verified_copy(tracking, wanted.model, wanted.target) as copy,
            LoadingProcess(place_of(home, spec)) as apart,
        ):
            return apart.load(loading_of(wanted.model, wanted.target.version, copy))

    return loads


def _print(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        write_json(entry)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"version {entry.version} of {entry.pipeline} for {entry.date}: {entry.told}", markup=False)
    for reason in entry.reasons:
        console.print(f"· {reason}", markup=False)
