"""What the whole suite shares: one Spark session, and one cluster."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from local.cluster import Cluster, cluster_in
from tests.quick import FEW_DEFAULTS, QUICK_JVM, QUICK_PLANS, remember_names_of_java

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# How long an example takes says how busy the machine is.
settings.register_profile("on_a_busy_machine", deadline=None)
settings.load_profile("on_a_busy_machine")

# Of every JVM that a test starts: over a handful of rows, most of its time goes into compiling what it then
# hardly uses. Stacks that are to run as a night does take it out of their environment.
os.environ["JAVA_TOOL_OPTIONS"] = QUICK_JVM
# Of every session that a process begins by itself: a whole run takes a fifth less of the processor.
os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join(
    [*(f"--conf {name}={value}" for name, value in QUICK_PLANS.items()), "pyspark-shell"]
)


PACKAGES = ("tests/integration/scheduler",)
"""Folders whose tests share servers; those of every other file share at most what the file starts."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Keeps on one worker what shares a fixture."""

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what a JVM is started for, and begins with what takes long.

    Else one worker would end with a quarter of an hour, after the other.
    """
    rank: dict[str, int] = {}
    for item in items:
        if not {"spark", "cluster"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.spark)
        own = 0 if item.get_closest_marker("integration") else 1 if item.get_closest_marker("long") else 2
        rank[group_of(item.nodeid)] = min(own, rank.get(group_of(item.nodeid), own))
    items.sort(key=lambda item: rank[group_of(item.nodeid)])


def group_of(nodeid: str) -> str:
    """The file of a test, or the folder whose tests share servers."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in PACKAGES if file.startswith(f"{folder}/")), file)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers of two cores, as on machines that know nothing of this one's environment."""
    with cluster_in(tmp_path_factory.mktemp("cluster"), options=QUICK_JVM) as found:
        yield found


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local[2] session for the suite, with the settings that the jobs run under.

    But for what is of speed alone: thousands of queries over a handful of rows end a quarter sooner with a
    quick JVM and no code compiled for each plan.
    """
    from vintage.session import SparkProvider
    from vintage.spec.submission import PINNED_JVM

    # It closes its connections when the interpreter ends, and would say so to a stream that is gone.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    remember_names_of_java()
    provider = SparkProvider(
        "vintage-tests",
        master="local[2]",
        conf={
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": " ".join(PINNED_JVM),
            **QUICK_PLANS,
            **FEW_DEFAULTS,
            # Nobody looks at their plans.
            "spark.sql.ui.explainMode": "simple",
        },
    )
    session = provider()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    provider.stop()
