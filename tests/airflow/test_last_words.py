"""The last line of a failed task's log is the reason."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowFailException

from vintage.airflow.last_words import say_reason

if TYPE_CHECKING:
    from airflow.sdk import DAG

REASON = "no raw data for 2024-03-01; expected files at raw/*.csv; found none. Deliver them."


def test_the_reason_comes_last_at_error_level_in_short_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        say_reason({"exception": AirflowFailException(REASON)})
    *_, last = caplog.records
    assert last.levelno == logging.ERROR
    assert last.getMessage().splitlines() == [
        "no raw data for 2024-03-01",
        "expected files at raw/*.csv",
        "found none.",
        "Deliver them.",
    ]
    # Airflow's UI folds what stands within the group that is open by then.
    assert caplog.records[-2].getMessage() == "::endgroup::"


def test_every_task_says_its_reason(dag: DAG) -> None:
    for task in dag.tasks:
        assert list(task.on_failure_callback) == list(task.on_retry_callback) == [say_reason]


def test_the_reason_has_no_second_traceback_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    from vintage.airflow.spark_submit import source_connections

    def missing(conn_id: str) -> None:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr("vintage.airflow.spark_submit.BaseHook.get_connection", missing)
    with pytest.raises(AirflowFailException) as raised:
        source_connections(["warehouse"])
    assert raised.value.__suppress_context__
