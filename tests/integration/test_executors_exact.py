"""The same rows give the same model, predictions and metrics, bit for bit, whatever they are fitted on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import plain_environment
from tests.integration.postgresql import LOOPBACK
from tests.quick import AN_OLD_CPU, QUICK_JVM, QUICK_PLANS

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.cluster import Cluster

CHECKOUT = Path(__file__).parents[2]
PROGRAM = "tests.integration.exact_fits"
CASES = os.environ.get("EXACT_CASES", "merges")
"""`every`, the complete table, takes hours: `make exact`."""
SECONDS = 900 if CASES == "merges" else 4 * 3600
CLUSTER = "the cluster"

# A test fits in its place, and the first one in the first place as well.
pytestmark = [pytest.mark.integration, pytest.mark.spark, pytest.mark.timeout(2 * SECONDS)]


@dataclass(frozen=True)
class Where:
    """Where the models are fitted.

    Attributes:
        master: Spark's.
        killed: how many executors are killed under way.
        given: what a machine's environment says.
        elsewhere: whether from another checkout.
        settings: of Spark, of speed alone.
    """

    master: str
    killed: int = 0
    given: Mapping[str, str] = field(default_factory=lambda: {"JAVA_TOOL_OPTIONS": QUICK_JVM})
    elsewhere: bool = False
    settings: tuple[str, ...] = ()


# Each of these moves what is in memory, or how rows come together, and no sum.
OFF_HEAP = ("spark.memory.offHeap.enabled=true", "spark.memory.offHeap.size=64m")
NO_BROADCAST = ("spark.sql.autoBroadcastJoinThreshold=-1",)
QUICK = tuple(f"{name}={value}" for name, value in QUICK_PLANS.items())
# Whatever Spark combines or sorts outside of SQL is spilled after so many records.
SPILLING = "spark.shuffle.spill.numElementsForceSpillThreshold=50"
SPECULATING = (
    "spark.speculation=true",
    "spark.speculation.interval=50ms",
    "spark.speculation.multiplier=1.1",
    "spark.speculation.quantile=0.1",
)
COMING_AND_GOING = (
    "spark.dynamicAllocation.enabled=true",
    "spark.dynamicAllocation.shuffleTracking.enabled=true",
    "spark.dynamicAllocation.maxExecutors=4",
    "spark.dynamicAllocation.minExecutors=1",
    "spark.dynamicAllocation.executorIdleTimeout=10s",
    "spark.dynamicAllocation.cachedExecutorIdleTimeout=30s",
)
FIRST = "two cores, short of memory"
PLACES = {
    FIRST: Where("local[2]", settings=(*QUICK, SPILLING, *OFF_HEAP)),
    "executors of an old CPU, from another checkout, that come and go, speculating, two killed": Where(
        CLUSTER,
        killed=2,
        given=AN_OLD_CPU,
        elsewhere=True,
        settings=(*QUICK, *SPECULATING, *NO_BROADCAST, *COMING_AND_GOING),
    ),
}
if CASES == "every":
    PLACES |= {"one core": Where("local[1]"), "four cores": Where("local[4]")}
Found = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def made(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Found]:
    """Fits every family and stage in a place, once: name → what it is and tells."""
    done: dict[str, Found] = {}

    def of(name: str) -> Found:
        if name not in done:
            where, checkout = PLACES[name], CHECKOUT
            if where.elsewhere:
                checkout = tmp_path_factory.mktemp("another") / "checkout"
                for folder in ("vintage", "spark_jobs", "tests", "jvm"):
                    shutil.copytree(CHECKOUT / folder, checkout / folder)
            master = cluster.master if where.master == CLUSTER else where.master
            given = {
                "PYTHONPATH": str(checkout),
                "PYSPARK_PYTHON": sys.executable,
                "SPARK_LOCAL_IP": LOOPBACK,
                **where.given,
            }
            ended = subprocess.run(
                [sys.executable, "-m", PROGRAM, master, str(where.killed), CASES, *(where.settings or QUICK)],
                cwd=checkout,
                env=plain_environment() | given,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert ended.returncode == 0, ended.stderr[-5000:]
            assert ended.stderr.count("killed executor") == where.killed
            done[name] = dict(json.loads(line) for line in ended.stdout.splitlines())
        return done[name]

    return of


@pytest.mark.parametrize("name", list(PLACES)[1:])
def test_every_case_gives_the_same_bits(made: Callable[[str], Found], name: str) -> None:
    expected, found = made(FIRST), made(name)
    differing = {
        (family, part): (value, found[family][part])
        for family, each in expected.items()
        for part, value in each.items()
        if found[family][part] != value
    }
    assert differing == {}
    assert found.keys() == expected.keys()
    assert len({each["model"] for each in expected.values()}) == len(expected)
    assert len({each["predictions"] for each in expected.values()}) == len(expected)
