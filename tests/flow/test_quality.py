"""A date's predictions are measured once its labels are there, and what serves now on the same rows."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.flow.conftest import DAY, rows_of
from vintage.cli.main import app
from vintage.errors import NothingServes, StoreError
from vintage.flow import quality, score
from vintage.lineage.checking import check
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

NEXT = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def scored(new_team: Callable[[], Team]) -> Team:
    """A team whose model of DAY has scored the day after, when that had no labels."""
    team = new_team()
    team.edit("window: {days: 4, min_days: 3}", "window: {days: 2, min_days: 1}")
    team.edit("metric: areaUnderROC\n", "metric: areaUnderROC\n  slices: [colour]\n")
    team.run()
    team.deliver(NEXT, [line.rsplit(",", 1)[0] + "," for line in rows_of(NEXT)])
    score.run(team.job(NEXT))
    return team


@pytest.mark.fault(
    "labels that come late, twice, changed, or never", outcome="counted; measured without them"
)
def test_labels_come_one_by_one(scored: Team, caplog: pytest.LogCaptureFixture) -> None:
    lines = rows_of(NEXT)
    nothing = quality.run(scored.job(NEXT))
    assert nothing.state == "unlabelled"
    told = nothing.found.counts.model_dump()
    assert {name: rows for name, rows in told.items() if rows} == {"predictions": 24, "unlabelled": 24}
    assert nothing.found.predicted is None

    # Half of the labels.
    half = [line if number < 12 else line.rsplit(",", 1)[0] + "," for number, line in enumerate(lines)]
    scored.deliver(NEXT, half)
    with caplog.at_level(logging.WARNING):
        found = quality.run(scored.job(NEXT)).found
    counts = found.counts
    assert (counts.measured, counts.unlabelled, counts.came, counts.changed) == (11, 13, 11, 0)
    assert "13 of 24 predictions have no label, though labels are due" in caplog.text
    assert found.predicted.found.rows["test"] == 11

    # All of them; one is another than before, one row has gone, one comes twice, one is new.
    flipped = lines[0][:-1] + ("0" if lines[0][-1] == "1" else "1")
    extra = f"99,red,1,{NEXT}T00:00:00Z,0"
    scored.deliver(NEXT, [flipped, *lines[2:], lines[5], extra])
    made = quality.run(scored.job(NEXT))
    counts = made.found.counts
    assert (counts.without_row, counts.of_several_rows, counts.unlabelled) == (1, 1, 1)
    assert (counts.measured, counts.unscored, counts.changed, counts.came) == (21, 1, 1, 12)
    assert set(made.warnings) >= {"1 of 24 predictions have another label than at the earlier look"}

    # What is looked at again is found, and still knows what it was compared with.
    again = quality.run(scored.job(NEXT))
    assert again.model_dump_json() == made.model_dump_json()
    assert check(scored.store).broken == []


def test_it_is_the_evaluation_of_the_same_rows(scored: Team) -> None:
    """The model's own holdout, scored as a date: the metric, its interval and slices are the evaluation's."""
    score.run(scored.job(DAY))
    found = quality.run(scored.job(DAY)).found
    evaluation = EvaluationDetails.of(scored.store.current("evaluation", DAY))
    assert found.predicted.found.metrics == evaluation.metrics == found.predicted.holdout
    assert found.predicted.found.intervals == evaluation.intervals
    assert found.predicted.found.slices == evaluation.slices
    assert found.predicted.found.details["calibration"] == evaluation.details["calibration"]
    assert found.predicted.found.decision == evaluation.decision
    assert (found.serving, found.incomparable) == (None, "")


def test_what_serves_now_is_measured_beside_it(scored: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    scored.deliver(NEXT)
    scored.run(day=NEXT)
    first = quality.run(scored.job(NEXT)).found
    assert (first.predicted.version, first.serving.version) == (1, 2)
    # What serves now was tested on these rows.
    evaluation = EvaluationDetails.of(scored.store.current("evaluation", NEXT))
    assert first.serving.found.metrics == evaluation.metrics == first.serving.holdout
    assert first.predicted.holdout != first.serving.holdout

    before = DAY - timedelta(days=1)
    score.run(scored.job(before))
    for day in (before, DAY):
        quality.run(scored.job(day))

    monkeypatch.setenv("VINTAGE_HOME", str(scored.home.path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scored.home.tracking_uri)
    # It finds all of it by its keys, and so opens no Spark of its own.
    words = ["quality", scored.name, "--from", str(before), "--to", str(NEXT + timedelta(days=1))]
    shown = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    told = json.loads(shown.stdout)["dates"]
    assert [each["state"] for each in told] == [*["measured"] * 3, "not_scored"]
    assert [each["found"]["predicted"]["version"] for each in told[:3]] == [2, 1, 1]
    text = CliRunner().invoke(app, words, catch_exceptions=False, env={"COLUMNS": "100"}).stdout
    assert "no version has scored it" in text

    def nobody(*_: object) -> None:
        raise NothingServes("nobody serves")

    monkeypatch.setattr(quality, "find_scorer", nobody)
    alone = quality.run(scored.job(NEXT)).found
    assert (alone.predicted, alone.serving) == (first.predicted, None)

    points = scored_points(scored, "quality/areaUnderROC")
    assert (NEXT - DAY).days in points


def scored_points(team: Team, metric: str) -> dict[int, float]:
    """Step → value of a metric of the run `history`."""
    from mlflow import MlflowClient

    client = MlflowClient(team.home.tracking_uri)
    experiment = client.get_experiment_by_name(team.name)
    [run] = client.search_runs([experiment.experiment_id], "tags.`vintage.kind` = 'history'")
    return {each.step: each.value for each in client.get_metric_history(run.info.run_id, metric)}


@pytest.mark.fault("a damaged artifact of predictions", outcome="exit 4 that names the file")
def test_damaged_predictions_are_told(scored: Team) -> None:
    day = DAY - timedelta(days=1)
    made = score.run(scored.job(day), version="1")
    [file] = made.place.glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match="is damaged") as raised:
        quality.run(scored.job(day))
    assert raised.value.exit_code == 4
    assert str(file) in str(raised.value)


def test_before_labels_are_due_it_says_so(scored: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    scored.edit("trigger_params:", "monitor: {label_after: 3650}\ntrigger_params:")
    try:
        told = quality.run(scored.job(DAY))
    finally:
        scored.edit("monitor: {label_after: 3650}\n", "")
    assert (told.state, told.key) == ("not_due", None)
    assert told.why == f"its labels are available from {date.fromordinal(DAY.toordinal() + 3650)} on"


def test_a_model_without_a_label_has_no_such_quality(scored: Team) -> None:
    job = scored.job(DAY)
    told = quality.run(replace(job, pipeline=job.pipeline.model_copy(update={"task": "clustering"})))
    assert (told.state, told.found) == ("no_label", None)
    assert told.why.startswith("a clustering model has no label")
