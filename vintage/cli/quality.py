"""The command of `vintage` that compares predictions with labels that arrived later."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import typer

from vintage.cli.arguments import AsJson, DateOrLatest, FirstOfRange, LastOfRange, PipelineName
from vintage.cli.screen import Console, write_json
from vintage.cli.signs_of_life import signs_of_life
from vintage.errors import DataError, SpecError, StoreError
from vintage.flow.job import open_job
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline, parse_partition_date, submit_conf
from vintage.spec.range import dates_of
from vintage.store import Store

if TYPE_CHECKING:
    from vintage.spec import Pipeline


def quality(
    pipeline: PipelineName,
    date: DateOrLatest = None,
    first: FirstOfRange = None,
    last: LastOfRange = None,
    as_json: AsJson = False,
) -> None:
    """Measure predictions against labels that arrived later.

    Joins the current predictions of a date with its current raw rows. Measures the model that made them and
    the champion, each with its results on its own holdout. Snapshots and prepares rows again if they changed.
    Missing, ambiguous and changed labels are counted.

    Without a date, the latest scored date whose labels are due. Existing measurements are found.

    Example: `vintage quality flight_delay --from 2013-02-01 --to 2013-02-28`
    """
    from vintage.cli.quality_view import show
    from vintage.jobs.quality import run
    from vintage.monitoring.quality import Quality, QualityOfDate

    if date and (first or last):
        raise SpecError("--date is given with --from or --to", expected="one date, or a range")
    home = Home.from_environment(os.environ)
    spec = load_pipeline(home, pipeline)
    store = Store(home.store, spec.name)
    days = _days(spec, store, date, first, last)
    spark = SparkProvider(f"{spec.name} quality", conf=submit_conf(spec, home))
    found, code = [], 0
    with signs_of_life(home, store, f"quality_{spec.name}_{days[-1]}") as signs:
        try:
            for number, day in enumerate(days, start=1):
                with signs.step(number, len(days), f"quality {day}"):
                    try:
                        found.append(run(open_job(home, pipeline, str(day), spark=spark)))
                    except DataError as error:
                        failed = {"pipeline": spec.name, "date": day, "state": "failed", "why": str(error)}
                        found.append(QualityOfDate.model_validate(failed))
                        code = code or error.exit_code
        finally:
            spark.stop()
    told = Quality(pipeline=spec.name, dates=tuple(found))
    if as_json:
        write_json(told)
    else:
        show(told, Console(highlight=False))
    if code:
        raise typer.Exit(code)


def _days(
    pipeline: Pipeline, store: Store, date: str | None, first: str | None, last: str | None
) -> tuple[dt.date, ...]:
    """Return the dates that are asked about: one, those of a range, or the latest whose labels are due."""
    if date:
        return (parse_partition_date(date),)
    scored = store.dates("predictions")
    if not scored:
        raise StoreError(
            f"no date of {store.pipeline} was scored",
            expected="predictions that can be compared with labels",
            fix=f"`vintage score {store.pipeline} --date YYYY-MM-DD` makes them.",
        )
    if first or last:
        ends = (
            parse_partition_date(each) if each else end
            for each, end in ((first, scored[0]), (last, scored[-1]))
        )
        return dates_of(pipeline, *ends).scheduled
    today = dt.datetime.now(dt.UTC).date()
    due = [day for day in scored if day + dt.timedelta(days=pipeline.monitor.label_after or 0) <= today]
    return ((due or scored)[-1],)
