"""What the whole suite shares: one Spark session."""

from __future__ import annotations

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
    """One local[2] session for the suite, with the settings that the jobs run under."""
    from spark_jobs.session import SparkProvider
    from spark_jobs.spec.submission import PINNED_JVM

    options = ["-XX:TieredStopAtLevel=1", *PINNED_JVM]
    provider = SparkProvider(
        "vintage-tests",
        master="local[2]",
        conf={"spark.driver.memory": "2g", "spark.driver.extraJavaOptions": " ".join(options)},
    )
    session = provider()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    provider.stop()
