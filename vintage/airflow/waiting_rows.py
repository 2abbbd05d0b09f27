"""How a scheduled night waits for the rows of its date in a database, without a worker's slot in between."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from vintage.airflow.spark_submit import NotYet, partition_of, spark_job
from vintage.airflow.waiting import SCHEDULED, late

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import Context

    from vintage.airflow.spark_submit import SparkJob
    from vintage.spec import Home, Pipeline

TASK: Final = "wait_for_rows"
JOB: Final = "wait_for_rows"


def wait_for_rows(pipeline: Pipeline, home: Home) -> WaitForRows | None:
    """Return the task that waits for the rows of a run's date; None where no database has rows of dates."""
    awaited = [source.described for source in pipeline.views.values() if source.awaited]
    if not awaited or not pipeline.wait.timeout:
        return None
    return WaitForRows(
        task_id=TASK,
        ask=partial(spark_job, JOB, pipeline, home),
        pipeline=pipeline.name,
        expected=f"rows in {', '.join(awaited)}",
        timeout=pipeline.wait.timeout.total_seconds(),
        poke_interval=pipeline.wait.each_question.total_seconds(),
        # Waiting takes nothing from the runs beside it.
        max_active_tis_per_dag=None,
    )


class WaitForRows(BaseSensorOperator):
    """Ends when each database has rows of the run's date, or fails when they do not come in time.

    Each look is a Spark job, for the database's driver is one of Java; between two, nothing runs. A database
    that is down meanwhile is asked again. A run by hand and a backfill wait for nothing, and ask for nothing:
    the snapshot job tells at once what is missing.
    """

    # Nothing of a trigger reaches the job but a date.
    template_fields: Sequence[str] = ()

    def __init__(self, *, ask: Callable[..., SparkJob], pipeline: str, expected: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", silent_fail=True, **kwargs)
        self.ask = ask
        self.pipeline = pipeline
        self.expected = expected
        self._job: SparkJob | None = None

    def execute(self, context: Context) -> None:
        """Ask, and have the scheduler start the task again later until there are rows.

        Raises:
            AirflowFailException: the run has no valid date; pipeline or database answer is wrong; the
                rows did not come in time.
        """
        if context["dag_run"].run_type != SCHEDULED:
            self.log.info("only a scheduled run waits for rows")
            return
        try:
            super().execute(context)
        except AirflowSensorTimeout as error:
            date = partition_of(context["dag_run"], context["params"])
            raise AirflowFailException(str(late(date, self.expected, self.timeout))) from error

    def poke(self, context: Context) -> bool:
        """Return whether the rows exist."""
        date = partition_of(context["dag_run"], context["params"])
        self._job = self.ask(arguments=[f"--pipeline={self.pipeline}", f"--date={date}"])
        try:
            self._job.submit()
        except NotYet as told:
            self.log.info("%s", told)
            return False
        return True

    def on_kill(self) -> None:
        """End the job that asks, with all it started."""
        if self._job is not None:
            self._job.on_kill()
