"""What the tests of whole stacks share."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import os
import random
from pathlib import Path

from tests.integration.postgresql import free_port
from tests.quick import QUICK_JVM, QUICK_PLANS

# Twelve hours from the schedule's last tick and from its next, whenever the tests run: none of them sees
# another night begin.
_NOW = dt.datetime.now(dt.UTC)
_HOUR = (_NOW.hour + 12) % 24
LAST_NIGHT = (_NOW - dt.timedelta(days=1, hours=_HOUR)).date()
"""The date that the schedule's last tick takes: the day before it."""


def scheduled_far_from_now(text: str) -> str:
    """A pipeline's file with such a schedule."""
    before = 'schedule: "0 2 * * *"'
    assert before in text
    return text.replace(before, f'schedule: "0 {_HOUR} * * *"')


PARSED_SELDOM = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
}
"""For an Airflow whose pipelines stay as they are: five files a half minute cost a tenth of a core."""


def plain_environment() -> dict[str, str]:
    """This process's environment, without what names an Airflow, a home or an MLflow, or hurries Spark."""
    hurrying = ("JAVA_TOOL_OPTIONS", "PYSPARK_SUBMIT_ARGS")
    named = ("AIRFLOW", "VINTAGE_HOME", "VINTAGE_STORE", "VINTAGE_AIRFLOW", "MLFLOW", *hurrying)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    # Two stacks that start at once would both take the usual ports for free.
    return plain | {name: str(free_port()) for name in ("VINTAGE_AIRFLOW_PORT", "VINTAGE_MLFLOW_PORT")}


def quick_environment() -> dict[str, str]:
    """The same, for many small jobs: with the JVM's quick compiler alone.

    The six jobs of a small example take a quarter less of the processor: most of their time, a JVM compiles
    what it then hardly uses.
    """
    return plain_environment() | {"JAVA_TOOL_OPTIONS": QUICK_JVM}


def quick_spark(**conf: str) -> str:
    """A pipeline's settings for sixty rows: planned and compiled for longer than they are worked on."""
    settings = {**QUICK_PLANS, "spark.sql.shuffle.partitions": "2", **conf}
    return f"spark: {json.dumps({'conf': settings})}\n"


def write_day(home: Path, day: dt.date, seed: int = 0) -> None:
    """Sixty rows of the pipeline `tiny`, with a label that x tells, but not surely; others by a seed."""
    folder = home / "data" / "raw" / "tiny" / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(day.toordinal() + seed * 1_000_000)  # noqa: S311
    with (folder / "rows.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "x", "label"])
        for number in range(60):
            x = chance.gauss(0, 1)
            rows.writerow([number, f"{x:.6f}", float(chance.random() < 1 / (1 + math.exp(-2 * x)))])
