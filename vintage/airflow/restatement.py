"""The DAG `vintage_restatement`: looks for rows that changed under a standing model, and raises an event."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from vintage.airflow.assets import restated_of
from vintage.airflow.last_words import ON_FAILURE
from vintage.airflow.spark_submit import JOBS, PythonProgram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import Asset, Context

    from vintage.spec import Pipeline

DAG_ID: Final = "vintage_restatement"
JOB: Final = "impact"
# A schedule needs a start; without catch-up any in the past will do.
LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def restatement(pipelines: Sequence[Pipeline], schedule: str | None) -> DAG:
    """Return the DAG of all pipelines: a task for each, by its name.

    Args:
        pipelines: those to look at, one at least.
        schedule: a cron line (UTC), or None: by hand alone.
    """
    with DAG(
        DAG_ID,
        dag_display_name="vintage · restatement",
        auto_register=False,
        description="Was raw data restated after a current model was made?",
        doc_md=DOCUMENTATION,
        tags={"vintage", "restatement"},
        schedule=schedule,
        start_date=LONG_AGO,
        catchup=False,
        max_active_runs=1,
        default_args={
            "retries": 2,
            "retry_delay": dt.timedelta(minutes=1),
            "execution_timeout": dt.timedelta(hours=1),
            **ON_FAILURE,
        },
    ) as dag:
        for pipeline in pipelines:
            asset = restated_of(pipeline)
            RestatementCheck(
                task_id=pipeline.name,
                owner=pipeline.owner,
                application=str(JOBS / f"{JOB}.py"),
                # The events of earlier runs say what has been reported.
                inlets=[asset],
                outlets=[asset],
            )
    return dag


DOCUMENTATION: Final = """\
Looks, for each pipeline, for dates whose standing model or predictions come from raw rows that were delivered
again with other values, or from raw files that changed since. For each such date it raises one event of the
asset `restated_<pipeline>`, with the date as partition key. `vintage impact <pipeline>` shows the details and
the commands that retrain them."""


class RestatementCheck(BaseOperator):
    """Raises an event for each date whose standing model or predictions are of rows that were restated.

    The event of a date has it as partition key; its extra tells `restated`, the dates whose rows changed,
    `models`, and `uses`, which model used which old snapshot. What was told once is not told again. Skipped
    when there is nothing to tell.
    """

    # Nothing of a trigger reaches the job.
    template_fields: Sequence[str] = ()

    def __init__(self, *, application: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.application = application
        self._program = PythonProgram(self.task_id)

    def execute(self, context: Context) -> list[str]:
        """Look; the dates that are to be retrained and were not told before.

        Raises:
            AirflowSkipException: there is nothing to tell.
            AirflowFailException: a retry cannot help: a wrong spec.
            AirflowException: the job ended in another error.
        """
        with tempfile.TemporaryDirectory(prefix="vintage-") as folder:
            file = Path(folder) / "impact.json"
            self._program.run(self.application, f"--pipeline={self.task_id}", f"--output={file}")
            impact = json.loads(file.read_text(encoding="utf-8"))
        [asset] = self.outlets
        told = {use for event in context["inlet_events"][asset] for use in _told(event.extra)}
        dates = self._raise(context, asset, [model for model in impact["models"] if new_uses(model, told)])
        if not dates:
            raise AirflowSkipException("no restatement affects a current model, or all were reported before")
        self.log.info("restated under the models of %s", ", ".join(dates))
        for command in impact["airflow_backfills"]:
            self.log.info("to retrain: %s", command)
        return dates

    def on_kill(self) -> None:
        """End the job with all it started."""
        self._program.end()

    def _raise(self, context: Context, asset: Asset, models: Sequence[Mapping[str, Any]]) -> list[str]:
        dates = sorted({model["date"] for model in models})
        if dates:
            event = context["outlet_events"][asset]
            extra: dict[str, Any] = {
                "restated": sorted({use["date"] for model in models for use in model["uses"]}),
                "models": sorted(model["key"] for model in models),
                "uses": sorted(use for model in models for use in new_uses(model, ())),
            }
            event.extra = extra
            event.add_partitions(dates)
        return dates


def new_uses(model: Mapping[str, Any], told: Iterable[str]) -> set[str]:
    """Return what a model is to be retrained for, `<model>/<snapshot>`, but for what was told."""
    uses = model["uses"] if model["retrain"] else ()
    return {f"{model['key']}/{use['snapshot']}" for use in uses}.difference(told)


def _told(extra: Mapping[str, Any] | None) -> set[str]:
    uses = (extra or {}).get("uses")
    return set(uses) if isinstance(uses, list) else set()
