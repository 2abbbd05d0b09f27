"""Runs of a real scheduler: by schedule, by hand, as a backfill and killed, each with its partition date."""

from __future__ import annotations

import datetime as dt
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from local.airflow_api import DONE, AirflowApi, AirflowRefused
from local.stack import Stack
from spark_jobs.registry import ledger
from spark_jobs.store import Store
from tests.dags.conftest import write_home
from tests.integration.conftest import quick_environment, write_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DAG = "retrain_tiny"
SCORE = "score_tiny"
ASKS = "retrain_asks"
RUN_SECONDS = 1200
TODAY = dt.datetime.now(dt.UTC).date()
START = dt.date(2024, 1, 1)


def scheduled_day() -> dt.date:
    """What the schedule's last tick, at 02:00, takes."""
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=1, hours=2)).date()


def days_of(first: dt.date, count: int) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range(count)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = write_home(tmp_path_factory.mktemp("airflow") / "home")
    tiny = home / "pipelines" / "tiny.yaml"
    tiny.write_text(tiny.read_text() + "wait: {timeout: 10m, poke: 1s}\n")
    asks = tiny.read_text().replace("name: tiny", "name: asks")
    # Its schedule has ended: nothing of it runs but what is triggered.
    (home / "pipelines" / "asks.yaml").write_text(f"{asks}end_date: 2024-01-07\npromote: approve\n")
    for day in [*days_of(START, 8), *days_of(TODAY - dt.timedelta(days=4), 5)]:
        # What the schedule takes comes late.
        if day != scheduled_day():
            write_day(home, day)
    with Stack(home, mlflow=False, environ=quick_environment()) as running:
        yield running


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with AirflowApi(stack.endpoints) as client:
        client.wait_for_dag(DAG, stack.check)
        client.pause(DAG, paused=False)
        yield client


@pytest.fixture
def finish(stack: Stack, api: AirflowApi) -> Callable[..., Run]:
    """Waits for a run's end."""

    def wait(run: Run, dag_id: str = DAG) -> Run:
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            stack.check()
            now = api.run(dag_id, run.run_id)
            if now.state in DONE:
                return now
            time.sleep(0.5)
        pytest.fail(f"{run.run_id} took longer than {RUN_SECONDS} s")

    return wait


def made(stack: Stack, kind: str) -> set[str]:
    """The dates for which the store holds an artifact."""
    return {
        path.parent.parent.name.removeprefix("date=")
        for path in (stack.home / "data" / "store" / "tiny" / kind).glob("date=*/[!.]*/manifest.json")
    }


def date_arguments(api: AirflowApi, run: Run) -> set[str]:
    """The dates in the arguments with which a run's jobs were started."""
    words = [
        word
        for task in api.tasks(DAG, run.run_id)
        for line in api.log_lines(DAG, run.run_id, task)
        if "Spark-Submit cmd" in line or "Running command" in line
        for word in line.replace("'", " ").replace(",", " ").split()
    ]
    return {word for word in words if word.startswith("--date=")}


