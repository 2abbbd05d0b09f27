"""Each example pipeline from raw data to a champion, its own gates passed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from examples.catalogue import EXAMPLES
from examples.prepare import prepare
from tests.airflow.conftest import CHECKOUT
from tests.examples.answers import assert_every_way_answers_alike
from tests.examples.remade import made_again
from tests.quick import AN_OLD_CPU
from vintage.jobs.backfill import backfill
from vintage.ml import golden
from vintage.registry import ledger
from vintage.registry.loadability import Loaded, Loading
from vintage.report.summary import summarise
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from local.cluster import Cluster

pytestmark = [pytest.mark.long, pytest.mark.spark, pytest.mark.timeout(1800)]

# What `make run` retrains by itself goes through Airflow in tests/integration/test_make_run.py.
SERVED_BY_TWIN = (
    "airport_profiles",
    "digit_components",
    "digit_images",
    "digits",
    "flight_time",
    "movie_ratings",
    "plane_engines",
    "wine_cultivar",
)
OTHERS = tuple(name for name in EXAMPLES if name != "flight_delay")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the checkout's pipelines and suites, and nothing but raw data."""
    path = tmp_path_factory.mktemp("examples") / "home"
    for folder in ("pipelines", "expectations"):
        shutil.copytree(CHECKOUT / folder, path / folder)
    prepare(OTHERS, path / "data" / "raw")
    return Home.from_environment({"VINTAGE_HOME": str(path)})


def loading_with(spark: SparkProvider) -> Callable[[Loading], Loaded]:
    """Loads a model by Spark alone, in the suite's session.

    A process of its own, as a night has it, takes more seconds than all the other steps.
    """

    def load(wanted: Loading) -> Loaded:
        from pyspark.ml import PipelineModel

        batch = golden.read(spark(), wanted.model / golden.FOLDER)
        model = PipelineModel.load(f"file://{wanted.model / 'sparkml'}")
        _, told = golden.compare(batch.expected(), golden.outputs(model, batch))
        return Loaded(problems=told, ways=("PipelineModel.transform",), rows=batch.given.count())

    return load


def test_every_pipeline_of_the_checkout_is_an_example() -> None:
    assert {path.stem for path in (CHECKOUT / "pipelines").glob("*.yaml")} == set(EXAMPLES)


@pytest.mark.parametrize("name", OTHERS)
def test_an_example_runs_to_a_champion(name: str, home: Home, spark: SparkSession) -> None:
    day, provider = EXAMPLES[name].date, SparkProvider.of(spark)
    load = loading_with(provider)
    [ended] = backfill(home, load_pipeline(home, name), [day], spark=provider, load=load)
    assert ended.error == ""
    made = summarise(Store(home.store, name), day)
    assert made.gates
    assert all(gate["passed"] for gate in made.gates)
    assert made.decision.promote
    assert min(made.rows.values()) > 0
    [entry] = ledger.read(Store(home.store, name).ledger_path)
    assert (entry.action, entry.date) == ("promoted", str(day))
    if name in SERVED_BY_TWIN:
        assert made.served_by.startswith("its twin, without Spark")
        assert_every_way_answers_alike(home, name)


@pytest.mark.integration
def test_each_is_made_again_on_four_executors_of_one_core_of_an_old_cpu(home: Home, cluster: Cluster) -> None:
    # The tests above made them on two cores, with all the vectors that this CPU has.
    before = set(cluster.work.glob("app-*/*"))
    found = made_again(home.path, cluster.master, OTHERS, os.environ | AN_OLD_CPU)
    assert [each["name"] for each in found] == list(OTHERS)
    assert [each for each in found if each["first"] or each["steps"] < 8] == []
    assert len(set(cluster.work.glob("app-*/*")) - before) >= 4
