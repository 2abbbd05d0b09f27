"""What the whole suite shares: one Spark session."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local[2] session for the suite, with the settings that the jobs run under.

    But for what is of speed alone: thousands of queries over a handful of rows end a quarter sooner with the
    quick compiler, one collector thread and no code compiled for each plan. The jobs that tests submit, as
    processes of their own, run as a night's do.
    """
    from spark_jobs.session import SparkProvider
    from spark_jobs.spec.submission import PINNED_JVM

    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *PINNED_JVM]
    # It closes its connections when the interpreter ends, and would say so to a stream that is gone.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    provider = SparkProvider(
        "vintage-tests",
        master="local[2]",
        conf={
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": " ".join(options),
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        },
    )
    session = provider()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    provider.stop()
