"""Some flights, and how a suite of rules is run over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vintage.spec import Suite
from vintage.validation.expectations import ValidationReport, run_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    Run = Callable[..., ValidationReport]

# Great Expectations imports a module that Python has deprecated; pyspark leaves sockets to the
# garbage collector.
QUIET = pytest.mark.filterwarnings(
    "ignore:module .sre_:DeprecationWarning",
    "ignore:.*deprecated as of GX Core:DeprecationWarning",
    "ignore:unclosed <socket:ResourceWarning",
)
SCHEMA = "carrier STRING, origin STRING, distance INT, flight INT"
ROWS = [
    ("UA", "EWR", 1400, 1),
    ("UA", "EWR", 1400, 2),
    ("AA", "LGA", 200, 3),
    ("B6", "JFK", 700, 4),
    (None, "JFK", 700, 5),
]


def suite_of(*rules: tuple[Any, ...]) -> Suite:
    """A suite of (type, kwargs) or (type, kwargs, severity)."""
    keys = ("type", "kwargs", "severity")
    return Suite.model_validate({"expectations": [dict(zip(keys, rule, strict=False)) for rule in rules]})


@pytest.fixture
def flights(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def _run(df: DataFrame, *rules: tuple[Any, ...]) -> ValidationReport:
        return run_suite(df, suite_of(*rules), name="flights 2013-02-28", docs_dir=tmp_path / "docs")

    return _run
