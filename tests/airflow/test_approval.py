"""The task that asks a person: its place in the chain, what it asks, and how the answer is handed on."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from tests.airflow.conftest import CHECKOUT, RUN_AFTER, load_dags
from tests.airflow.test_retrain import CHAIN, JOBS
from vintage.airflow.approval import ANSWER_ARGS, APPROVE, REJECT, WAITING_DAYS, Approval

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

ANSWERED_AT = dt.datetime(2024, 3, 3, tzinfo=dt.UTC)


@pytest.fixture
def dag(home: Path) -> DAG:
    file = home / "pipelines" / "tiny.yaml"
    file.write_text(file.read_text() + "promote: approve\n")
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["retrain_tiny"]


class TaskInstance:
    """A task's XComs."""

    def __init__(self, **told: Any) -> None:
        self.told: dict[str, Any] = told

    def xcom_push(self, key: str, value: Any) -> None:
        self.told[key] = value

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        assert task_ids == "approve"
        return self.told.get(key)


def test_a_person_is_asked_between_evaluate_and_promote(dag: DAG) -> None:
    chain = {**CHAIN, "evaluate": {"approve"}, "approve": {"promote"}}
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == chain
    # Where nobody need be asked the model's fate is recorded all the same; where a step failed it is not.
    assert dag.get_task("promote").trigger_rule == "none_failed"
    assert dag.get_task("approve").trigger_rule == "all_success"


def test_who_waits_keeps_nobody_else_waiting(dag: DAG) -> None:
    assert dag.max_active_runs == WAITING_DAYS + 1
    limits = {task.task_id: task.max_active_tis_per_dag for task in dag.tasks}
    assert limits == {**dict.fromkeys(JOBS, 1), "approve": None, "wait_for_data": None}
    approve = dag.get_task("approve")
    assert approve.response_timeout == dt.timedelta(days=WAITING_DAYS)
    assert approve.execution_timeout == dt.timedelta(hours=6)


def test_the_question_is_asked_by_a_job_of_the_checkout_with_the_run_s_arguments(dag: DAG) -> None:
    approve = dag.get_task("approve")
    assert approve.application == str(CHECKOUT / "spark_jobs" / "approve.py")
    assert (CHECKOUT / "spark_jobs" / "approve.py").is_file()
    assert approve.application_args == dag.get_task("evaluate").application_args
    # What the job writes holds data, and is no template.
    assert tuple(approve.template_fields) == ("application_args",)


def rendered(dag: DAG, ti: TaskInstance) -> argparse.Namespace:
    """Promote's arguments after an answer, as the job's own parser reads them."""
    from vintage.jobs.program import _parser

    operator = dag.get_task("promote")
    run = SimpleNamespace(partition_key="2024-03-01", run_after=RUN_AFTER)
    context = {"dag_run": run, "params": dag.params.dump(), "ti": ti, **dag.user_defined_macros}
    words = [
        operator.render_template(argument, context, jinja_env=dag.get_template_env())
        for argument in operator.application_args
    ]
    parser = _parser(None)
    for name in ("approved_by", "rejected_by", "asked_about"):
        parser.add_argument(f"--{name.replace('_', '-')}")
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "who", ["ada", "-x --force", "{{ 7*7 }}", 'Ada "the" $(id) Lovelace; rm', "ädä 漢字"]
)
@pytest.mark.parametrize(("option", "said"), [(APPROVE, "approved_by"), (REJECT, "rejected_by")])
def test_who_answered_reaches_the_job_as_one_word(dag: DAG, option: str, said: str, who: str) -> None:
    ti = TaskInstance(asked_about="e" * 64)
    ti.xcom_push("return_value", answer(dag, ti, [option], {"id": "1", "name": who}))
    words = rendered(dag, ti)
    assert getattr(words, said) == who
    assert getattr(words, "approved_by" if said == "rejected_by" else "rejected_by") == ""
    assert (words.asked_about, words.date) == ("e" * 64, "2024-03-01")


@pytest.mark.parametrize("ti", [TaskInstance(), TaskInstance(return_value={})], ids=["skipped", "no answer"])
def test_without_an_answer_the_job_is_told_of_none(dag: DAG, ti: TaskInstance) -> None:
    words = rendered(dag, ti)
    assert (words.approved_by, words.rejected_by, words.asked_about) == ("", "", "")
    assert len(ANSWER_ARGS) == 3


def answer(dag: DAG, ti: TaskInstance, options: list[str], user: dict[str, str] | None) -> dict[str, str]:
    event = {
        "chosen_options": options,
        "params_input": {},
        "responded_at": ANSWERED_AT,
        "responded_by_user": user,
        "timedout": user is None,
    }
    approve = dag.get_task("approve")
    assert isinstance(approve, Approval)
    return approve.execute_complete({"ti": ti}, event)  # type: ignore[arg-type]


def test_nobody_has_answered_when_the_time_runs_out(dag: DAG) -> None:
    assert dag.get_task("approve").defaults == [REJECT]
    assert answer(dag, TaskInstance(asked_about="e"), [REJECT], None) == {}


def asking(dag: DAG, tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> Approval:
    """The task with another job in place of its own."""
    monkeypatch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
    approve = dag.get_task("approve")
    assert isinstance(approve, Approval)
    file = tmp_path / "job.py"
    file.write_text(program)
    approve.application = str(file)
    approve.application_args = ["--date=2024-03-01"]
    return approve


def test_where_nobody_need_be_asked_the_task_is_skipped_and_says_why(
    dag: DAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = json.dumps({"evaluation": "e", "why_not": "its gates refuse it", "text": ""})
    program = f"import sys; open(sys.argv[-1].removeprefix('--question='), 'w').write({question!r})"
    with pytest.raises(AirflowSkipException, match="its gates refuse it"):
        asking(dag, tmp_path, program, monkeypatch).execute({})


@pytest.mark.parametrize(("code", "kind"), [(3, AirflowFailException), (4, AirflowException)])
def test_a_job_that_cannot_ask_fails_the_task_with_its_last_words(
    dag: DAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    program = f"import sys; print('vintage: the store is gone.'); sys.exit({code})"
    with pytest.raises(kind, match="the store is gone") as raised:
        asking(dag, tmp_path, program, monkeypatch).execute({})
    assert type(raised.value) is kind
