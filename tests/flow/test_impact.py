"""Raw data is restated under a real run: it is noticed, told row by row, retrained, and then told no more."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.flow.conftest import rows_of
from vintage.cli import store as cli_store
from vintage.cli.main import app
from vintage.flow.impact import impact
from vintage.spec import load_pipeline

if TYPE_CHECKING:
    from tests.flow.conftest import Team
    from vintage.flow.restatement import Impact

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
CORRECTED = DAY - timedelta(days=2)


@pytest.fixture(autouse=True)
def result_of_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands' own logging would take the place of what pytest listens by."""
    monkeypatch.setattr(cli_store, "configure_logging", lambda: None)


def told(team: Team, day: date | None = None, *, rows: bool = False) -> Impact:
    pipeline = load_pipeline(team.home, team.name)
    return impact(pipeline, team.store, day=day, spark=team.provider if rows else None)


def correct(team: Team) -> None:
    """One row of another colour, one more, one less, and the rest in another order."""
    first, second, *rest = rows_of(CORRECTED)
    changed = first.replace("red", "blue")
    team.deliver(CORRECTED, [*reversed(rest), changed, second.replace("1,blue", "99,blue", 1)])


@pytest.mark.long
def test_a_restatement_from_delivery_to_retraining(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.run()
    assert (told(team).restated, told(team).pending, told(team).models) == ((), (), ())

    correct(team)
    before = told(team)
    [pending] = before.pending
    assert (pending.source, pending.date) == ("source", CORRECTED)
    assert pending.told.startswith("things.csv (")
    assert pending.told.endswith(" bytes) of another size")
    assert (before.restated, before.retrain) == ((), (DAY,))
    [model] = before.models
    assert {(use.role, use.date, use.state) for use in model.uses} == {("learnt", CORRECTED, "pending")}
    assert model.champion == "serves"

    team.run("snapshot")
    during = told(team, rows=True)
    assert during.pending == ()
    [restated] = during.restated
    [change] = restated.changes
    assert (change.by, change.added, change.removed, change.changed) == (("id", "seen"), 1, 1, 1)
    [example] = change.examples
    assert (example.key["id"], example.values) == ("0", {"colour": ("red", "blue")})
    assert [(each.key, each.retrain) for each in during.models] == [(model.key, True)]
    assert during.commands == (f"vintage run {team.name} --date {DAY}",)
    assert told(team, DAY).restated == ()

    monkeypatch.setenv("VINTAGE_HOME", str(team.home.path))
    shown = CliRunner().invoke(app, ["impact", team.name, "--date", str(CORRECTED), "--no-rows", "--json"])
    assert shown.exit_code == 0, shown.output
    answer = json.loads(shown.stdout)
    assert answer == json.loads(told(team, CORRECTED).model_dump_json())

    team.run("validate", "preprocess", "fit", "evaluate")
    after = told(team)
    assert len(after.restated) == 1
    assert [(each.key, each.stands, each.retrain) for each in after.models] == [(model.key, False, False)]
    # What serves learnt from the old rows until a later date is promoted.
    assert after.models[0].champion == "serves"
    assert after.retrain == ()


def test_gc_keeps_all_of_a_night_and_takes_what_a_killed_job_left(
    done: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(done.home.path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", done.home.tracking_uri)
    orphan = done.store.folder / "features" / f"date={DAY}" / ".attempt-killed"
    orphan.mkdir()
    os.utime(orphan, (0, 0))
    before = done.published()
    dry = CliRunner().invoke(app, ["gc", done.name, "--older-than", "1d", "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.output
    [pipeline] = json.loads(dry.stdout)["pipelines"]
    assert [each["path"] for each in pipeline["swept"]] == [
        f"{done.name}/features/date={DAY}/.attempt-killed"
    ]
    assert pipeline["kept"] == sum(before.values())
    assert orphan.exists()
    real = CliRunner().invoke(app, ["gc", done.name])
    assert real.exit_code == 0, real.output
    assert "1 deleted" in real.stdout
    assert not orphan.exists()
    assert done.published() == before
