"""A home with one small pipeline, and Airflow's Dag bag over it."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

# Airflow reads these when it is first imported.
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="vintage-airflow-"))

CHECKOUT = Path(__file__).resolve().parents[2]
RUN_AFTER = dt.datetime(2024, 3, 2, 2, tzinfo=dt.UTC)
"""When the schedule runs the date 2024-03-01."""

PIPELINE = """\
name: tiny
description: Is y above the line?
owner: ops-ml
schedule: "0 2 * * *"
start_date: 2024-01-01
source:
  format: csv
  path: data/raw/tiny/date={date}
  options: {header: "true"}
  schema: "id INT, x DOUBLE, label DOUBLE"
expectations: tiny
window: {days: 3, min_days: 1}
preprocess:
  sql: SELECT id, x, label FROM source
  key: [id]
split: {by: key, test_fraction: 0.3}
task: classification
stages:
  - VectorAssembler: {inputCols: [x], outputCol: features}
  - LogisticRegression: {maxIter: 5, regParam: 0.01, fitIntercept: true, family: binomial}
evaluate:
  metric: areaUnderROC
  gates: [{metric: areaUnderROC, min: 0.5}]
trigger_params:
  - LogisticRegression.regParam
  - LogisticRegression.maxIter
  - LogisticRegression.fitIntercept
  - LogisticRegression.family
  - LogisticRegression.elasticNetParam
"""

SUITE = """\
description: Rows with an x.
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: x}, severity: critical}
"""


FILES = """\
  format: csv
  path: data/raw/tiny/date={date}
  options: {header: "true"}
"""
DATABASE = """\
  format: jdbc
  connection: warehouse
  table: days
  date_column: day
"""


def from_database(text: str) -> str:
    """A file of the pipeline with another source: a table of a database, whose rows have dates."""
    assert FILES in text
    return text.replace(FILES, DATABASE).replace("label DOUBLE", "label DOUBLE, day DATE")


def write_home(home: Path) -> Path:
    """A home that holds the pipeline `tiny` and its suite."""
    for folder, text in {"pipelines": PIPELINE, "expectations": SUITE}.items():
        (home / folder).mkdir(parents=True)
        (home / folder / "tiny.yaml").write_text(textwrap.dedent(text))
    return home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home that the Dag files of this test read."""
    path = write_home(tmp_path / "home")
    monkeypatch.setenv("VINTAGE_HOME", str(path))
    return path


def load_dags() -> DagBag:
    """The Dags of dags/ as Airflow loads them."""
    from airflow.dag_processing.dagbag import DagBag

    with warnings.catch_warnings():
        # Airflow's own reading of .airflowignore.
        warnings.filterwarnings("ignore", "GitWildMatchPattern", DeprecationWarning)
        return DagBag(CHECKOUT / "dags")


@pytest.fixture
def dag(home: Path) -> DAG:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["retrain_tiny"]
