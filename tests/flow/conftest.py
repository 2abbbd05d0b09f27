"""A small pipeline of one's own, in a home of its own, run by the real jobs in the suite's session."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from vintage.flow import fit, preprocess, snapshot, validate
from vintage.flow.job import Job, open_job
from vintage.jobs import evaluate, promote
from vintage.registry import ledger
from vintage.registry.loadability import Loaded
from vintage.session import SparkProvider
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

DAY = date(2024, 3, 6)


def loads_well(_: object) -> Loaded:
    """What a model that may serve gives when it is loaded.

    The evaluation has loaded it in the suite's session. A process of its own takes more seconds than all the
    other steps; test_loadability and test_nights have it do so.
    """
    return Loaded(ways=("PipelineModel.transform",), rows=1)


def promoted(job: Job) -> ledger.Entry:
    """What the job does, but for how the model is loaded."""
    return promote.run(job, load=loads_well)


STEPS = {
    "snapshot": snapshot.run,
    "validate": validate.run,
    "preprocess": preprocess.run,
    "fit": fit.run,
    "evaluate": evaluate.run,
    "promote": promoted,
}

PIPELINE = """
name: {name}
schedule: "0 2 * * *"
start_date: 2024-02-28
source:
  format: csv
  path: raw/date={{date}}
  options: {{header: true}}
  schema: "id INT, colour STRING, size DOUBLE, seen TIMESTAMP, late INT"
expectations: things
window: {{days: 4, min_days: 3}}
preprocess:
  sql: SELECT id, seen, colour, size, late FROM source
  key: [id, seen]
  label: CAST(late AS DOUBLE)
  train_where: late IS NOT NULL
split: {{by: date, test_days: 1}}
task: classification
stages:
  - Imputer: {{inputCols: [size], outputCols: [size_filled]}}
  - StringIndexer: {{inputCol: colour, outputCol: colour_ix, handleInvalid: keep}}
  - VectorAssembler: {{inputCols: [size_filled, colour_ix], outputCol: features}}
  - LogisticRegression: {{maxIter: 5, regParam: 0.01}}
evaluate:
  metric: areaUnderROC
  gates: [{{metric: areaUnderROC, min: 0.5}}]
trigger_params: [LogisticRegression.regParam]
"""

SUITE = """
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: id}, severity: critical}
  - type: expect_column_values_to_be_in_set
    kwargs: {column: colour, value_set: [red, blue]}
  - {type: expect_column_values_to_be_between, kwargs: {column: size, max_value: 50}, severity: warning}
"""

HEADER = "id,colour,size,seen,late"


def rows_of(day: date, count: int = 24) -> list[str]:
    """Lines of a day: the larger, the later; one row without a label."""
    lines = []
    for number in range(count):
        size = number % 12 + day.day % 3
        late = "" if number == 7 else int(size + number % 5 > 8)
        lines.append(f"{number},{('red', 'blue')[number % 2]},{size},{day}T{number % 24:02}:00:00Z,{late}")
    return lines


@dataclass(frozen=True)
class Team:
    """A team's home with one pipeline."""

    home: Home
    name: str
    provider: SparkProvider

    @property
    def store(self) -> Store:
        return Store(self.home.store, self.name)

    def raw(self, day: date) -> Path:
        return self.home.path / "raw" / f"date={day}" / "things.csv"

    def deliver(self, day: date, lines: Iterable[str] | None = None, *, header: str = HEADER) -> Path:
        """Writes a day's raw file, as rows_of makes it unless other lines are given."""
        path = self.raw(day)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "\n".join([header, *(rows_of(day) if lines is None else lines)]) + "\n", encoding="utf-8"
        )
        return path

    def deliver_days(self) -> None:
        """Writes the raw files of DAY and the four days before it."""
        for back in range(5):
            self.deliver(DAY - timedelta(days=back))

    def edit(self, old: str, new: str, *, file: str = "pipelines") -> None:
        """Changes the pipeline's YAML, or the suite's."""
        path = self.home.path / file / (f"{self.name}.yaml" if file == "pipelines" else "things.yaml")
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def job(self, day: date | str = DAY, overrides: Iterable[str] = ()) -> Job:
        return open_job(self.home, self.name, str(day), tuple(overrides), spark=self.provider)

    def run(self, *steps: str, day: date | str = DAY, overrides: Iterable[str] = ()) -> object:
        """Runs steps one after the other, all six when none is named; gives what the last one gave."""
        result: object = None
        for step in steps or STEPS:
            result = STEPS[step](self.job(day, overrides))
        return result

    def published(self) -> dict[str, int]:
        """Kind → how many artifacts of it are visible."""
        kinds = ("snapshot", "validation", "features", "model", "evaluation")
        return {
            kind: len(list((self.store.folder / kind).glob("date=*/[!.]*/manifest.json"))) for kind in kinds
        }

    def leftovers(self) -> list[Path]:
        """Attempts that were not cleaned away."""
        return list(self.store.folder.rglob(".attempt-*"))


def written_home(path: Path, name: str) -> str:
    """Writes a pipeline of a name, and its suite; gives the name."""
    for folder, file, text in (
        ("pipelines", name, PIPELINE.format(name=name)),
        ("expectations", "things", SUITE),
    ):
        (path / folder).mkdir(parents=True)
        (path / folder / f"{file}.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    return name


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow database for the suite: to make one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(scope="session")
def names() -> itertools.count[int]:
    return itertools.count()


@pytest.fixture(scope="session")
def new_team(
    spark: SparkSession,
    tracking_uri: str,
    names: itertools.count[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Team]:
    """Makes a home with a pipeline of a new name and five days of raw data up to DAY."""

    def make() -> Team:
        path = tmp_path_factory.mktemp("home")
        name = written_home(path, f"things_{next(names)}")
        home = Home.from_environment({"VINTAGE_HOME": str(path), "MLFLOW_TRACKING_URI": tracking_uri})
        team = Team(home, name, SparkProvider.of(spark))
        team.deliver_days()
        return team

    return make


@pytest.fixture
def team(new_team: Callable[[], Team]) -> Team:
    """A home nobody has run anything in."""
    return new_team()


@pytest.fixture(scope="module")
def done(new_team: Callable[[], Team]) -> Team:
    """A home where DAY was run; tests that share it do not change it."""
    team = new_team()
    team.run()
    return team
