"""The command line: look at the specs, run a date in one Spark session, show what a run made."""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from vintage.cli import champion as cli_champion
from vintage.cli import diff as cli_diff
from vintage.cli import drift as cli_drift
from vintage.cli import init as cli_init
from vintage.cli import monitor as cli_monitor
from vintage.cli import plan as cli_plan
from vintage.cli import quality as cli_quality
from vintage.cli import registry as cli_registry
from vintage.cli import reproduce as cli_reproduce
from vintage.cli import score as cli_score
from vintage.cli import serve as cli_serve
from vintage.cli import store as cli_store
from vintage.cli.arguments import AsJson, DateOrLatest, PartitionDate, PipelineName
from vintage.cli.pipelines_view import listed
from vintage.cli.pipelines_view import show as show_list
from vintage.cli.screen import Console, write_json
from vintage.cli.signs_of_life import signs_of_life
from vintage.cli.summary_view import show as show_summary
from vintage.errors import SpecError, StoreError, TrackingError, VintageError
from vintage.flow.job import open_job, report, stage_problems
from vintage.lineage.graph import current_evaluation
from vintage.processes import ends_in_order
from vintage.report.headline import with_decision
from vintage.report.history import LAST, history_of
from vintage.report.history import show as show_history
from vintage.report.markdown import as_text, links_of
from vintage.report.summary import Champion, Summary, summarise
from vintage.spec import Home, contained, load_pipeline, parse_partition_date, read_home
from vintage.spec.permissions import close_to_others
from vintage.spec.problem import without_echoes
from vintage.store import Store

log = logging.getLogger(__name__)

app = typer.Typer(
    help="Nightly Spark ML retraining that people can trust.\n\n"
    "A pipeline is a file in `pipelines/`, a suite of expectations a file in `expectations/`, both below "
    "VINTAGE_HOME (default: the current folder). Artifacts go to VINTAGE_STORE (default: `data/store`), runs "
    "to MLFLOW_TRACKING_URI (default: a SQLite file in `data/mlflow`).",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PIPELINES, DATES, MODELS = "Pipelines", "Partition dates", "Models"
STORE = "Store and registry"


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"vintage {metadata.version('vintage-retraining')}\n")
        raise typer.Exit


@app.callback()
def program(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Take the options of the program itself; each command does the rest."""


@app.command("list", rich_help_panel=PIPELINES)
def list_pipelines(as_json: AsJson = False) -> None:
    """List the pipelines: task, schedule, the latest evaluated date, and the champion by the ledger."""
    home = Home.from_environment(os.environ)
    found = listed(home)
    if as_json:
        write_json(found)
    else:
        show_list(found, Console(highlight=False))


app.command(rich_help_panel=PIPELINES)(cli_init.init)


@app.command(rich_help_panel=PIPELINES)
def check(as_json: AsJson = False) -> None:
    """Check every pipeline and suite without starting Spark.

    Reports each problem with its file and line. SQL and stages that are not repeatable are refused:
    `rand()`, `now()`, `first()`, a `LIMIT` without an order. Code that may not be repeatable, such as user
    code, is a warning.

    Exit code 2 when there is a problem; warnings do not count.
    """
    from vintage.cli.published import Checked
    from vintage.ml.repeatability import repeatability_warnings
    from vintage.validation.expectations import check_suite

    home = Home.from_environment(os.environ)
    found = read_home(home)
    looks = [(one.file, partial(stage_problems, one)) for one in found.pipelines]
    looks += [(one.file, partial(check_suite, one)) for one in found.suites]
    further = {each for file, look in looks for each in contained(file, look)}
    problems = without_echoes({*found.problems, *further})
    looked_at = (contained(one.file, partial(repeatability_warnings, one)) for one in found.pipelines)
    warnings = sorted({each for some in looked_at for each in some}, key=lambda each: each.order)
    if as_json:
        write_json(
            Checked(
                home=str(home.path),
                pipelines=len(home.pipeline_names()),
                suites=len(home.suite_names()),
                problems=tuple(map(str, problems)),
                warnings=tuple(map(str, warnings)),
            )
        )
        raise typer.Exit(2 if problems else 0)
    told = [*map(str, problems), *(f"warning: {each}" for each in warnings)]
    for line in told:
        Console(stderr=True, soft_wrap=True, highlight=False).print(line, markup=False)
    counts = (
        f"{_count(len(home.pipeline_names()), 'pipeline')} and {_count(len(home.suite_names()), 'suite')}"
    )
    Console(soft_wrap=True, highlight=False).print(
        f"{counts} in {home.path}: {_count(len(problems), 'problem')}"
        + (f", {_count(len(warnings), 'warning')}" if warnings else ""),
        markup=False,
    )
    if problems:
        raise typer.Exit(2)


@app.command(rich_help_panel=DATES)
def run(
    pipeline: PipelineName,
    date: PartitionDate,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STAGE.PARAM=VALUE",
            help="A stage's Param, for this run alone. Repeatable.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Retrain for one partition date in one Spark session, without Airflow.

    Runs the steps of the DAG and makes the same artifacts. Finished steps are found by their keys.

    Example: `vintage run flight_delay --date 2013-02-28 --set LogisticRegression.regParam=0.1`
    """
    from vintage.jobs import promote
    from vintage.jobs.backfill import JOBS

    job = open_job(Home.from_environment(os.environ), pipeline, date, set_ or ())
    steps = {**JOBS, "promote": promote.run}
    seconds = {}
    with signs_of_life(job.home, job.store, f"run_{job.pipeline.name}_{job.date}") as signs:
        try:
            for number, (name, step) in enumerate(steps.items(), start=1):
                started = time.monotonic()
                with signs.step(number, len(steps), name):
                    step(job)
                seconds[name] = round(time.monotonic() - started, 2)
        finally:
            job.spark.stop()
    _print(_summary(job.home, job.store, date).model_copy(update={"seconds": seconds}), as_json=as_json)


@app.command(rich_help_panel=MODELS)
def show(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    as_json: AsJson = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the text of an approval request, in Markdown.")
    ] = False,
) -> None:
    """Show the result of a partition date: decision, metrics, rows, keys, and the champion."""
    if as_json and as_markdown:
        raise SpecError("--json and --markdown exclude each other", fix="Leave one of them out.")
    home = Home.from_environment(os.environ)
    store = Store(home.store, load_pipeline(home, pipeline).name)
    summary = _summary(home, store, date)
    if as_markdown:
        evaluation = current_evaluation(store, summary.date)
        sys.stdout.write(as_text(summary, links_of(home, store, evaluation)))
    else:
        _print(summary, as_json=as_json)


