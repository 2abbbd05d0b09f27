"""A tuned pipeline end to end: the winner is fitted, kept with all candidates, found again and reused."""

from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from vintage.cli.summary_view import show
from vintage.registry.tracking import Tracking
from vintage.report.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
REG = "LogisticRegression.regParam"
# The winner is the last; the first two fail, for a VectorAssembler takes no text.
TUNING = """\
tuning:
  method: cross_validation
  folds: 2
  metric: logLoss
  grid:
    VectorAssembler.inputCols: [[size_filled, colour], [size_filled, colour_ix]]
    LogisticRegression.regParam: [100.0, 0.001]
evaluate:"""


def tunings(team: Team) -> list[Path]:
    return sorted((team.store.folder / "tuning").glob("date=*/[!.]*/manifest.json"))


@pytest.fixture(scope="module")
def tuned(new_team: Callable[[], Team]) -> Team:
    """A home where a tuned DAY was run; tests that share it do not change it."""
    team = new_team()
    team.edit("evaluate:", TUNING)
    team.run()
    return team


def test_the_winner_is_fitted_and_saved_with_all_candidates(tuned: Team) -> None:
    from pyspark.ml import Pipeline, PipelineModel

    model = tuned.store.current("model", DAY)
    assert model is not None
    kept = json.loads((model.data / "tuning.json").read_text())
    assert kept["winner"]["params"] == {
        "VectorAssembler.inputCols": ["size_filled", "colour_ix"],
        REG: 0.001,
    }
    assert [each["params"][REG] for each in kept["candidates"]] == [100.0, 0.001] * 2
    means = [each["mean"] for each in kept["candidates"]]
    assert means[:2] == [None, None]
    assert means[3] < means[2]
    assert all("string of column colour" in each["error"] for each in kept["candidates"][:2])
    assert all(len(each["metrics"]) == 2 for each in kept["candidates"][2:])
    assert model.manifest.details.as_json()["tuning"] == kept
    assert model.manifest.details.params[f"3.{REG}"] == "0.001"
    assert Pipeline.load(f"file://{model.data / 'pipeline'}").getStages()[3].getRegParam() == 0.001
    saved = PipelineModel.load(f"file://{model.data / 'model' / 'sparkml'}")
    assert saved.stages[3].getOrDefault("regParam") == 0.001


def test_the_candidates_are_runs_under_the_model_s(tuned: Team) -> None:
    from mlflow import MlflowClient

    summary = summarise(tuned.store, DAY)
    client = MlflowClient(tuned.home.tracking_uri)
    parent = client.get_run(str(summary.mlflow.run_id))
    assert parent.data.params[f"3.{REG}"] == "0.001"
    assert parent.data.tags["vintage.tuning_key"] == summary.keys["tuning"]
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    by_place = {int(run.data.tags["vintage.candidate"]): run for run in children}
    assert [by_place[place].info.status for place in range(4)] == ["FAILED"] * 2 + ["FINISHED"] * 2
    assert by_place[3].data.params[REG] == "0.001"
    assert set(by_place[3].data.metrics) == {"logLoss", "logLoss.part_1", "logLoss.part_2"}
    assert by_place[3].data.tags["vintage.won"] == "true"
    assert "string of column colour" in by_place[0].data.tags["vintage.error"]
    assert len(Tracking.of(tuned.home).versions(tuned.name)) == 1


def test_the_summary_tells_the_winner_and_the_candidates(tuned: Team) -> None:
    summary = summarise(tuned.store, DAY)
    assert summary.tuning is not None
    assert summary.tuning.date == DAY
    assert summary.lineage["tuning"] == {DAY: summary.keys["tuning"]}
    console = Console(record=True, width=200, file=None, quiet=False)
    with console.capture() as shown:
        show(summary, console)
    assert f"tuned on {DAY}" in shown.get()
    assert "mean logLoss" in shown.get()
    assert "failed:" in shown.get()


def test_the_same_run_again_makes_nothing(tuned: Team) -> None:
    before = {path: path.stat().st_mtime_ns for path in tuned.store.folder.rglob("*")}
    tuned.run()
    assert {path: path.stat().st_mtime_ns for path in tuned.store.folder.rglob("*")} == before
    assert len(tunings(tuned)) == 1


def test_a_param_set_by_hand_is_not_tuned(tuned: Team) -> None:
    before = summarise(tuned.store, DAY)
    tuned.run("fit", "evaluate", "promote", overrides=[f"{REG}=0.5"])
    model = tuned.store.current("model", DAY)
    assert model is not None
    # What is set is out of the grid; the rest is tuned.
    assert list(model.manifest.details.tuning.winner.params) == ["VectorAssembler.inputCols"]
    assert model.manifest.details.params[f"3.{REG}"] == "0.5"
    assert len(tunings(tuned)) == 2
    tuned.run("fit", "evaluate", "promote")
    assert summarise(tuned.store, DAY) == before


def model_of(team: Team, day: date) -> tuple[str, dict[date, str]]:
    """The key of a date's model, and date → key of its tuning."""
    model = team.store.current("model", day)
    assert model is not None
    return model.key, dict(model.manifest.ingredients.inputs["tuning"])


@pytest.mark.long
def test_between_refreshes_dates_share_a_tuning_in_whatever_order_they_run(
    new_team: Callable[[], Team],
) -> None:
    # From 2024-02-28 every second day: 2024-03-05 is one, DAY is not.
    refreshed = TUNING.replace("folds: 2", "folds: 2\n  refresh_days: 2")
    yesterday = DAY - timedelta(days=1)
    forth, back = new_team(), new_team()
    for team, order in ((forth, (yesterday, DAY)), (back, (DAY, yesterday))):
        team.edit("evaluate:", refreshed)
        for day in order:
            team.run("snapshot", "validate", "preprocess", "fit", day=day)
        [manifest] = tunings(team)
        assert manifest.parent.parent.name == f"date={yesterday}"
    for day in (yesterday, DAY):
        assert model_of(forth, day) == model_of(back, day)
        assert list(model_of(forth, day)[1]) == [yesterday]
    assert model_of(forth, DAY)[1] == model_of(forth, yesterday)[1]
    assert model_of(forth, DAY)[0] != model_of(forth, yesterday)[0]
    # The tuning learnt from the training side of its own date, and so from no row that DAY tests on.
    learnt = json.loads(tunings(forth)[0].read_text())["ingredients"]["inputs"]["features"]
    assert max(learnt) == str(yesterday - timedelta(days=1))


@pytest.mark.long
def test_a_refresh_date_with_too_few_days_is_replaced_by_the_run_s_own(
    team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    # From 2024-02-28 every fourth day: 2024-03-03, up to which two days have data, and min_days is 3.
    team.edit("evaluate:", TUNING.replace("folds: 2", "folds: 2\n  refresh_days: 4"))
    with caplog.at_level(logging.WARNING):
        team.run("snapshot", "validate", "preprocess", "fit")
    [manifest] = tunings(team)
    assert manifest.parent.parent.name == f"date={DAY}"
    assert (
        "2024-03-03 has too few dates with rows to be tuned on; 2024-03-06 is tuned on its own" in caplog.text
    )
