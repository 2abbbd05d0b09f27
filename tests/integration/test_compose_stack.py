"""The stack of docker-compose.yaml as processes: a night and a backfill on its cluster, and what may die."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from local.airflow_api import DONE, AirflowApi
from local.compose_env import complete
from local.processes import Service, stop, tail
from local.stack import Endpoints
from tests.airflow.conftest import write_home
from tests.integration.compose import ComposeStack
from tests.integration.conftest import (
    LAST_NIGHT,
    PARSED_SELDOM,
    quick_spark,
    scheduled_far_from_now,
    write_day,
)
from tests.integration.postgresql import PROGRAMS, free_port
from tests.integration.slow_pipeline import write_slow_pipeline
from tests.quick import QUICK_JVM
from tests.until import until
from vintage.registry import ledger
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DAG = "retrain_tiny"
RUN_SECONDS = 900


def secrets_in(path: Path) -> dict[str, str]:
    complete(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A place that PostgreSQL's user may enter; pytest's own are closed."""
    path = Path(tempfile.mkdtemp(prefix="vintage-compose-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    path = write_home(folder / "home")
    file = path / "pipelines" / "tiny.yaml"
    file.write_text(
        scheduled_far_from_now(file.read_text()) + quick_spark(**{"spark.executor.memory": "512m"})
    )
    for day in (LAST_NIGHT - dt.timedelta(days=1), LAST_NIGHT):
        write_day(path, day)
    return path


@pytest.fixture(scope="module")
def secrets(folder: Path) -> dict[str, str]:
    return secrets_in(folder / ".env")


@pytest.fixture(scope="module")
def stack(folder: Path, home: Path, secrets: dict[str, str]) -> Iterator[ComposeStack]:
    """All services, healthy; afterwards none of their processes is left."""
    if not PROGRAMS:
        assert not os.environ.get("CI"), ".ci/run installs postgresql"
        pytest.skip("needs the package postgresql")
    variables = {
        **secrets,
        "VINTAGE_HOME": str(home),
        "VINTAGE_SERVED": "tiny",
        "VINTAGE_UMASK": "027",
        "VINTAGE_WORKER_MEMORY": "1g",
    }
    started = ComposeStack(folder, variables, extra={"JAVA_TOOL_OPTIONS": QUICK_JVM, **PARSED_SELDOM})
    with started:
        yield started
        family = started.family()
    assert [process for process in family if process.is_running() and process.status() != "zombie"] == []


@pytest.fixture(scope="module")
def api(stack: ComposeStack, secrets: dict[str, str]) -> Iterator[AirflowApi]:
    """Airflow by the login that was made for it."""
    address = f"http://{stack.address('airflow-api-server', 8080)}"
    password = secrets["VINTAGE_AIRFLOW_PASSWORD"]
    where = Endpoints(0, address, None, "admin", password)
    refused = httpx.post(f"{address}/auth/token", json={"username": "admin", "password": "admin"}, timeout=60)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    assert httpx.get(f"{address}/api/v2/dags", timeout=60).status_code == httpx.codes.UNAUTHORIZED
    with AirflowApi(where) as client:
        client.wait_for_dag(DAG)
        yield client


def finished(api: AirflowApi, run: Run) -> Run:
    def ended() -> Run | None:
        now = api.run(DAG, run.run_id)
        return now if now.state in DONE else None

    return until(ended, lambda: api.tasks(DAG, run.run_id), seconds=RUN_SECONDS)


def words_of(api: AirflowApi, run: Run) -> str:
    return "\n".join(
        line for task in api.tasks(DAG, run.run_id) for line in api.log_lines(DAG, run.run_id, task)
    )


def store_of(stack: ComposeStack, pipeline: str = "tiny") -> Store:
    return Store(stack.folder / "volumes" / "state" / "store", pipeline)


def query(stack: ComposeStack, database: str, sql: str, user: str = "") -> str:
    """What a database of the stack answers to a login, the one of its own name when none is given."""
    login = user or database
    host, port = stack.address("database", 5432).split(":")
    ended = subprocess.run(
        ["psql", "-qtAX", "-h", host, "-p", port, "-U", login, "-d", database, "-c", sql],
        env={
            **stack.environment("database"),
            "PGPASSWORD": stack.variables[f"{login.upper()}_DATABASE_PASSWORD"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() or ended.stderr.strip()


def workers(stack: ComposeStack) -> list[dict[str, Any]]:
    """What each worker says of itself."""
    pages = [f"http://{stack.address(f'spark-worker-{number}', 8081)}/json/" for number in (1, 2)]
    return [httpx.get(page, timeout=30).json() for page in pages]


def test_a_night_of_the_schedule_runs_on_the_cluster(stack: ComposeStack, api: AirflowApi) -> None:
    api.pause(DAG, paused=False)
    [run] = until(lambda: api.runs(DAG), "the schedule's run")
    ended = finished(api, run)
    told = words_of(api, ended)
    assert ended.state == "success", told[-5000:]
    assert f"on spark://{stack.address('spark-master', 7077)} is up" in told
    [entry] = ledger.read(store_of(stack).ledger_path)
    assert (entry.action, entry.date) == ("promoted", str(LAST_NIGHT))

    # It may have had two executors of one: a master starts another for one that has ended, when it hears of
    # the application's own end only after that.
    def jobs() -> list[set[str]]:
        return [{done["appid"] for done in worker["finishedexecutors"]} for worker in workers(stack)]

    until(lambda: [len(each) for each in jobs()] == [5, 5], lambda: f"each worker had five jobs: {jobs()}")
    [first, second] = jobs()
    assert first == second


def test_what_the_night_did_is_in_postgresql_and_its_model_in_mlflow(stack: ComposeStack) -> None:
    assert query(stack, "airflow", "SELECT state FROM dag_run WHERE dag_id = 'retrain_tiny'") == "success"
    alias = "SELECT alias FROM registered_model_aliases WHERE name = 'tiny'"
    assert query(stack, "mlflow", alias) == "champion"
    assert "permission denied for database" in query(stack, "airflow", "SELECT 1", user="mlflow")
    address = f"http://{stack.address('mlflow', 5000)}/api/2.0/mlflow"
    found = httpx.get(f"{address}/registered-models/get", params={"name": "tiny"}, timeout=30).json()
    assert found["registered_model"]["aliases"] == [{"alias": "champion", "version": "1"}]
    kept = list((stack.folder / "volumes" / "state" / "mlflow").rglob("MLmodel"))
    assert len(kept) == 1


def test_the_champion_of_the_night_is_served_without_spark(stack: ComposeStack) -> None:
    address = f"http://{stack.address('serving', 8000)}"

    def serves() -> bool:
        return httpx.get(f"{address}/ping", timeout=30).status_code == httpx.codes.OK

    until(serves, lambda: httpx.get(f"{address}/health", timeout=30).text)
    [entry] = ledger.read(store_of(stack).ledger_path)
    told = httpx.get(f"{address}/health", timeout=30).json()["tiny"]
    assert told["serves"]["key"] == entry.model_key
    assert told["registry"] == "reached"


def test_a_backfill_finds_what_the_night_made(stack: ComposeStack, api: AirflowApi) -> None:
    store = store_of(stack)
    files = {path: path.stat().st_mtime_ns for path in store.folder.rglob("manifest.json")}
    api.backfill(DAG, LAST_NIGHT, LAST_NIGHT)
    [run] = [run for run in api.runs(DAG) if run.run_id.startswith("backfill__")]
    assert run.partition_key == str(LAST_NIGHT)
    assert finished(api, run).state == "success"
    assert files == {path: path.stat().st_mtime_ns for path in store.folder.rglob("manifest.json")}


def test_what_the_stack_writes_is_open_to_its_group_alone(stack: ComposeStack) -> None:
    written = [path for path in (stack.folder / "volumes" / "state").rglob("*") if path.is_file()]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in written}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o027} == {}
    assert sum(mode & 0o040 > 0 for mode in modes.values()) > len(modes) / 2


@pytest.mark.fault("secrets of the stack", outcome="in no log and no command line")
def test_no_secret_is_in_a_log_or_a_command_line(stack: ComposeStack, secrets: dict[str, str]) -> None:
    told = []
    for process in stack.family():
        # One that has ended meanwhile has no command line.
        with suppress(psutil.Error):
            told.append(" ".join(process.cmdline()))
    told += [path.read_text(errors="replace") for path in stack.folder.rglob("*.log")]
    assert len(told) > 20
    for name, secret in secrets.items():
        assert not any(secret in text for text in told), name


def planned(stack: ComposeStack, **connections: str) -> list[str]:
    """The kinds of artifact that `vintage plan` would have made for the date of the night."""
    words = ["-m", "vintage", "plan", "tiny", f"--from={LAST_NIGHT}", f"--to={LAST_NIGHT}", "--json"]
    ended = subprocess.run(
        [sys.executable, *words],
        env=stack.environment("airflow-scheduler") | connections,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        step["kind"]
        for run in json.loads(ended.stdout)["runs"]
        for step in run["steps"]
        if step["action"] != "reused"
    ]


def test_a_laptop_with_the_same_store_has_nothing_to_make_again(stack: ComposeStack) -> None:
    assert planned(stack, VINTAGE_SPARK_MASTER="local[1]") == []


@pytest.fixture
def marker(home: Path, folder: Path) -> Path:
    """The pipeline `slow`, whose fit stops in one task; the file says in which process."""
    path = folder / "who"
    write_slow_pipeline(home, path)
    return path


def run_slow(stack: ComposeStack, log: Path, **connections: str) -> Service:
    """`vintage run slow`, on the stack's cluster unless told otherwise."""
    env = stack.environment("airflow-scheduler")
    env["VINTAGE_SPARK_MASTER"] = f"spark://{stack.address('spark-master', 7077)}"
    command = [sys.executable, "-m", "vintage", "run", "slow", f"--date={LAST_NIGHT}"]
    return Service.start("vintage", command, env=env | connections, log=log)


def digest_of(store: Store) -> str:
    found = store.current("model", LAST_NIGHT)
    assert found is not None
    digest: str = found.manifest.details.digest
    return digest


def kill_family(process: psutil.Process) -> None:
    """As when a machine is switched off."""
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def test_a_driver_a_worker_and_a_master_may_die(stack: ComposeStack, marker: Path, folder: Path) -> None:
    nobody = run_slow(stack, folder / "nobody.log", VINTAGE_SPARK_MASTER=f"spark://127.0.0.1:{free_port()}")
    asked = time.monotonic()

    # The driver: its executors end, nothing half-written is there to be read.
    first = run_slow(stack, folder / "first.log")
    until(marker.exists, "the fit has begun", seconds=RUN_SECONDS)
    kill_family(psutil.Process(first.process.pid))
    first.process.wait()
    until(lambda: not any(worker["executors"] for worker in workers(stack)), "the executors have ended")
    assert store_of(stack, "slow").current("model", LAST_NIGHT) is None
    marker.unlink()

    # The next try, and under it the master, then the worker whose executor has the task.
    second = run_slow(stack, folder / "second.log")
    until(
        lambda: marker.exists() and marker.read_text() != "", "the fit has begun again", seconds=RUN_SECONDS
    )
    above = {parent.pid for parent in psutil.Process(int(marker.read_text())).parents()}
    [name] = [name for name, service in stack.running.items() if service.process.pid in above]
    assert name.startswith("spark-worker-")
    gone = ("spark-master", name)
    for each in gone:
        kill_family(psutil.Process(stack.running[each].process.pid))
    assert second.process.wait(RUN_SECONDS) == 0, tail(second.log, 60)
    store = store_of(stack, "slow")
    assert len(list((store.folder / "model").glob("date=*/[!.]*/manifest.json"))) == 1
    assert len(ledger.read(store.ledger_path)) == 1

    # Where nothing died, it is the same model.
    alone = run_slow(
        stack, folder / "alone.log", VINTAGE_SPARK_MASTER="local[2]", VINTAGE_STORE=str(folder / "alone")
    )
    other = Store(folder / "alone", "slow")
    until(
        lambda: alone.process.poll() is not None or other.current("evaluation", LAST_NIGHT) is not None,
        "the model is made and evaluated",
        seconds=RUN_SECONDS,
    )
    assert digest_of(store) == digest_of(other)
    stop([alone], grace=10)

    # No master: said within a bounded time, in the last line.
    assert nobody.process.wait(RUN_SECONDS) == 4
    assert time.monotonic() - asked < RUN_SECONDS
    said = nobody.log.read_text().splitlines()[-1]
    assert said.startswith("vintage: Spark did not start on spark://127.0.0.1:")
    # As Docker would, for whatever comes next.
    for each in gone:
        stack.running[each].process.wait()
        stack.start(each)
        until(lambda each=each: stack.healthy(each), f"{each} is back")
    page = f"http://{stack.address('spark-master', 8090)}/json/"
    until(lambda: httpx.get(page, timeout=30).json()["aliveworkers"] == 2, "the other worker is back")
