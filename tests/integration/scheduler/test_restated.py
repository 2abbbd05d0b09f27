"""What comes after a model is made: its data is restated, and it is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.scheduler.runs import AFTER, RESTATED, RESTATEMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

REPRODUCE = "vintage_reproduction"


@pytest.mark.usefixtures("restated")
def test_rows_that_came_again_otherwise_are_an_event_for_each_date_to_retrain(
    api: AirflowApi, finish: Callable[..., Run]
) -> None:
    # The night of the date itself took the rows that came; the one after it stands on the old ones.
    assert finish(api.trigger(RESTATEMENT), RESTATEMENT).state == "success"
    events = api._get("/assets/events", limit=100)["asset_events"]
    told = {event["partition_key"]: event["extra"] for event in events if event["name"] == "restated_tiny"}
    assert AFTER in told
    assert told[AFTER]["restated"] == [str(RESTATED)]


@pytest.mark.usefixtures("restated")
def test_a_model_is_made_again_from_what_it_was_made_from(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run]
) -> None:
    api.wait_for_dag(REPRODUCE, stack.check)
    run = finish(api.trigger(REPRODUCE, pipeline="tiny", partition_date=AFTER), REPRODUCE)
    [task] = api.tasks(REPRODUCE, run.run_id)
    told = "\n".join(api.log_lines(REPRODUCE, run.run_id, task))
    assert run.state == "success", told[-3000:]
    assert "the same" in told
