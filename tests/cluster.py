"""A Spark cluster of processes, for tests of what runs on executors."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.processes import Service, ServiceDied, stop, tail
from tests.integration.postgresql import LOOPBACK
from tests.quick import QUICK_JVM

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """A standalone Spark cluster on loopback.

    Attributes:
        master: its address, `spark://…`.
        work: the folder below which executors run, each in one of its own.
    """

    master: str
    work: Path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers of two cores, as on machines that know nothing of this one's environment."""
    folder = tmp_path_factory.mktemp("cluster")
    pyspark = find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    spark_home = Path(pyspark.origin).parent
    env = {name: os.environ[name] for name in ("HOME", "JAVA_HOME", "PATH") if name in os.environ} | {
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK_JVM,
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
    }
    services: list[Service] = []

    def start(name: str, *words: str, log: str = "") -> Service:
        program = f"org.apache.spark.deploy.{name}.{name.capitalize()}"
        command = [str(spark_home / "bin" / "spark-class"), program, "--host", LOOPBACK, "--webui-port", "0"]
        service = Service.start(name, [*command, *words], env=env, log=folder / f"{log or name}.log")
        services.insert(0, service)
        return service

    try:
        master = said(start("master", "--port", "0"), r"Starting Spark master at (spark://\S+)\s")
        words = ("--cores", "2", "--memory", "1g", "--work-dir", str(folder / "work"), master)
        workers = [start("worker", *words, log=f"worker-{number}") for number in (1, 2)]
        for worker in workers:
            said(worker, r"(Successfully registered) with master")
        yield Cluster(master, folder / "work")
    finally:
        stop(services, grace=10)


def said(service: Service, pattern: str) -> str:
    """The group of a pattern that a service's log comes to hold.

    Raises:
        ServiceDied: it ended, or did not say so in time.
    """
    deadline = time.monotonic() + CLUSTER_SECONDS
    while time.monotonic() < deadline:
        service.check()
        found = re.search(pattern, service.log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise ServiceDied(f"{service.name} did not say {pattern}.\n{service.log} ends:\n{tail(service.log)}")
