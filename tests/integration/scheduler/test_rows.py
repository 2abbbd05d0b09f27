"""A night of a real scheduler waits for the rows of a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import LAST_NIGHT
from tests.until import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DAG = "retrain_rows"


def test_a_night_waits_for_rows_and_goes_on_when_they_have_come(
    stack: Stack, api: AirflowApi, warehouse: Callable[[str], None], finish: Callable[..., Run]
) -> None:
    api.wait_for_dag(DAG, stack.check)
    api.pause(DAG, paused=False)

    def states() -> dict[str, str]:
        runs = [run for run in api.runs(DAG) if run.run_id.startswith("scheduled__")]
        tasks = api.tasks(DAG, runs[0].run_id) if runs else []
        return {task.name: task.state for task in tasks if task.state}

    until(lambda: states().get("wait_for_rows") == "up_for_reschedule", states)
    # Nothing runs while it waits.
    assert states() == {"wait_for_rows": "up_for_reschedule"}
    warehouse(f"INSERT INTO days VALUES (1, 0.5, 1.0, '{LAST_NIGHT}')")
    until(lambda: states().get("snapshot") in {"running", "success"}, states)
    assert states()["wait_for_rows"] == "success"
    # What follows is that of every night.
    [run] = api.runs(DAG)
    api.fail(DAG, run.run_id)
    assert finish(run, DAG).state == "failed"
    api.pause(DAG, paused=True)
