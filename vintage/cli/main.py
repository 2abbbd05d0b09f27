"""The command line: look at the specs, run a date in one Spark session, show what a run made."""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vintage.cli import champion as cli_champion
from vintage.cli import diff as cli_diff
from vintage.cli import plan as cli_plan
from vintage.cli import registry as cli_registry
from vintage.cli import reproduce as cli_reproduce
from vintage.cli import score as cli_score
from vintage.cli import store as cli_store
from vintage.cli.arguments import AsJson, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.cli.summary_view import show as show_summary
from vintage.errors import SpecError, StoreError, TrackingError, VintageError
from vintage.flow.job import configure_logging, open_job, report, stage_problems
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
    "A model is one file in pipelines/, and what its data must hold is one file in expectations/. "
    "Both are looked for in VINTAGE_HOME (the current folder, if it has pipelines/). What runs make is kept "
    "in VINTAGE_STORE (data/store) and tracked in MLFLOW_TRACKING_URI (a SQLite file in data/mlflow).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DateOrLatest = Annotated[
    str | None,
    typer.Option(help="Partition date, YYYY-MM-DD; the latest when left out.", show_default=False),
]


@app.command()
def check() -> None:
    """Look at every pipeline and suite, without starting Spark, and tell all that is wrong, with its line.

    What makes another model of the same data is refused: rand(), now(), first(), LIMIT without an order, each
    with what to write instead. What may do so, in code of one's own say, is a warning.
    Exit code 0 when nothing is wrong, 2 otherwise; warnings do not count.
    """
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


@app.command()
def run(
    pipeline: PipelineName,
    date: Annotated[str, typer.Option(help="Partition date, YYYY-MM-DD.", show_default=False)],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STAGE.PARAM=VALUE",
            help="A stage's Param for this run alone; may be given several times.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Retrain for one date in one Spark session, without Airflow: the same steps, the same artifacts.

    Steps that were done before are found by their key, and only the rest runs.
    Example: vintage run flight_delay --date 2013-02-28 --set LogisticRegression.regParam=0.1
    """
    from vintage.flow import promote
    from vintage.flow.backfill import TRAINING

    configure_logging()
    job = open_job(Home.from_environment(os.environ), pipeline, date, set_ or ())
    steps = {**TRAINING, "promote": promote.run}
    seconds = {}
    try:
        for number, (name, step) in enumerate(steps.items(), start=1):
            log.info("step %d of %d: %s", number, len(steps), name)
            started = time.monotonic()
            step(job)
            seconds[name] = round(time.monotonic() - started, 2)
            log.info("%s done in %.1f s", name, seconds[name])
    finally:
        job.spark.stop()
    _print(_summary(job.home, job.store, date).model_copy(update={"seconds": seconds}), as_json=as_json)


@app.command()
def show(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    as_json: AsJson = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print what a person is asked to approve by, in Markdown.")
    ] = False,
) -> None:
    """Show what a date's run made: the decision, metrics, rows, keys, fingerprints, and who serves now."""
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


@app.command()
def history(
    pipeline: PipelineName,
    last: Annotated[
        int, typer.Option(min=1, help="How many partition dates and decisions at most, the latest.")
    ] = LAST,
    as_json: AsJson = False,
) -> None:
    """Show what became of a pipeline's models: the metric by date, and each decision with its reasons.

    Promotions, by force too, refusals, registrations and rollbacks, in the order in which they were made.
    """
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


@app.command("report")
def write_page(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the page to this file instead of beside the evaluation.", show_default=False
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
) -> None:
    """Write the report of a date's evaluation as one HTML file, from what the store holds, and tell where.

    Example: vintage report flight_delay --date 2013-02-28 --open
    """
    from vintage.report.html import write_report

    home = Home.from_environment(os.environ)
    store = Store(home.store, load_pipeline(home, pipeline).name)
    evaluation = current_evaluation(store, parse_partition_date(date) if date else None)
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise SpecError(
            f"--output {output} is no place for a file", expected="a file in a folder that exists"
        )
    page = write_report(store, evaluation, page=output and output.absolute()).html
    sys.stdout.write(f"{page}\n")
    if open_:
        typer.launch(page.as_uri())


app.command()(cli_champion.promote)
app.command()(cli_champion.rollback)
app.add_typer(cli_registry.registry, name="registry")
app.command()(cli_diff.diff)
app.command()(cli_plan.plan)
app.command()(cli_plan.backfill)
app.command()(cli_store.impact)
app.command()(cli_store.gc)
app.command()(cli_store.verify)
app.command()(cli_reproduce.reproduce)
app.command()(cli_score.score)


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
        log.warning("MLflow cannot confirm what the ledger says of the champion: %s", error)
        return summary


def _champion(home: Home, store: Store) -> Champion | None:
    """Return the version that serves by MLflow and the ledger, which must agree."""
    from vintage.registry.agreement import standing
    from vintage.registry.tracking import Tracking

    champion = standing(store, Tracking(home.tracking_uri, home.mlflow_artifacts)).champion
    if champion is None:
        return None
    return Champion(version=champion.version, date=champion.date, key=champion.key)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        write_json(summary)
    else:
        show_summary(summary, Console(highlight=False))


def main() -> None:
    """The program `vintage`: exit code 0, or that of the error with one readable line on standard error."""
    try:
        with ends_in_order():
            close_to_others(os.environ)
            app()
    except VintageError as error:
        sys.stderr.write(f"vintage: {error}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        sys.exit(report(error))
