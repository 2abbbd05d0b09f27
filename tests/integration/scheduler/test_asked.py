"""A person is asked in Airflow whether a model may serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from local.airflow_api import AirflowApi
from local.stack import Stack
from tests.integration.scheduler.runs import RUN_SECONDS
from tests.until import until
from vintage.registry import ledger
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


ASKS = "retrain_asks"
# An answer that comes before Airflow has seen the asking process end, it takes for a failure of the task, and
# asks again. It sees that in a second or two; no person is as quick.
THOUGHT_SECONDS = 5


def asked(api: AirflowApi, run: Run) -> dict[str, Any]:
    """What a person is asked in a run, once it waits for one."""

    def waits() -> bool:
        states = {task.name: task.state for task in api.tasks(ASKS, run.run_id)}
        assert not {"failed", "up_for_retry"} & set(states.values()), states
        return states.get("approve") == "awaiting_input"

    until(waits, f"somebody is asked in {run.run_id}", seconds=RUN_SECONDS)
    found: dict[str, Any] = api._get(question_of(run))
    return found


def question_of(run: Run) -> str:
    return f"/dags/{ASKS}/dagRuns/{run.run_id}/taskInstances/approve/-1/hitlDetails"


def answer(api: AirflowApi, run: Run, option: str) -> None:
    body = {"chosen_options": [option], "params_input": {}}
    api._client.patch(question_of(run), json=body).raise_for_status()


def test_a_model_serves_when_a_person_says_so_in_airflow(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run], told: Callable[[str], None]
) -> None:
    store = Store(stack.home / "data" / "store", "asks")
    api.wait_for_dag(ASKS, stack.check)
    api.pause(ASKS, paused=False)
    run = api.trigger(ASKS, partition_key="2024-01-01")
    question = asked(api, run)
    assert question["subject"] == "May the model of asks for 2024-01-01 serve?"
    assert "| `areaUnderROC >= 0.5` |" in question["body"]
    assert "No model serves yet" in question["body"]
    assert ledger.read(store.ledger_path) == ()
    time.sleep(THOUGHT_SECONDS)
    # It has taken longer than its deadline long ago.
    told(f"{ASKS} is late: not over 5 seconds after it was queued (for 2024-01-01)")

    answer(api, run, "Approve")
    assert finish(run, ASKS).state == "success"
    lines = [(entry.date, entry.told) for entry in ledger.read(store.ledger_path)]
    assert lines == [("2024-01-01", "promoted approved by admin")]

    # Done again, nobody is asked again, and nothing is said twice.
    again = {"dry_run": False, "dag_run_id": run.run_id, "task_ids": ["approve", "promote"]}
    again |= {"only_failed": False, "reset_dag_runs": True}
    api._client.post(f"/dags/{ASKS}/clearTaskInstances", json=again).raise_for_status()
    assert finish(run, ASKS).state == "success"
    states = {task.name: (task.state, task.try_number) for task in api.tasks(ASKS, run.run_id)}
    assert (states["approve"][0], states["promote"]) == ("skipped", ("success", 2))
    assert [(entry.date, entry.told) for entry in ledger.read(store.ledger_path)] == lines
