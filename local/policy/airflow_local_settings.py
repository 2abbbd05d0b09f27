"""Airflow's cluster policy: a backfill leaves a slot to the nights.

Airflow finds this file by its name on the Python path. The pool must be there, of all slots but one:
`make up` and `make up-compose` make it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.utils.types import DagRunType

from local.settings import BACKFILL_POOL

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance

# Airflow takes over every other name that it finds.
__all__ = ["task_instance_mutation_hook"]


def task_instance_mutation_hook(task_instance: TaskInstance, dag_run: DagRun | None = None) -> None:
    """Put the tasks of a backfill's runs into its pool."""
    run_type = DagRunType.from_run_id(task_instance.run_id) if dag_run is None else dag_run.run_type
    if run_type == DagRunType.BACKFILL_JOB:
        task_instance.pool = BACKFILL_POOL