@app.command(rich_help_panel=MODELS)
def history(
    pipeline: PipelineName,
    last: Annotated[
        int, typer.Option(min=1, help="Show at most this many partition dates and decisions, the latest.")
    ] = LAST,
    as_json: AsJson = False,
) -> None:
    """Show a pipeline's past: the deciding metric by partition date, and every decision with its reasons."""
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    store = Store(home.store, spec.name)
    try:
        champion = _champion(home, store)
    except (TrackingError, StoreError) as error:
        log.warning("which version serves is not known: %s", error)
        champion = None
    found = history_of(store, spec.evaluate.metric, champion=champion.key if champion else None, last=last)
    if as_json:
        write_json(found)
    else:
        show_history(found, Console(highlight=False))


@app.command("report", rich_help_panel=MODELS)
def write_page(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Write the page to this file.", show_default=False),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the HTML report of a partition date from the store, and print its path.

    Example: `vintage report flight_delay --date 2013-02-28 --open`
    """
    from vintage.cli.published import Written
    from vintage.report.html import write_report

    home = Home.from_environment(os.environ)
    store = Store(home.store, load_pipeline(home, pipeline).name)
    evaluation = current_evaluation(store, parse_partition_date(date) if date else None)
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise SpecError(
            f"--output {output} is no place for a file", expected="a file in a folder that exists"
        )
    page = write_report(store, evaluation, page=output and output.absolute()).html
    if as_json:
        write_json(Written(page=str(page)))
    else:
        sys.stdout.write(f"{page}\n")
    if open_:
        typer.launch(page.as_uri())


app.command(rich_help_panel=MODELS)(cli_champion.promote)
app.command(rich_help_panel=MODELS)(cli_champion.rollback)
app.command(rich_help_panel=MODELS)(cli_diff.diff)
app.command(rich_help_panel=MODELS)(cli_drift.drift)
app.command(rich_help_panel=MODELS)(cli_quality.quality)
app.command(rich_help_panel=MODELS)(cli_monitor.monitor)
app.command(rich_help_panel=MODELS)(cli_reproduce.reproduce)
app.command(rich_help_panel=MODELS)(cli_score.score)
app.command(rich_help_panel=MODELS)(cli_serve.serve)
app.command(rich_help_panel=DATES)(cli_plan.plan)
app.command(rich_help_panel=DATES)(cli_plan.backfill)
app.command(rich_help_panel=DATES)(cli_store.impact)
app.command(rich_help_panel=STORE)(cli_store.gc)
app.command(rich_help_panel=STORE)(cli_store.verify)
app.add_typer(cli_registry.registry, name="registry", rich_help_panel=STORE)


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _summary(home: Home, store: Store, date: str | None) -> Summary:
    from vintage.registry import ledger

    entries = ledger.read(store.ledger_path)
    summary = with_decision(summarise(store, parse_partition_date(date) if date else None), entries)
    about = [entry for entry in entries if entry.model_key == summary.keys["model"]]
    if about:
        tracked = summary.mlflow.model_copy(update={"version": about[-1].version})
        summary = summary.model_copy(update={"mlflow": tracked})
    try:
        return summary.model_copy(update={"champion": _champion(home, store)})
    except (TrackingError, StoreError) as error:
        log.warning("MLflow cannot confirm the champion of the ledger: %s", error)
        return summary


def _champion(home: Home, store: Store) -> Champion | None:
    """Return the version that serves by MLflow and the ledger, which must agree."""
    from vintage.registry.agreement import standing
    from vintage.registry.tracking import Tracking

    champion = standing(store, Tracking.of(home)).champion
    if champion is None:
        return None
    return Champion(version=champion.version, date=champion.date, key=champion.key)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        write_json(summary)
    else:
        show_summary(summary, Console(highlight=False))


def main() -> None:
    """Run the program `vintage`; an error is one readable line on standard error and an exit code."""
    try:
        with ends_in_order():
            close_to_others(os.environ)
            app()
    except VintageError as error:
        sys.stderr.write(f"vintage: {error}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        sys.exit(report(error))
