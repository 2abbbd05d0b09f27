"""The check for restated data as Airflow loads it, and the events that it raises."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import CHECKOUT, load_dags
from tests.artifacts import publish, snapshot
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

DAY = dt.date(2024, 3, 1)


@pytest.fixture
def dag(home: Path, monkeypatch: pytest.MonkeyPatch) -> DAG:
    # Elsewhere than the suite's own working directory, as a worker is.
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["vintage_restatement"]


def test_it_runs_every_day_and_has_a_task_for_each_pipeline(dag: DAG) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    assert [task.task_id for task in dag.tasks] == ["tiny"]
    [task] = dag.tasks
    assert task.owner == "ops-ml"
    assert [asset.name for asset in task.outlets] == ["restated_tiny"]
    assert task.application == str(CHECKOUT / "spark_jobs" / "impact.py")
    assert tuple(task.template_fields) == ()
    # The scheduler reads it so.
    assert DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable.summary == "0 6 * * *"


@pytest.mark.usefixtures("home")
def test_its_schedule_is_the_dag_file_s() -> None:
    from vintage.airflow import retraining_dags

    assert retraining_dags(restatement_schedule=None)["vintage_restatement"].schedule is None


class Past:
    """An event as Airflow gives a task those before."""

    def __init__(self, extra: dict[str, Any]) -> None:
        self.extra = extra


def run(dag: DAG, *before: dict[str, Any]) -> tuple[list[str], Any]:
    """What the task gives, and the event that it raises, after those before it."""
    from airflow.sdk.execution_time.context import OutletEventAccessors

    [task] = dag.tasks
    [asset] = task.outlets
    events = OutletEventAccessors()
    past = {asset: [Past(extra) for extra in before]}
    return task.execute({"inlet_events": past, "outlet_events": events}), events[asset]


def test_it_tells_a_restatement_with_the_dates_to_retrain_and_only_once(dag: DAG, home: Path) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    store = Store(home / "data" / "store", "tiny")
    old = snapshot(store, DAY, rows="old")
    features = publish(store, "features", DAY, {"snapshot": [old]})
    later = DAY + dt.timedelta(days=1)
    models = [publish(store, "model", day, {"features": [features]}) for day in (DAY, later)]
    for model in models:
        made = publish(store, "evaluation", model.date, {"model": [model], "features": [features]})
        store.set_current(made)
    with pytest.raises(AirflowSkipException):
        run(dag)

    snapshot(store, DAY, rows="new")
    dates, event = run(dag)
    assert dates == [str(DAY), str(later)]
    assert event.partition_keys == {str(DAY), str(later)}
    assert event.extra == {
        "restated": [str(DAY)],
        "models": sorted(model.key for model in models),
        "uses": sorted(f"{model.key}/{old.key}" for model in models),
    }
    with pytest.raises(AirflowSkipException):
        run(dag, event.extra)
    # Of two models one was told before.
    dates, event = run(dag, {"uses": [f"{models[0].key}/{old.key}"]}, {})
    assert dates == [str(later)]


def test_a_spec_that_is_wrong_by_now_fails_for_good(dag: DAG, home: Path) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    (home / "pipelines" / "tiny.yaml").write_text("name: tiny\n", encoding="utf-8")
    with pytest.raises(AirflowFailException):
        run(dag)
