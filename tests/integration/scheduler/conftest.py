"""One real Airflow on PostgreSQL for all tests of this folder."""

from __future__ import annotations

import datetime as dt
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from local.airflow_api import DONE, AirflowApi
from local.stack import Stack
from tests.dags.conftest import write_home
from tests.integration.conftest import quick_environment, write_day
from tests.integration.postgresql import PROGRAMS, database
from tests.integration.scheduler.runs import DAG, RUN_SECONDS, START, TODAY, days_of, scheduled_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.airflow_api import Run


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = write_home(tmp_path_factory.mktemp("airflow") / "home")
    tiny = home / "pipelines" / "tiny.yaml"
    tiny.write_text(tiny.read_text() + "wait: {timeout: 2h, poke: 1s}\n")
    asks = tiny.read_text().replace("name: tiny", "name: asks")
    # Its schedule has ended: nothing of it runs but what is triggered.
    (home / "pipelines" / "asks.yaml").write_text(f"{asks}end_date: 2024-01-07\npromote: approve\n")
    for day in [*days_of(START, 8), *days_of(TODAY - dt.timedelta(days=4), 5)]:
        # What the schedule takes comes late.
        if day != scheduled_day():
            write_day(home, day)
    with ExitStack() as opened:
        environ = quick_environment()
        if PROGRAMS:
            # As in production: SQLite lets one writer in at a time.
            environ["VINTAGE_AIRFLOW_DATABASE"] = opened.enter_context(database("airflow"))
        else:
            assert not os.environ.get("CI"), ".ci/run installs postgresql"
        yield opened.enter_context(Stack(home, mlflow=False, environ=environ))


@pytest.fixture(scope="package")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with AirflowApi(stack.endpoints) as client:
        client.wait_for_dag(DAG, stack.check)
        client.pause(DAG, paused=False)
        yield client


@pytest.fixture(scope="package")
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
