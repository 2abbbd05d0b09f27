"""What is alike in the DAGs of all pipelines: how they are made of files, their schedules and forms."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import CronPartitionTimetable, Param
from croniter import croniter

from vintage.airflow.last_words import ON_FAILURE
from vintage.errors import SpecError
from vintage.spec import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from airflow.sdk import DAG

    from vintage.spec import Home, Pipeline

log = logging.getLogger(__name__)


def valid_pipelines(home: Home, names: Collection[str] | None = None) -> list[Pipeline]:
    """Return the pipelines whose files are right, by their names.

    Args:
        home: where the files are.
        names: which to load; None loads all.
    """
    found = []
    for name in home.pipeline_names():
        if names is None or name in names:
            try:
                found.append(load_pipeline(home, name))
            except SpecError:
                continue
            except Exception:
                log.exception("%s is left out", name)
    return found


def make_dags(
    home: Home,
    pipelines: Iterable[Pipeline],
    prefix: str,
    make: Callable[[Pipeline, Home], DAG],
    wanted: str | None,
) -> dict[str, DAG]:
    """Return the DAG `<prefix>_<name>` of each pipeline, by its id.

    Args:
        home: where the pipelines are.
        pipelines: whose DAGs.
        prefix: of the DAGs' ids.
        make: must not register the DAG by itself: one that fails half made would stay.
        wanted: the one DAG that is asked for; None for all.
    """
    dags = {}
    for pipeline in pipelines:
        dag_id = f"{prefix}_{pipeline.name}"
        if wanted in {None, dag_id}:
            try:
                dags[dag_id] = make(pipeline, home)
            except Exception:
                log.exception("%s is left out", dag_id)
    return dags


def daily(schedule: str) -> CronPartitionTimetable:
    """Return a cron line, each of whose ticks makes the partition of the tick before."""
    return CronPartitionTimetable(schedule, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d")


def run_of(schedule: str, date: dt.date) -> dt.datetime:
    """When a schedule makes a partition: a run makes that of the tick before its own.

    As a DAG's start_date, it makes the pipeline's start_date the first partition, not the day before; and
    so with its end_date.
    """
    last_moment_before = dt.datetime.combine(date, dt.time(), dt.UTC) - dt.timedelta(microseconds=1)
    ticks = croniter(schedule, last_moment_before, ret_type=dt.datetime)
    ticks.get_next()
    run: dt.datetime = ticks.get_next()
    return run


def display_name(pipeline: Pipeline, doing: str) -> str:
    """Return the name under which the UI lists a DAG: those of a pipeline stand together."""
    return f"{pipeline.name} · {doing}"


def nightly_arguments(pipeline: Pipeline) -> dict[str, Any]:
    """Return the owner, the retries and the patience of each task that a night or its scoring has."""
    return {
        "owner": pipeline.owner,
        "retries": 2,
        "retry_delay": dt.timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=10),
        "execution_timeout": dt.timedelta(hours=6),
        **ON_FAILURE,
    }


def date_param(description: str) -> Param:
    """Return the form's `partition_date`: a date or nothing."""
    return Param(
        None, type=["null", "string"], format="date", title="Partition date", description=description
    )
