"""How Airflow notices that rows changed under a model that stands: a task, and the asset event it raises."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from dags.assets import restated_of
from dags.spark_submit import JOBS, PythonProgram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import Asset, Context

    from vintage.spec import Pipeline

TASK: Final = "impact"


def restatement_check(pipeline: Pipeline) -> RestatementCheck:
    """The task that looks at one pipeline."""
    asset = restated_of(pipeline)
    return RestatementCheck(
        task_id=TASK,
        pipeline=pipeline.name,
        application=str(JOBS / f"{TASK}.py"),
        # What it told before it reads from its own events.
        inlets=[asset],
        outlets=[asset],
    )


class RestatementCheck(BaseOperator):
    """Raises an event for each date whose standing model or predictions are of rows that were restated.

    The event of a date has it as partition key; its extra tells `restated`, the dates whose rows changed,
    `models`, and `uses`, which model used which old snapshot. What was told once is not told again. Skipped
    when there is nothing to tell.
    """

    # Nothing of a trigger reaches the job.
    template_fields: Sequence[str] = ()

    def __init__(self, *, pipeline: str, application: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.application = application
        self._program = PythonProgram(self.task_id)

    def execute(self, context: Context) -> list[str]:
        """Looks; the dates that are to be retrained and were not told before.

        Raises:
            AirflowSkipException: there is nothing to tell.
            AirflowFailException: a retry cannot help: a wrong spec.
            AirflowException: the job ended in another error.
        """
        with tempfile.TemporaryDirectory(prefix="vintage-") as folder:
            file = Path(folder) / "impact.json"
            self._program.run(self.application, f"--pipeline={self.pipeline}", f"--output={file}")
            impact = json.loads(file.read_text(encoding="utf-8"))
        [asset] = self.outlets
        told = {use for event in context["inlet_events"][asset] for use in _told(event.extra)}
        dates = self._raise(context, asset, [model for model in impact["models"] if new_uses(model, told)])
        if not dates:
            raise AirflowSkipException(
                "nothing was restated under a model that stands, or all was told before"
            )
        self.log.info("restated under the models of %s", ", ".join(dates))
        for command in impact["airflow_backfills"]:
            self.log.info("to retrain: %s", command)
        return dates

    def on_kill(self) -> None:
        """Ends the job with all it started."""
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
    """What a model is to be retrained for, `<model>/<snapshot>`, but for what was told."""
    uses = model["uses"] if model["retrain"] else ()
    return {f"{model['key']}/{use['snapshot']}" for use in uses}.difference(told)


def _told(extra: Mapping[str, Any] | None) -> set[str]:
    uses = (extra or {}).get("uses")
    return set(uses) if isinstance(uses, list) else set()
