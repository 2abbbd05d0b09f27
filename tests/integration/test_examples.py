"""Example pipelines through their own DAGs: from raw data to a champion."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.catalogue import EXAMPLES
from examples.prepare import prepare
from local.airflow_api import DONE, AirflowApi
from local.stack import CHECKOUT, Stack
from spark_jobs.registry import ledger
from spark_jobs.report.summary import summarise
from spark_jobs.spec import Home
from spark_jobs.store import Store
from tests.integration.conftest import quick_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.airflow_api import Run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3000)]

ALL_SECONDS = 2700
"""Six tasks each, half a minute a task, two tasks at a time: 17 minutes on two cores."""
POLL_SECONDS = 5
"""Each question costs the cores that the tasks have."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the checkout's pipelines and suites, and nothing but raw data."""
    path = tmp_path_factory.mktemp("examples") / "home"
    for folder in ("pipelines", "expectations"):
        shutil.copytree(CHECKOUT / folder, path / folder)
    prepare(tuple(EXAMPLES), path / "data" / "raw")
    return path


@pytest.fixture(scope="module")
def ended(home: Path) -> Iterator[Mapping[str, tuple[Run, str]]]:
    """How the run of each example ended, and the last words of the task that failed."""
    with (
        Stack(home, mlflow=False, schedule=False, environ=quick_environment()) as stack,
        AirflowApi(stack.endpoints) as api,
    ):
        runs = {}
        for name in EXAMPLES:
            api.wait_for_dag(f"retrain_{name}", stack.check)
            api.pause(f"retrain_{name}", paused=False)
            runs[name] = api.trigger(f"retrain_{name}", partition_key=str(EXAMPLES[name].date))
        deadline = time.monotonic() + ALL_SECONDS
        while any(run.state not in DONE for run in runs.values()) and time.monotonic() < deadline:
            stack.check()
            time.sleep(POLL_SECONDS)
            runs |= {
                name: api.run(f"retrain_{name}", run.run_id)
                for name, run in runs.items()
                if run.state not in DONE
            }
        yield {name: (run, _why(api, f"retrain_{name}", run)) for name, run in runs.items()}


def _why(api: AirflowApi, dag: str, run: Run) -> str:
    failed = [task for task in api.tasks(dag, run.run_id) if task.state == "failed"]
    return "\n".join(line for task in failed for line in api.log_lines(dag, run.run_id, task)[-30:])


def test_every_pipeline_of_the_checkout_is_an_example() -> None:
    assert {path.stem for path in (CHECKOUT / "pipelines").glob("*.yaml")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_to_a_champion(name: str, home: Path, ended: Mapping[str, tuple[Run, str]]) -> None:
    run, why = ended[name]
    assert run.state == "success", why
    day = EXAMPLES[name].date
    store = Store(Home.from_environment({"VINTAGE_HOME": str(home)}).store, name)
    made = summarise(store, day)
    assert made.gates
    assert all(gate["passed"] for gate in made.gates)
    assert made.decision["promote"]
    assert min(made.rows.values()) > 0
    [entry] = ledger.read(store.ledger_path)
    assert (entry.action, entry.date) == ("promoted", str(day))
