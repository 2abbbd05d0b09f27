"""What the scheduler adds to a run: the partition date of a form, and a note of what came of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import RUN_AFTER
from vintage.airflow import run_listener
from vintage.airflow.run_listener import note_of, on_dag_run_running

if TYPE_CHECKING:
    from pathlib import Path

PROMOTED = {"decision": "promoted", "version": 4, "reasons": ["gate areaUnderROC >= 0.6 passed: 0.7"]}
MEASURED = {"key": "ab", "rows": 6239, "areaUnderROC": 0.69932, "gates": "passed"}


@pytest.fixture(autouse=True)
def a_home(home: Path) -> None:
    """The pipeline `tiny` has a file."""


def run(dag_id: str = "retrain_tiny", *, key: str | None = None, **conf: Any) -> Any:
    timetable = SimpleNamespace(resolve_partition_date=lambda text: f"midnight of {text}")
    dag = SimpleNamespace(timetable=timetable)
    return SimpleNamespace(
        dag_id=dag_id, dag=dag, conf=conf, partition_key=key, partition_date=None, run_after=RUN_AFTER
    )


@pytest.mark.parametrize(
    ("given", "date"), [({"partition_date": "2024-02-03"}, "2024-02-03"), ({}, "2024-03-01")]
)
def test_a_run_of_the_form_gets_its_date_as_partition_key(given: dict[str, str], date: str) -> None:
    found = run(**given)
    on_dag_run_running(found, "started")
    assert (found.partition_key, found.partition_date) == (date, f"midnight of {date}")


@pytest.mark.parametrize(
    "found",
    [
        run(key="2024-02-01"),
        run("retrain_others", partition_date="2024-02-03"),
        run(partition_date="yesterday"),
    ],
)
def test_other_runs_stay_as_they_are(found: Any) -> None:
    before = found.partition_key
    on_dag_run_running(found, "started")
    assert (found.partition_key, found.partition_date) == (before, None)


def test_a_note_tells_the_decision_the_metric_and_the_links() -> None:
    facts = {"evaluate": MEASURED, "promote": PROMOTED}
    assert note_of(facts, [], {"Report": "/r.html", "MLflow run": "http://m"}).split("\n\n") == [
        "**Promoted**: version 4. gate areaUnderROC >= 0.6 passed: 0.7",
        "areaUnderROC 0.6993 on 6239 rows",
        "[Report](/r.html) · [MLflow run](http://m)",
    ]


def test_a_note_of_a_failed_run_names_what_failed() -> None:
    assert note_of({}, ["validate"], {"Data Docs": "/d.html"}).split("\n\n") == [
        "**Failed**: validate. The last line of its log is the reason.",
        "[Data Docs](/d.html)",
    ]
    assert note_of({"score": {"rows": {"given": 10, "scored": 9, "rejected": 1}, "version": 4}}, [], {}) == (
        "**Scored** 9 rows by version 4, 1 rejected"
    )
    assert note_of({}, [], {"Report": "/r.html"}) == ""


def test_airflow_takes_the_listener() -> None:
    from airflow._shared.listeners.listener import ListenerManager
    from airflow.listeners.spec import dagrun

    manager = ListenerManager()
    manager.add_hookspecs(dagrun)
    [listener] = run_listener.RunNotes.listeners
    manager.add_listener(listener)
    found = run(partition_date="2024-02-03")
    manager.hook.on_dag_run_running(dag_run=found, msg="started")
    assert found.partition_key == "2024-02-03"
