"""A standalone Spark cluster of processes on loopback, for tests and benchmarks of what runs on executors."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local.processes import Service, ServiceDied, stop, tail
from local.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """A standalone Spark cluster on loopback.

    Attributes:
        master: its address, `spark://…`.
        work: the folder below which executors run, each in one of its own.
    """

    master: str
    work: Path


@contextmanager
def cluster_in(folder: Path, *, options: str = "") -> Iterator[Cluster]:
    """Yield a master and two workers of two cores, isolated from this machine's environment.

    Args:
        folder: where they log, and their executors work.
        options: of the JVMs of master and workers; executors have those of their application.

    Raises:
        ServiceDied: one of them ended, or did not start in time.
    """
    pyspark = find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        raise ServiceDied("pyspark is not installed; `make setup` does that.")
    spark_home = Path(pyspark.origin).parent
    env = {name: os.environ[name] for name in ("HOME", "JAVA_HOME", "PATH") if name in os.environ} | {
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": options,
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
        master = _said(start("master", "--port", "0"), r"Starting Spark master at (spark://\S+)\s")
        words = ("--cores", "2", "--memory", "1g", "--work-dir", str(folder / "work"), master)
        workers = [start("worker", *words, log=f"worker-{number}") for number in (1, 2)]
        for worker in workers:
            _said(worker, r"(Successfully registered) with master")
        yield Cluster(master, folder / "work")
    finally:
        stop(services, grace=10)


def _said(service: Service, pattern: str) -> str:
    """Return the group of a pattern that a service's log comes to hold."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        service.check()
        found = re.search(pattern, service.log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise ServiceDied(f"{service.name} did not report {pattern}.\n{service.log} ends:\n{tail(service.log)}")
