"""Raw files of many columns and of many rows, and the homes of pipelines whose `snapshot` reads them."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.chain import CHECKOUT, Timing, environment_of, submit, timed
from benchmarks.measures import Row, measured
from vintage.spec import Home, load_pipeline, submit_conf

CELLS: Final = (36_000, 3_600_000)
DAY: Final = date(2024, 5, 3)
BLOCK: Final = 1_000_000
KINDS: Final = ("DOUBLE", "INT", "STRING")
"""The types of wide files' columns, in turn."""

LONG: Final = (
    "id BIGINT, at TIMESTAMP, due DATE, shop STRING, note STRING, amount DECIMAL(10,2), paid BOOLEAN, "
    "items INT, discount INT, weight DOUBLE, width DOUBLE, height DOUBLE"
)
PIPELINE: Final = """
name: {name}
schedule: "0 2 * * *"
start_date: {first}
source:
  format: csv
  path: raw/{name}/date={{date}}
  options: {{header: true}}
  schema: "{schema}"
expectations: rows
window: {{days: {dates}, min_days: {dates}}}
preprocess:
  sql: SELECT id, {column}, CAST(id % 2 AS DOUBLE) AS label FROM source
  key: [id]
split: {{by: key, test_fraction: 0.2}}
task: classification
stages:
  - VectorAssembler: {{inputCols: [{column}], outputCol: features}}
  - LogisticRegression: {{maxIter: 1}}
evaluate: {{metric: areaUnderROC}}
spark: {{conf: {{spark.driver.memory: 2g{further}}}}}
"""
SUITE: Final = """
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: id}, severity: critical}
"""
BY_HAND: Final = """
import sys
from pyspark.sql import SparkSession
raw, out, schema = sys.argv[1:]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
rows = spark.read.schema(schema).csv(raw, header=True)
print(rows.count())
rows.write.parquet(out)
spark.stop()
"""


def reading(scratch: Path, rows: int, runs: int) -> list[Row]:
    """(j) a long day against a script that reads, counts and writes it; many columns against few."""
    day = long(scratch / "long", rows)
    out = scratch / "long" / "out"

    def ours(number: int) -> Iterable[Timing]:
        shutil.rmtree(day.folder / "state", ignore_errors=True)
        return [day.snapshot()]

    def by_hand(number: int) -> Iterable[Timing]:
        shutil.rmtree(out, ignore_errors=True)
        return [day.by_hand(out)]

    measure = f"snapshot of {rows:,} rows / hand-written read, count and write"
    found = [measured(measure, ours, by_hand, goal=1.5, runs=runs)]
    shutil.rmtree(day.folder)
    for cells in CELLS:
        homes = [wide(scratch / f"wide-{columns}", columns, cells) for columns in (600, 60)]

        def taken(home: Reading) -> Iterable[Timing]:
            shutil.rmtree(home.folder / "state", ignore_errors=True)
            return [home.snapshot()]

        measure = f"snapshot of three dates of {cells:,} cells, 600 columns / 60 columns"
        many, few = (lambda number, home=home: taken(home) for home in homes)
        found.append(measured(measure, many, few, goal=3.0, runs=runs))
        for home in homes:
            shutil.rmtree(home.folder)
    return found


