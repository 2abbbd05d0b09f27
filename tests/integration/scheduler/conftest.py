"""One real Airflow on PostgreSQL for all tests of this folder."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.airflow_api import DONE, AirflowApi
from local.stack import Stack
from tests.airflow.conftest import from_database, write_home
from tests.integration.conftest import (
    LAST_NIGHT,
    PARSED_SELDOM,
    quick_environment,
    quick_spark,
    scheduled_far_from_now,
    write_day,
)
from tests.integration.postgresql import PROGRAMS, database
from tests.integration.scheduler.runs import (
    AFTER,
    BY_HAND,
    DAG,
    LATE,
    RESTATED,
    RESTATEMENT,
    RUN_SECONDS,
    SCORE,
    START,
    days_of,
    made,
)
from tests.until import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from local.airflow_api import Run

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE_MS = 90_000
TOLD = "told.txt"
DRIVER = Path("/usr/share/java/postgresql.jar")


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = write_home(tmp_path_factory.mktemp("airflow") / "home")
    tiny = home / "pipelines" / "tiny.yaml"
    text = scheduled_far_from_now(tiny.read_text()) + "wait: {timeout: 2h, poke: 1s}\n"
    tiny.write_text(text + quick_spark())
    asks = tiny.read_text().replace("name: tiny", "name: asks")
    # Its schedule has ended: nothing of it runs but what is triggered.
    asks += "end_date: 2024-01-07\npromote: approve\ndeadline: 5s\n"
    (home / "pipelines" / "asks.yaml").write_text(asks)
    rows = from_database(text.replace("name: tiny", "name: rows")) + quick_spark(
        **{"spark.jars": str(DRIVER)}
    )
    (home / "pipelines" / "rows.yaml").write_text(rows)
    for day in [*days_of(START, 8), *days_of(LAST_NIGHT - dt.timedelta(days=2), 5)]:
        # What the schedule takes comes late.
        if day not in (LAST_NIGHT, LATE):
            write_day(home, day)
    with ExitStack() as opened:
        environ = quick_environment() | {
            **PARSED_SELDOM,
            "VINTAGE_NOTIFIER": "tests.airflow.notified.ToFile",
            # How soon a scheduler takes over what a dead one had begun; 300 by itself.
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
            # On a busy machine the one that lives may be silent for half a minute.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "60",
            "VINTAGE_NOTIFIER_ARGS": json.dumps({"path": str(home / TOLD), "text": "Vintage: {message}"}),
        }
        if PROGRAMS:
            # As in production: SQLite lets one writer in at a time.
            environ["VINTAGE_AIRFLOW_DATABASE"] = url = opened.enter_context(database("airflow"))
            environ["AIRFLOW_CONN_WAREHOUSE"] = url.replace("postgresql+psycopg2", "postgres")
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
        def ended() -> Run | None:
            stack.check()
            now = api.run(dag_id, run.run_id)
            return now if now.state in DONE else None

        return until(ended, f"{run.run_id} has ended", seconds=RUN_SECONDS)

    return wait


@pytest.fixture(scope="package")
def warehouse(stack: Stack) -> Callable[[str], None]:
    """Does something in the database of the pipeline `rows`, which has an empty table of days."""
    import psycopg2

    if "AIRFLOW_CONN_WAREHOUSE" not in stack.env or not DRIVER.is_file():
        assert not os.environ.get("CI"), ".ci/run installs postgresql and libpostgresql-jdbc-java"
        pytest.skip("needs the packages postgresql and libpostgresql-jdbc-java")
    url = stack.env["AIRFLOW_CONN_WAREHOUSE"].replace("postgres://", "postgresql://")

    def do(sql: str) -> None:
        connection = psycopg2.connect(url)
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(sql)

    do("CREATE TABLE days (id INT, x DOUBLE PRECISION, label DOUBLE PRECISION, day DATE)")
    return do


@pytest.fixture(scope="package")
def told(stack: Stack) -> Callable[[str], None]:
    """Waits until the notifier of the environment was told something."""

    def wait(message: str) -> None:
        file = stack.home / TOLD

        def found() -> list[str]:
            return file.read_text().splitlines() if file.exists() else []

        until(lambda: f"Vintage: {message}" in found(), lambda: f"{message!r} is told, and not {found()}")

    return wait


@pytest.fixture(scope="package")
def page(stack: Stack) -> Iterator[Page]:
    """A browser in which somebody has logged in."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        assert not os.environ.get("CI"), ".ci/run installs chromium"
        pytest.skip("needs Chromium")
    where = stack.endpoints
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 1200})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{where.airflow}/dags/{DAG}")
        page.locator("input[name=username]").fill(where.user)
        page.locator("input[name=password]").fill(where.password)
        page.locator("button[type=submit]").click()
        yield page
        browser.close()


@pytest.fixture(scope="package")
def restated(stack: Stack, api: AirflowApi, finish: Callable[..., Run]) -> Run:
    """A manual run of a date whose rows came again otherwise, after a model of the next date was made."""
    for dag in (RESTATEMENT, SCORE):
        api.wait_for_dag(dag, stack.check)
    if AFTER not in made(stack, "model"):
        assert finish(api.trigger(DAG, partition_key=AFTER)).state == "success"
    for dag in (RESTATEMENT, SCORE):
        api.pause(dag, paused=False)
    write_day(stack.home, RESTATED, seed=1)
    run = finish(api.trigger(DAG, partition_key=str(RESTATED)))
    assert run.state == "success"
    return run


@pytest.fixture(scope="package")
def by_form(stack: Stack, api: AirflowApi, page: Page, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the date BY_HAND with another hyperparameter, triggered in the form."""
    before = {run.run_id for run in api.runs(DAG)}
    page.goto(f"{stack.endpoints.airflow}/dags/{DAG}")
    page.get_by_test_id("trigger-dag-button").first.click()
    page.locator("#element_partition_date").fill(str(BY_HAND))
    page.get_by_label("LogisticRegression.regParam").fill("0.25")
    page.screenshot(path=tmp_path_factory.mktemp("form") / "form.png")
    page.get_by_test_id("trigger-dag-submit").click()
    # The UI goes to the new run.
    page.wait_for_url("**/runs/manual__**")
    # Its page asks for news again and again.
    page.goto("about:blank")
    [run] = [run for run in api.runs(DAG) if run.run_id not in before]
    return run
