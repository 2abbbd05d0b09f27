"""What every Dag file does with the files of pipelines/, and what their trigger forms ask alike."""

from __future__ import annotations

import datetime as dt
import logging
import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import CronPartitionTimetable, Param, get_parsing_context
from croniter import croniter

from vintage.errors import SpecError
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import DAG

    from vintage.spec import Pipeline

log = logging.getLogger(__name__)


def make_dags(module: str, prefix: str, make: Callable[[Pipeline, Home], DAG]) -> dict[str, DAG]:
    """The Dag `<prefix>_<name>` of each pipeline, by its id; a task makes its own alone.

    broken_pipelines.py shows what is wrong with one that is left out here: whatever it is, the others stay.

    Args:
        module: the Dag file's; none are made where it is imported for what it defines.
        prefix: of the Dags' ids.
        make: must not register the Dag by itself: one that fails half made would stay.
    """
    if module.startswith("dags."):
        return {}
    home = Home.from_environment(os.environ)
    wanted = get_parsing_context().dag_id
    dags = {}
    for name in home.pipeline_names():
        if wanted in {None, f"{prefix}_{name}"}:
            try:
                dags[f"{prefix}_{name}"] = make(load_pipeline(home, name), home)
            except SpecError:
                continue
            except Exception:
                log.exception("%s_%s is left out", prefix, name)
    return dags


def daily(schedule: str) -> CronPartitionTimetable:
    """A cron line, each of whose ticks makes the partition of the tick before."""
    return CronPartitionTimetable(schedule, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d")


def run_of(schedule: str, date: dt.date) -> dt.datetime:
    """When a schedule makes a partition: a run makes that of the tick before its own.

    As a Dag's start_date, it makes the pipeline's start_date the first partition, not the day before; and
    so with its end_date.
    """
    last_moment_before = dt.datetime.combine(date, dt.time(), dt.UTC) - dt.timedelta(microseconds=1)
    ticks = croniter(schedule, last_moment_before, ret_type=dt.datetime)
    ticks.get_next()
    run: dt.datetime = ticks.get_next()
    return run


def nightly_arguments(pipeline: Pipeline) -> dict[str, Any]:
    """The owner, the retries and the patience of each task that a night or its scoring has."""
    return {
        "owner": pipeline.owner,
        "retries": 2,
        "retry_delay": dt.timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=10),
        "execution_timeout": dt.timedelta(hours=6),
    }


def date_param(description: str) -> Param:
    """The form's `partition_date`: a date or nothing."""
    return Param(
        None, type=["null", "string"], format="date", title="Partition date", description=description
    )
