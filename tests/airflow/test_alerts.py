"""A night that fails or is late is told by the notifier that the environment names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from airflow.utils.state import DagRunState

from tests.airflow.conftest import load_dags
from vintage.airflow.alerts import deadline_of, late, notifier, on_failure
from vintage.errors import EnvironmentProblem
from vintage.spec import Home, load_pipeline


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the notifier of the environment writes."""
    arguments = {"path": str(tmp_path / "told"), "text": "Vintage: {message}"}
    monkeypatch.setenv("VINTAGE_NOTIFIER", "tests.airflow.notified.ToFile")
    monkeypatch.setenv("VINTAGE_NOTIFIER_ARGS", json.dumps(arguments))
    return tmp_path / "told"


def last(file: Path) -> str:
    """What was told last."""
    return file.read_text().splitlines()[-1]


def test_nobody_is_told_where_nobody_is_named(home: Path) -> None:
    dag = load_dags().dags["retrain_tiny"]
    assert (notifier("x"), on_failure()) == (None, [])
    assert not dag.has_on_failure_callback
    assert not dag.deadline


def test_a_run_that_fails_is_told_with_its_date_and_why(home: Path, file: Path) -> None:
    bag = load_dags()
    assert bag.import_errors == {}
    for name in ("retrain_tiny", "score_tiny"):
        [told] = bag.dags[name].on_failure_callback
        run = {"partition_key": "2024-03-01"}
        told({"dag": bag.dags[name], "dag_run": run, "reason": "task_failure"})
        assert last(file) == f"Vintage: {name} failed for 2024-03-01: task_failure"


def test_a_night_that_is_late_is_told(home: Path, file: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text() + "deadline: 90m\n")
    bag = load_dags()
    assert bag.import_errors == {}
    [alert] = bag.dags["retrain_tiny"].deadline
    assert alert.interval.total_seconds() == 5400
    assert alert.callback.path == "vintage.airflow.alerts.late"
    # What the scheduler reads.
    stored = DagSerialization.to_dict(bag.dags["retrain_tiny"])["dag"]
    assert "vintage.airflow.alerts.late" in json.dumps(stored["deadline"])
    assert stored["has_on_failure_callback"]
    asyncio.run(late(**alert.callback.kwargs, context={"dag_run": {"partition_key": "2024-03-01"}}))
    assert last(file) == (
        "Vintage: retrain_tiny is late: not over 90 minutes after it was queued (for 2024-03-01)"
    )


@pytest.mark.fault("a night that fails, and is then late as well", outcome="its people are told once")
@pytest.mark.parametrize("state", ["failed", "success", "running", "queued"])
def test_a_run_that_has_ended_is_not_late(home: Path, file: Path, state: str) -> None:
    from airflow.api_fastapi.core_api.datamodels.dag_run import DAGRunResponse

    # The scheduler gives the triggerer the run in this form.
    assert DAGRunResponse.model_fields["state"].annotation is DagRunState
    assert "partition_key" in DAGRunResponse.model_fields
    load_dags().dags["retrain_tiny"].on_failure_callback[0](
        {"dag": load_dags().dags["retrain_tiny"], "dag_run": {"partition_key": "d"}, "reason": "task_failure"}
    )
    told = file.read_text()
    asyncio.run(late("it is late", context={"dag_run": {"partition_key": "d", "state": state}}))
    later = file.read_text().removeprefix(told)
    assert later == ("" if state in {"failed", "success"} else "Vintage: it is late (for d)\n")


def test_a_deadline_is_kept_by_no_one_where_nobody_is_named(home: Path) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text() + "deadline: 90m\n")
    assert deadline_of(load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")) is None


def test_airflow_s_own_mail_notifier_takes_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTAGE_NOTIFIER", "airflow.providers.smtp.notifications.smtp.SmtpNotifier")
    arguments = {"to": "ml@example.org", "subject": "{message}", "html_content": "{message}"}
    monkeypatch.setenv("VINTAGE_NOTIFIER_ARGS", json.dumps(arguments))
    made = notifier("it failed")
    assert (made.to, made.subject, made.html_content) == ("ml@example.org", "it failed", "it failed")


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("no.such.Notifier", "{}"),
        ("NoDots", "{}"),
        ("pathlib.Path", "{}"),
        ("tests.airflow.notified.ToFile", '{"path": "x"}'),
        ("tests.airflow.notified.ToFile", "[1]"),
        ("tests.airflow.notified.ToFile", "not JSON"),
    ],
)
def test_a_wrong_notifier_is_told_when_dags_are_loaded(
    path: str, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTAGE_NOTIFIER", path)
    monkeypatch.setenv("VINTAGE_NOTIFIER_ARGS", arguments)
    with pytest.raises(EnvironmentProblem, match="VINTAGE_NOTIFIER"):
        notifier("x")
