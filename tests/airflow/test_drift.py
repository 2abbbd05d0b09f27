"""What follows from drift in Airflow: who is told, the asset's event, and an early retraining."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DagRunTriggerException

from tests.airflow.conftest import CHECKOUT, RUN_AFTER, load_dags

if TYPE_CHECKING:
    from airflow.sdk import DAG

DATE = "2024-03-01"
KEY = "a" * 64


@pytest.fixture
def declared(home: Path) -> DAG:
    """The scoring of a pipeline that an alarm retrains, at most once a week."""
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text() + "monitor: {retrain: {every: 7}}\n")
    return dag_of()


def dag_of() -> DAG:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["score_tiny"]


def told(state: str, **more: Any) -> dict[str, Any]:
    drifted = [] if state == "calm" else ["snapshot x: PSI 3.000 above 0.100"]
    return {"state": state, "key": KEY, "drifted": drifted, "learnt": "", **more}


def event(date: str, *, retrains: bool = True, key: str = "b" * 64) -> dict[str, Any]:
    return {"date": date, "key": key, "retrains": retrains}


def run(dag: DAG, facts: Any, *before: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """What the task gives after a monitor told facts, and the event that it raises."""
    from airflow.sdk.execution_time.context import OutletEventAccessors

    task = dag.get_task("drifted")
    [asset] = task.outlets
    events = OutletEventAccessors()
    context = {
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: facts if task_ids == "monitor" else None),
        "dag_run": SimpleNamespace(partition_key=DATE, run_after=RUN_AFTER),
        "params": {},
        "inlet_events": {asset: [SimpleNamespace(extra=extra) for extra in before]},
        "outlet_events": events,
    }
    return task.execute(context), events[asset]


def test_a_date_is_monitored_after_it_is_scored_without_spark(home: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = dag_of()
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {
        "score": {"monitor"},
        "monitor": {"drifted"},
        "drifted": set(),
    }
    task = dag.get_task("monitor")
    assert type(task).__name__ == "PythonJob"
    assert Path(task.application) == CHECKOUT / "spark_jobs" / "monitor.py"
    assert Path(task.application).is_file()
    assert [asset.name for asset in dag.get_task("drifted").outlets] == ["drifted_tiny"]
    context = {
        "dag_run": SimpleNamespace(partition_key=DATE, run_after=RUN_AFTER),
        "params": dag.params.dump(),
        **dag.user_defined_macros,
    }
    words = [
        task.render_template(each, context, jinja_env=dag.get_template_env())
        for each in task.application_args
    ]
    assert words == ["--pipeline=tiny", f"--date={DATE}"]
    assert "at most once" not in dag.doc_md
    DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_an_alarm_raises_the_event_with_its_date_and_retrains(declared: DAG) -> None:
    decided, raised = run(declared, told("alarm"))
    assert decided == {"date": DATE, "retrain": True, "why": ""}
    assert raised.partition_keys == {DATE}
    assert raised.extra == {
        "date": DATE,
        "key": KEY,
        "columns": ["snapshot x: PSI 3.000 above 0.100"],
        "retrains": True,
    }
    assert "at most once in 7 days" in declared.doc_md


@pytest.mark.parametrize("state", ["calm", "unknown", "warn"])
def test_what_is_no_alarm_raises_none(declared: DAG, state: str) -> None:
    with pytest.raises(AirflowSkipException, match=f"no alarm: {state}"):
        run(declared, told(state))


def test_an_alarm_is_told_once(declared: DAG) -> None:
    with pytest.raises(AirflowSkipException, match="told before"):
        run(declared, told("alarm"), event(DATE, key=KEY))


@pytest.mark.parametrize("facts", [None, {}, {"state": "fine"}, "alarm"])
def test_a_monitor_that_told_nothing_is_no_calm_date(declared: DAG, facts: Any) -> None:
    with pytest.raises(AirflowFailException, match="reported no state of drift"):
        run(declared, facts)


@pytest.mark.parametrize(
    ("before", "retrains"),
    [
        ([event("2024-02-23")], True),
        ([event("2024-02-24")], False),
        ([event("2024-02-29", retrains=False)], True),
        ([event("2024-02-24"), event("2024-02-20")], False),
        # A date that comes late, after a later one retrained the model.
        ([event("2024-03-05")], False),
    ],
)
def test_drift_retrains_at_most_once_in_so_many_days(
    declared: DAG, before: list[dict[str, Any]], retrains: bool
) -> None:
    decided, raised = run(declared, told("alarm"), *before)
    assert (decided["retrain"], raised.extra["retrains"]) == (retrains, retrains)
    assert decided["why"] == ("" if retrains else decided["why"])


def test_what_was_learnt_already_or_is_not_declared_retrains_nothing(declared: DAG, home: Path) -> None:
    learnt = "the model of 2024-03-01, the champion, was trained on 2024-03-01 already"
    decided, raised = run(declared, told("alarm", learnt=learnt))
    assert decided == {"date": DATE, "retrain": False, "why": learnt}
    assert raised.partition_keys == {DATE}
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text().replace("monitor: {retrain: {every: 7}}\n", ""))
    decided, _ = run(dag_of(), told("alarm"))
    assert decided["why"] == "the pipeline declares no monitor.retrain"


def test_the_run_that_retrains_has_the_date_and_a_name_of_its_own(declared: DAG) -> None:
    task = declared.get_task("retrain")
    assert task.upstream_task_ids == {"drifted"}

    def execute(decided: Any) -> None:
        task.execute({"ti": SimpleNamespace(xcom_pull=lambda task_ids: decided, xcom_push=lambda **_: None)})

    with pytest.raises(DagRunTriggerException) as triggered:
        execute({"date": DATE, "retrain": True, "why": ""})
    asked = triggered.value
    assert (asked.trigger_dag_id, asked.dag_run_id) == ("retrain_tiny", f"drift__{DATE}")
    assert asked.conf["partition_date"] == DATE
    assert (asked.logical_date, asked.skip_when_already_exists) == (None, True)
    for decided in ({"date": DATE, "retrain": False, "why": "too soon"}, None):
        with pytest.raises(AirflowSkipException):
            execute(decided)


def test_a_warning_and_an_alarm_are_told(
    declared: DAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "told"
    monkeypatch.setenv("VINTAGE_NOTIFIER", "tests.airflow.notified.ToFile")
    monkeypatch.setenv("VINTAGE_NOTIFIER_ARGS", json.dumps({"path": str(file), "text": "{message}"}))
    run(declared, told("alarm"))
    for state in ("warn", "calm"):
        with pytest.raises(AirflowSkipException):
            run(declared, told(state))
    column = "snapshot x: PSI 3.000 above 0.100"
    assert file.read_text().splitlines() == [
        f"tiny drifted on {DATE} ({state}): {column}" for state in ("alarm", "warn")
    ]
    monkeypatch.setenv("VINTAGE_NOTIFIER", "tests.airflow.notified.Nowhere")
    decided, _ = run(declared, told("alarm"))
    assert decided["retrain"]


def test_drift_is_in_the_note_of_a_run() -> None:
    from vintage.airflow.run_listener import note_of

    note = note_of({"monitor": told("alarm")}, [], {})
    assert note == "**Drift** (alarm): `snapshot x: PSI 3.000 above 0.100`"
    assert note_of({"monitor": told("calm")}, [], {}) == ""
