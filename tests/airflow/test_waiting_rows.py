"""A scheduled night waits for the rows of a database: a Spark job looks, and nothing runs in between."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException

from tests.airflow.conftest import CHECKOUT, from_database, load_dags
from vintage.airflow.spark_submit import NotYet, SparkJob, failure
from vintage.airflow.waiting_rows import WaitForRows
from vintage.errors import NotDelivered

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2024-03-01"
WAIT = "wait: {timeout: 90m, poke: 5m}\n"


def declare(home: Path, wait: str = "", *, without: str = "") -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(from_database(path.read_text()).replace(without, "") + wait)


def task() -> WaitForRows | None:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["retrain_tiny"].task_dict.get("wait_for_rows")


def context(run_type: str = "scheduled", first_look: dt.datetime | None = None) -> dict[str, Any]:
    run = SimpleNamespace(partition_key=DAY, run_after=dt.datetime.now(dt.UTC), run_type=run_type)
    looks = SimpleNamespace(get_first_reschedule_date=lambda _context: first_look)
    return {"dag_run": run, "params": {}, "ti": looks}


def answering(monkeypatch: pytest.MonkeyPatch, answer: AirflowException | None) -> list[SparkJob]:
    """Has each job that is submitted end so; gives what was submitted."""
    submitted: list[SparkJob] = []

    def submit(job: SparkJob) -> None:
        submitted.append(job)
        if answer is not None:
            raise answer

    monkeypatch.setattr(SparkJob, "submit", submit)
    return submitted


@pytest.fixture
def waits(home: Path) -> WaitForRows:
    declare(home, WAIT)
    found = task()
    assert found is not None
    return found


def test_only_rows_of_dates_are_waited_for(home: Path) -> None:
    assert task() is None
    declare(home, without="  date_column: day\n")
    assert task() is None


def test_no_time_to_wait_is_no_task(home: Path) -> None:
    declare(home, "wait: {timeout: 0s}\n")
    assert task() is None


def test_the_scheduler_starts_it_again_and_nothing_runs_in_between(waits: WaitForRows) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    assert waits.downstream_task_ids == {"snapshot"}
    assert (waits.timeout, waits.poke_interval) == (5400, 300)
    # What the scheduler reads.
    stored = DagSerialization.to_dict(waits.dag)["dag"]["tasks"]
    [told] = [each["__var"] for each in stored if each["__var"]["task_id"] == "wait_for_rows"]
    assert (told["_is_sensor"], told["reschedule"]) == (True, True)


def test_the_job_that_looks_is_asked_for_the_run_s_date(
    waits: WaitForRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = answering(monkeypatch, None)
    waits.execute(context())
    [job] = submitted
    assert job.application == str(CHECKOUT / "spark_jobs" / "wait_for_rows.py")
    assert job.application_args == ["--pipeline=tiny", f"--date={DAY}"]
    # It logs in where the rows are.
    assert job.connections == ("warehouse",)


@pytest.mark.parametrize("run_type", ["manual", "backfill"])
def test_a_run_by_hand_and_a_backfill_ask_for_nothing(
    waits: WaitForRows, run_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = answering(monkeypatch, None)
    waits.execute(context(run_type))
    assert submitted == []


@pytest.mark.parametrize(
    "answer",
    [failure("wait_for_rows", NotDelivered.exit_code, ["vintage: none yet"]), AirflowException("down")],
)
def test_no_rows_yet_and_a_database_that_is_down_are_asked_again(
    waits: WaitForRows, answer: AirflowException, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, answer)
    before = dt.datetime.now(dt.UTC)
    with pytest.raises(AirflowRescheduleException) as asked:
        waits.execute(context())
    assert 295 <= (asked.value.reschedule_date - before).total_seconds() <= 330


def test_an_answer_that_no_retry_changes_ends_it(waits: WaitForRows, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, AirflowFailException("no such table"))
    with pytest.raises(AirflowFailException, match="no such table"):
        waits.execute(context())


def test_rows_that_do_not_come_fail_the_night_and_say_so(
    waits: WaitForRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, NotYet("none yet"))
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=91)
    with pytest.raises(AirflowFailException) as failed:
        waits.execute(context(first_look=long_ago))
    told = str(failed.value)
    assert f"the raw data of {DAY} has not come within 90 minutes" in told
    assert "rows in `days` of connection warehouse (jdbc)" in told
