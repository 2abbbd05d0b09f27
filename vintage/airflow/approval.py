"""How a person is asked in Airflow whether a model may serve, and how the answer reaches the promote job."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from vintage.airflow.spark_submit import JOBS, PythonProgram, application_args, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow.sdk import Context

    from vintage.spec import Pipeline

TASK: Final = "approve"
APPROVE: Final = "Approve"
REJECT: Final = "Reject"
WAITING_DAYS: Final = 7


def approval(pipeline: Pipeline) -> Approval:
    """Return the task that asks about the model of a run."""
    return Approval(
        task_id=TASK,
        pipeline=pipeline.name,
        application=str(JOBS / f"{TASK}.py"),
        application_args=application_args(pipeline),
        response_timeout=dt.timedelta(days=WAITING_DAYS),
        # Many may wait side by side.
        max_active_tis_per_dag=None,
    )


class Approval(HITLOperator):
    """Asks a person for approval; skipped where no approval is needed.

    While it waits it holds neither a process nor a slot. Whoever may edit the DAG may answer. When nobody
    does, it ends as if it had not asked: the model is registered, and running the date again asks again.

    Its result: `asked_about`, the evaluation's key, and `approved_by` or `rejected_by`, who answered; or
    nothing.
    """

    # Only arguments are rendered, not what the job writes: data may stand in that.
    template_fields: Sequence[str] = ("application_args",)

    def __init__(
        self, *, pipeline: str, application: str, application_args: list[str], **kwargs: Any
    ) -> None:
        asked = f"May the model of {pipeline} serve?"
        super().__init__(subject=asked, options=[APPROVE, REJECT], defaults=REJECT, **kwargs)
        self.pipeline = pipeline
        self.application = application
        self.application_args = application_args
        self._program = PythonProgram(self.task_id)

    def execute(self, context: Context) -> None:
        """Ask for approval, and defer the task.

        Raises:
            AirflowSkipException: no approval is needed.
            AirflowFailException: a retry cannot help: a wrong spec, refused data.
            AirflowException: the job ended in another error.
        """
        with tempfile.TemporaryDirectory(prefix="vintage-") as folder:
            file = Path(folder) / "question.json"
            self._program.run(self.application, *self.application_args, f"--question={file}")
            question = json.loads(file.read_text(encoding="utf-8"))
        if question["why_not"]:
            raise AirflowSkipException(f"nobody is asked: {question['why_not']}")
        date = partition_of(context["dag_run"], context["params"])
        self.subject = f"May the model of {self.pipeline} for {date} serve?"
        self.body = question["text"]
        context["ti"].xcom_push(key="asked_about", value=question["evaluation"])
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Return the answer; empty when the time ran out."""
        answer = super().execute_complete(context, event)
        user = answer["responded_by_user"]
        if user is None:
            self.log.info("there was no answer within %d days", WAITING_DAYS)
            return {}
        approved = answer["chosen_options"] == [APPROVE]
        who = " ".join(str(user["name"] or user["id"]).split())
        self.log.info("%s by %s", "approved" if approved else "rejected", who)
        return {
            "asked_about": context["ti"].xcom_pull(task_ids=self.task_id, key="asked_about"),
            ("approved_by" if approved else "rejected_by"): who,
        }

    def on_kill(self) -> None:
        """End the job with all it started."""
        self._program.end()


def answered(ti: Any, name: str) -> str:
    """Return what the answer to a run's question says by a name; empty when there is none."""
    return str((ti.xcom_pull(task_ids=TASK) or {}).get(name, ""))


ANSWER_MACROS: Final[Mapping[str, Callable[..., str]]] = {"answered": answered}
ANSWER_ARGS: Final = tuple(
    f"--{name.replace('_', '-')}={{{{ answered(ti, '{name}') }}}}"
    for name in ("approved_by", "rejected_by", "asked_about")
)
