"""`make run`: the main job, on real flights, end to end through Airflow; and again, with nothing to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from examples.catalogue import EXAMPLES
from examples.prepare import prepare
from local.stack import CHECKOUT
from tests.examples.answers import assert_every_way_answers_alike
from tests.examples.remade import made_again
from tests.integration.conftest import plain_environment
from tests.quick import AN_OLD_CPU, QUICK_JVM
from vintage.flow.durations import durations_of
from vintage.registry import ledger
from vintage.report.summary import summarise
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from local.cluster import Cluster

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

NAME = "flight_delay"
TASKS = ("wait_for_data", "snapshot", "validate", "preprocess", "fit", "evaluate", "promote")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the checkout's pipeline and suite, and nothing but raw data."""
    path = tmp_path_factory.mktemp("run") / "home"
    for folder in ("pipelines", "expectations"):
        shutil.copytree(CHECKOUT / folder, path / folder)
    prepare((NAME,), path / "data" / "raw")
    return path


def run(home: Path, **given: str) -> str:
    """What `make run` prints, set-up aside."""
    ended = subprocess.run(
        [sys.executable, str(CHECKOUT / "local" / "night.py")],
        env={**plain_environment(), "VINTAGE_HOME": str(home), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout[-5000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout


def made(store: Store) -> set[Path]:
    return set(store.folder.rglob("manifest.json"))


def test_a_night_on_real_flights_ends_with_a_champion_and_a_second_finds_it(home: Path) -> None:
    told = run(home)
    assert re.findall(r"^  (\w+) +success +[\d.]+ s$", told, flags=re.MULTILINE) == list(TASKS)
    assert "Promoted: version 1" in told
    assert "28 dates with rows" in told
    of = Home.from_environment({"VINTAGE_HOME": str(home)})
    day, store = EXAMPLES[NAME].date, Store(of.store, NAME)
    found = summarise(store, day)
    assert found.served_by.startswith("its twin, without Spark")
    assert_every_way_answers_alike(of, NAME)
    assert all(gate["passed"] for gate in found.gates)
    assert min(found.rows.values()) > 5000
    [entry] = ledger.read(store.ledger_path)
    assert (entry.action, entry.date, entry.version) == ("promoted", str(day), 1)
    # One Airflow run made all of them, and the next plan knows by it what the start of a job takes.
    assert durations_of(store).counted["jobs"] >= 3

    before = made(store)
    again = run(home, JAVA_TOOL_OPTIONS=QUICK_JVM)
    assert "Promoted: version 1" in again
    assert made(store) == before
    assert ledger.read(store.ledger_path) == (entry,)


def test_its_model_is_made_again_elsewhere(home: Path, cluster: Cluster) -> None:
    """On executors of one core of an old CPU; the night had all cores and vectors of this machine."""
    [found] = made_again(home, cluster.master, (NAME,), plain_environment() | AN_OLD_CPU)
    assert found["first"] is None
    assert found["steps"] > 28
