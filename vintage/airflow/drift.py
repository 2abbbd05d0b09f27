"""What follows from the drift of a date: who is told, the event of `drifted_<name>`, an early retraining."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from vintage.airflow.alerts import notifier
from vintage.airflow.assets import drifted_of
from vintage.airflow.spark_submit import partition_of
from vintage.spec.names import list_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import Context

    from vintage.spec import Pipeline

MONITOR: Final = "monitor"
DRIFTED: Final = "drifted"
RETRAIN: Final = "retrain"
STATES: Final = frozenset({"calm", "unknown", "warn", "alarm"})


class Drifted(BaseOperator):
    """Reports a warning or an alarm, and raises the asset's event on an alarm; skipped on all others.

    The event has the date as partition key. Its extra tells `date`, `key` of the monitor, `columns`, and
    `retrains`: whether the model is retrained because of it.
    """

    # Nothing of a trigger reaches it.
    template_fields: Sequence[str] = ()

    def __init__(self, *, pipeline: str, every: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.every = every

    def execute(self, context: Context) -> dict[str, Any]:
        """Look at what the monitor told; its date, and whether and why it is retrained or not.

        Raises:
            AirflowSkipException: it is no alarm, or one that was told before.
            AirflowFailException: the monitor told nothing that is understood.
        """
        told = context["ti"].xcom_pull(task_ids=MONITOR)
        if not isinstance(told, dict) or told.get("state") not in STATES:
            raise AirflowFailException(f"the task {MONITOR} reported no state of drift; found {told!r}")
        date, state = partition_of(context["dag_run"], context["params"]), told["state"]
        [asset] = self.outlets
        before = [extra for event in context["inlet_events"][asset] if (extra := event.extra)]
        if any(extra.get("key") == told["key"] for extra in before):
            raise AirflowSkipException(f"the drift of {date} was told before")
        if state in {"warn", "alarm"}:
            self._notify(
                f"{self.pipeline} drifted on {date} ({state}): {list_names(told['drifted'])}", context
            )
        if state != "alarm":
            raise AirflowSkipException(f"{date} is no alarm: {state}")
        why_not = self._why_not(dt.date.fromisoformat(date), told, before)
        event = context["outlet_events"][asset]
        event.extra = {
            "date": date,
            "key": told["key"],
            "columns": told["drifted"],
            "retrains": not why_not,
        }
        event.add_partitions(date)
        return {"date": date, "retrain": not why_not, "why": why_not}

    def _why_not(self, date: dt.date, told: Mapping[str, Any], before: Iterable[Mapping[str, Any]]) -> str:
        """Return why the model is not retrained; empty when it is."""
        if self.every is None:
            return "the pipeline declares no monitor.retrain"
        if told["learnt"]:
            return str(told["learnt"])
        dates = [dt.date.fromisoformat(str(extra["date"])) for extra in before if extra.get("retrains")]
        again = max(dates, default=dt.date.min) + dt.timedelta(days=self.every)
        if dates and date < again:
            return f"drift retrained it for {max(dates)}, and may again for {again}"
        return ""

    def _notify(self, message: str, context: Context) -> None:
        try:
            found = notifier(message)
            if found is not None:
                found.notify(context)
        except Exception:
            # What follows from an alarm is not to hang on a mail server.
            self.log.exception("no alert was sent: %s", message)


class EarlyRetraining(TriggerDagRunOperator):
    """Runs `retrain_<name>` for the date, once, where the alarm says so; skipped otherwise."""

    template_fields: Sequence[str] = ()

    def execute(self, context: Context) -> None:
        """Trigger the run, under a name of its date.

        Raises:
            AirflowSkipException: the alarm retrains nothing, or the run is there.
        """
        decided = context["ti"].xcom_pull(task_ids=DRIFTED) or {}
        if not decided.get("retrain"):
            raise AirflowSkipException(decided.get("why") or "no alarm")
        self.conf = {"partition_date": decided["date"]}
        self.trigger_run_id = f"drift__{decided['date']}"
        super().execute(context)


def drifted(pipeline: Pipeline) -> Drifted:
    """Return the task that tells of drift and raises the event of `drifted_<name>`."""
    asset, retrain = drifted_of(pipeline), pipeline.monitor.retrain
    return Drifted(
        task_id=DRIFTED,
        pipeline=pipeline.name,
        every=retrain.every if retrain else None,
        # The events of earlier runs show what was reported, and when drift retrained the model.
        inlets=[asset],
        outlets=[asset],
    )


def early_retraining(pipeline: Pipeline) -> EarlyRetraining | None:
    """Return the task that retrains before the schedule does; None where the pipeline declares none."""
    if pipeline.monitor.retrain is None:
        return None
    return EarlyRetraining(
        task_id=RETRAIN,
        trigger_dag_id=f"retrain_{pipeline.name}",
        logical_date=None,
        skip_when_already_exists=True,
    )
