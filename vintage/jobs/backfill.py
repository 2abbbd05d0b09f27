"""Retrains date after date in one Spark session, without Airflow; each finds what those before it made."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from vintage.errors import DataError, ModelRefused
from vintage.flow.job import open_job
from vintage.flow.signs import Signs
from vintage.flow.steps import JOBS as STEPS
from vintage.jobs import evaluate, promote, validate
from vintage.registry.loadability import place_of
from vintage.registry.loading_process import LoadingProcess
from vintage.session import SparkProvider
from vintage.spec import submit_conf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from vintage.flow.job import Job
    from vintage.registry.ledger import Entry
    from vintage.registry.loadability import Loaded, Loading
    from vintage.spec import Home, Pipeline

log = logging.getLogger(__name__)


JOBS: Final[Mapping[str, Callable[[Job], object]]] = {
    **STEPS,
    "validate": validate.run,
    "evaluate": evaluate.run,
}
"""The jobs that make a date's evaluated model, in their order; `promote` decides on it."""


class Backfilled(BaseModel):
    """What became of a date.

    Attributes:
        date: the partition date.
        action: what the ledger says became of its model; None when the date failed.
        version: of its model.
        error: why it failed; empty when it did not.
        exit_code: of that error; 0 when it did not fail.
        seconds: how long it took.
    """

    model_config = ConfigDict(frozen=True)

    date: str
    action: str | None = None
    version: int | None = None
    error: str = ""
    exit_code: int = 0
    seconds: float


def backfill(
    home: Home,
    pipeline: Pipeline,
    dates: Sequence[date],
    *,
    spark: SparkProvider | None = None,
    load: Callable[[Loading], Loaded] | None = None,
    signs: Signs | None = None,
) -> Iterator[Backfilled]:
    """Retrain one date after the other, as repeated `vintage run` does, but start Spark once.

    A date whose data is missing or refused, or whose model is, fails alone: the next ones go on, as in
    Airflow.

    Args:
        home: where the pipeline is.
        pipeline: the spec.
        dates: the partition dates, in order.
        spark: the session to do it in; its owner ends it. Left out, one is started and ended.
        load: how a model that is to serve is loaded and scored before; when left out, in a process of its
            own, one for all dates.
        signs: told of each date and its steps.

    Raises:
        SpecError, StoreError, TrackingError, EnvironmentProblem: what would stop every other date as well.
    """
    provider = spark or SparkProvider(f"{pipeline.name} backfill", conf=submit_conf(pipeline, home))
    apart = LoadingProcess(place_of(home, pipeline))
    signs = signs or Signs()
    try:
        for number, day in enumerate(dates, start=1):
            started = time.monotonic()
            try:
                with signs.date(number, len(dates), day):
                    job = open_job(home, pipeline.name, str(day), spark=provider)
                    entry = _run(job, load or apart.load, signs)
            except (DataError, ModelRefused) as error:
                log.warning("%s failed: %s", day, error)
                failed = {"error": str(error), "exit_code": error.exit_code}
            else:
                failed = {"action": entry.action, "version": entry.version}
            seconds = round(time.monotonic() - started, 2)
            yield Backfilled.model_validate({"date": str(day), "seconds": seconds, **failed})
    finally:
        apart.close()
        if spark is None:
            provider.stop()


def _run(job: Job, load: Callable[[Loading], Loaded], signs: Signs) -> Entry:
    steps = len(JOBS) + 1
    for number, (name, step) in enumerate(JOBS.items(), start=1):
        with signs.step(number, steps, name):
            step(job)
    with signs.step(steps, steps, "promote"):
        return promote.run(job, load=load)