class Reading:
    """A home of one pipeline, whose snapshots are taken by the job as Airflow submits it.

    Args:
        folder: everything is below it; does not exist yet.
        name: the pipeline's.
        schema: its raw columns, `id` among them.
        column: a number, which its stages read.
        dates: how many there are, the last of them `DAY`.
        large: whether its dates have millions of rows, which the pipeline then says to the JVM.
    """

    def __init__(
        self, folder: Path, name: str, schema: str, column: str, dates: int, *, large: bool = False
    ) -> None:
        self.folder, self.name, self.schema = folder, name, schema
        self.dates = [DAY - timedelta(days=back) for back in range(dates)]
        self.home = folder / "home"
        (self.home / "pipelines").mkdir(parents=True)
        (self.home / "expectations").mkdir()
        further = ", spark.driver.extraJavaOptions: -XX:TieredStopAtLevel=4" if large else ""
        text = PIPELINE.format(
            name=name, first=min(self.dates), schema=schema, column=column, dates=dates, further=further
        )
        (self.home / "pipelines" / f"{name}.yaml").write_text(text, encoding="utf-8")
        (self.home / "expectations" / "rows.yaml").write_text(SUITE, encoding="utf-8")
        self.environment = environment_of(self.home, folder / "state")

    def raw(self, day: date) -> Path:
        """Return the raw file of a date; its folder is there."""
        folder = self.home / "raw" / self.name / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "rows.csv"

    def snapshot(self) -> Timing:
        """Return the job, with nothing of any date in the store."""
        home = Home.from_environment(self.environment)
        conf = submit_conf(load_pipeline(home, self.name), home, "snapshot")
        application = [str(CHECKOUT / "spark_jobs" / "snapshot.py"), f"--pipeline={self.name}"]
        return timed([*submit(conf), *application, f"--date={DAY}"], self.environment, self.folder)

    def by_hand(self, out: Path) -> Timing:
        """Return a script that reads the raw file of `DAY`, counts its rows and writes them as Parquet."""
        script = self.folder / "by_hand.py"
        script.write_text(BY_HAND, encoding="utf-8")
        conf = load_pipeline(Home.from_environment(self.environment), self.name).spark.conf
        words = [str(script), str(self.raw(DAY)), str(out), self.schema]
        return timed([*submit(conf), *words], self.environment, self.folder)


def wide(folder: Path, columns: int, cells: int, dates: int = 3) -> Reading:
    """Return some dates of so many cells each in so many columns, of every type in turn."""
    kinds = [KINDS[place % len(KINDS)] for place in range(columns - 1)]
    names = [f"c{place}" for place in range(columns - 1)]
    schema = ", ".join(f"{name} {kind}" for name, kind in zip(["id", *names], ["INT", *kinds], strict=True))
    home = Reading(folder, f"wide_{columns}", schema, "c0", dates)
    random = np.random.default_rng(columns)
    for day in home.dates:
        numbers = random.integers(0, 1_000, (cells // columns, columns - 1))
        with home.raw(day).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", *names])
            for row, values in enumerate(numbers):
                written = (_written(kind, value) for kind, value in zip(kinds, values, strict=True))
                writer.writerow([row, *written])
    return home


def long(folder: Path, rows: int) -> Reading:
    """One date of so many rows in twelve columns, one file."""
    home = Reading(folder, "long", LONG, "weight", 1, large=True)
    with home.raw(DAY).open("w", encoding="utf-8") as file:
        for first in range(0, rows, BLOCK):
            block = _orders(first, min(BLOCK, rows - first))
            block.to_csv(file, index=False, header=first == 0)
    return home


def _written(kind: str, value: int) -> str:
    return f"{value / 8}" if kind == "DOUBLE" else str(value) if kind == "INT" else f"word{value % 50}"


def _orders(first: int, count: int) -> pd.DataFrame:
    random = np.random.default_rng(first)
    seconds = random.integers(0, 86_400, count)
    midnight = np.datetime64(DAY, "s")
    words = np.array(["left at the door", 'said "later"', "none, thanks", "wie bestellt, Köln", ""])
    return pd.DataFrame(
        {
            "id": np.arange(first, first + count),
            "at": np.datetime_as_string(midnight + seconds),
            "due": np.datetime_as_string(midnight.astype("datetime64[D]") + random.integers(1, 30, count)),
            "shop": np.char.add("shop ", random.integers(0, 500, count).astype(str)),
            "note": words[random.integers(0, len(words), count)],
            "amount": [f"{cents / 100:.2f}" for cents in random.integers(100, 1_000_000, count)],
            "paid": np.where(random.integers(0, 10, count) > 0, "true", "false"),
            "items": random.integers(1, 20, count),
            "discount": random.integers(0, 50, count),
            "weight": random.random(count).round(4),
            "width": random.random(count).round(4),
            "height": random.normal(0, 1, count).round(6),
        }
    )


def main() -> None:
    """`python -m benchmarks.reading FOLDER ROWS`: one run of each, to see what a change does."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    home = long(folder, rows)
    sys.stdout.write(f"{home.by_hand(folder / 'out')}\n{home.snapshot()}\n")


if __name__ == "__main__":
    main()