def test_the_schedule_runs_the_day_before_once_its_data_has_come(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    deadline = time.monotonic() + 60
    scheduled: list[Run] = []
    while not scheduled and time.monotonic() < deadline:
        scheduled = [run for run in api.runs(DAG) if run.run_id.startswith("scheduled__")]
        time.sleep(0.5)
    assert len(scheduled) == 1
    day = str(scheduled_day())
    assert scheduled[0].partition_key == day
    states: dict[str, str | None] = {}
    while states.get("wait_for_data") != "deferred" and time.monotonic() < deadline + 60:
        states = {task.name: task.state for task in api.tasks(DAG, scheduled[0].run_id)}
        time.sleep(0.5)
    # Nothing runs while it waits.
    assert {name: state for name, state in states.items() if state} == {"wait_for_data": "deferred"}
    write_day(stack.home, scheduled_day())
    assert finish(scheduled[0]).state == "success"
    assert date_arguments(api, scheduled[0]) == {f"--date={day}"}
    assert day in made(stack, "model")


def test_a_manual_run_takes_its_partition_key(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    api.wait_for_dag(SCORE, stack.check)
    api.pause(SCORE, paused=False)
    run = finish(api.trigger(DAG, partition_key="2024-01-05"))
    assert run.state == "success"
    assert date_arguments(api, run) == {"--date=2024-01-05"}
    assert made(stack, "snapshot") >= {"2024-01-03", "2024-01-04", "2024-01-05"}


def test_each_night_s_date_is_scored_by_who_serves(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run]
) -> None:
    deadline = time.monotonic() + 120
    scored: list[Run] = []
    while not scored and time.monotonic() < deadline:
        scored = api.runs(SCORE)
        time.sleep(0.5)
    [run] = scored
    assert run.partition_key == "2024-01-05"
    assert finish(run, SCORE).state == "success"
    api.pause(SCORE, paused=True)
    [path] = (stack.home / "data" / "store" / "tiny" / "predictions").glob("date=*/[!.]*/manifest.json")
    details = json.loads(path.read_text())["details"]
    assert path.parent.parent.name == "date=2024-01-05"
    assert details["rows"] == {"given": 60, "scored": 60, "rejected": 0}
    # The night before it, of a later date, made who serves.
    assert details["model_date"] == str(scheduled_day())
    events = api._get("/assets/events", limit=100)["asset_events"]
    told = {(event["name"], event["partition_key"]) for event in events}
    assert ("predictions_tiny", "2024-01-05") in told


def test_a_manual_run_without_a_key_takes_the_form_s_date(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    run = finish(api.trigger(DAG, partition_date="2024-01-06"))
    assert run.state == "success"
    assert date_arguments(api, run) == {"--date=2024-01-06"}


def test_a_manual_run_without_either_takes_the_last_closed_day(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    run = finish(api.trigger(DAG))
    assert run.state == "success"
    assert date_arguments(api, run) == {f"--date={TODAY - dt.timedelta(days=1)}"}


def backfilled(api: AirflowApi) -> list[Run]:
    """The runs of backfills; a scheduled one may come between."""
    return [run for run in api.runs(DAG) if run.run_id.startswith("backfill__")]


def create(stack: Stack, first: str, last: str, *words: str) -> str:
    """`airflow backfill create` for a range; gives what it prints."""
    answer = stack.airflow(
        *("backfill", "create", "--dag-id", DAG, "--from-date", first, "--to-date", last, *words)
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_backfill_makes_every_day_asked_for(
    stack: Stack, api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    create(stack, "2024-01-01", "2024-01-02T23:59:59")
    runs = backfilled(api)
    assert sorted(run.partition_key or "" for run in runs) == ["2024-01-01", "2024-01-02"]
    for run in runs:
        assert finish(run).state == "success"
        assert date_arguments(api, run) == {f"--date={run.partition_key}"}


def test_a_backfill_by_the_api_holds_both_ends(api: AirflowApi, finish: Callable[[Run], Run]) -> None:
    before = {run.run_id for run in backfilled(api)}
    # A Dag has one backfill at a time; the one before is over when the scheduler has seen that its runs are.
    deadline = time.monotonic() + 120
    while True:
        try:
            api.backfill(DAG, dt.date(2024, 1, 3), dt.date(2024, 1, 3))
            break
        except AirflowRefused:
            assert time.monotonic() < deadline
            time.sleep(1)
    [run] = [run for run in backfilled(api) if run.run_id not in before]
    assert run.partition_key == "2024-01-03"
    assert finish(run).state == "success"


@pytest.mark.parametrize(
    ("to_date", "last"),
    [("2024-01-07", "2024-01-06"), ("2024-01-07T23:59:59", "2024-01-07")],
    ids=["midnight leaves the day out", "its last second takes it in"],
)
def test_airflow_s_own_backfill_command_ends_at_a_moment(stack: Stack, to_date: str, last: str) -> None:
    told = create(stack, "2024-01-05", to_date, "--dry-run").replace("|", " ")
    keys = [f"2024-01-{day:02}" for day in range(1, 9) if f"2024-01-{day:02}  " in told]
    assert (keys[0], keys[-1]) == ("2024-01-05", last)


@pytest.mark.parametrize("text", ["2013-02-28 --conf spark.x=y", "$(id)", "../x", "{{ 7*7 }}", "2013-02-30"])
def test_airflow_refuses_what_is_no_date(api: AirflowApi, text: str) -> None:
    with pytest.raises(AirflowRefused):
        api.trigger(DAG, partition_key=text)
    with pytest.raises(AirflowRefused):
        api.trigger(DAG, partition_date=text)


def test_a_date_in_another_form_fails_before_anything_is_submitted(
    api: AirflowApi, finish: Callable[[Run], Run]
) -> None:
    run = finish(api.trigger(DAG, partition_key="2024-1-5"))
    assert run.state == "failed"
    [first] = [task for task in api.tasks(DAG, run.run_id) if task.name == "wait_for_data"]
    assert first.try_number == 1
    assert "'2024-1-5' is not a partition date" in "\n".join(api.log_lines(DAG, run.run_id, first))
    assert date_arguments(api, run) == set()


def jobs_of(day: str) -> list[psutil.Process]:
    """The processes that have a partition date in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word == f"--date={day}" for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def names_of(processes: list[psutil.Process]) -> set[str]:
    names = set()
    for process in processes:
        with suppress(psutil.Error):
            names.add(process.name().rstrip("0123456789."))
    return names


def test_a_killed_run_leaves_no_spark_submit(api: AirflowApi, finish: Callable[[Run], Run]) -> None:
    run = api.trigger(DAG, partition_key="2024-01-08")
    # Another run may have to end first.
    deadline = time.monotonic() + RUN_SECONDS
    names: set[str] = set()
    while not {"java", "python"} <= names and time.monotonic() < deadline:
        names = names_of(jobs_of("2024-01-08"))
        time.sleep(0.1)
    assert {"java", "python"} <= names
    api.fail(DAG, run.run_id)
    deadline = time.monotonic() + 60
    while jobs_of("2024-01-08") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert jobs_of("2024-01-08") == []
    assert finish(run).state == "failed"


def test_the_model_s_event_carries_the_date_of_a_run_without_a_key(stack: Stack, api: AirflowApi) -> None:
    events = api._get("/assets/events", limit=100)["asset_events"]
    assert {event["partition_key"] for event in events} >= {"2024-01-05", "2024-01-06"}


def asked(api: AirflowApi, run: Run) -> dict[str, Any]:
    """What a person is asked in a run, once it waits for one."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        states = {task.name: task.state for task in api.tasks(ASKS, run.run_id)}
        assert not {"failed", "up_for_retry"} & set(states.values()), states
        if states.get("approve") == "awaiting_input":
            found: dict[str, Any] = api._get(
                f"/dags/{ASKS}/dagRuns/{run.run_id}/taskInstances/approve/-1/hitlDetails"
            )
            return found
        time.sleep(0.5)
    pytest.fail(f"nobody was asked in {run.run_id}: {states}")


def answer(api: AirflowApi, run: Run, option: str) -> None:
    path = f"/dags/{ASKS}/dagRuns/{run.run_id}/taskInstances/approve/-1/hitlDetails"
    body = {"chosen_options": [option], "params_input": {}}
    api._client.patch(path, json=body).raise_for_status()


def test_a_model_serves_when_a_person_says_so_in_airflow_and_not_when_one_rejects_it(
    stack: Stack, api: AirflowApi, finish: Callable[..., Run]
) -> None:
    store = Store(stack.home / "data" / "store", "asks")
    api.wait_for_dag(ASKS, stack.check)
    api.pause(ASKS, paused=False)
    first, second = (api.trigger(ASKS, partition_key=f"2024-01-{day:02}") for day in (1, 2))
    # The second date is trained though the first still waits for its answer.
    questions = [asked(api, run) for run in (first, second)]
    assert [each["subject"] for each in questions] == [
        f"May the model of asks for 2024-01-{day:02} serve?" for day in (1, 2)
    ]
    assert "| `areaUnderROC >= 0.5` |" in questions[0]["body"]
    assert "No model serves yet" in questions[0]["body"]
    assert ledger.read(store.ledger_path) == ()

    answer(api, first, "Approve")
    assert finish(first, ASKS).state == "success"
    answer(api, second, "Reject")
    assert finish(second, ASKS).state == "success"
    told = [(entry.date, entry.told) for entry in ledger.read(store.ledger_path)]
    assert told == [("2024-01-01", "promoted approved by admin"), ("2024-01-02", "rejected by admin")]

    # Done again, nobody is asked again, and nothing is said twice.
    again = {"dry_run": False, "dag_run_id": first.run_id, "task_ids": ["approve", "promote"]}
    again |= {"only_failed": False, "reset_dag_runs": True}
    api._client.post(f"/dags/{ASKS}/clearTaskInstances", json=again).raise_for_status()
    assert finish(first, ASKS).state == "success"
    states = {task.name: (task.state, task.try_number) for task in api.tasks(ASKS, first.run_id)}
    assert (states["approve"][0], states["promote"]) == ("skipped", ("success", 2))
    assert [(entry.date, entry.told) for entry in ledger.read(store.ledger_path)] == told
