"""Whole processes: killed at any moment and run again, or two at once, they leave one right result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from vintage.cli.main import app
from vintage.registry import ledger
from vintage.registry.tracking import Tracking

if TYPE_CHECKING:
    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.integration]

DAY = date(2024, 3, 6)
WHOLE = {"snapshot": 4, "validation": 4, "features": 4, "model": 1, "evaluation": 1}


def start(team: Team, command: str = "run") -> subprocess.Popen[str]:
    given = {"VINTAGE_HOME": str(team.home.path), "MLFLOW_TRACKING_URI": team.home.tracking_uri}
    return subprocess.Popen(
        [sys.executable, "-m", "vintage", command, team.name, "--date", str(DAY)],
        env={**os.environ, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_at(team: Team, words: str, command: str = "run") -> None:
    """Runs until the log says the words, then kills the whole family outright."""
    process = start(team, command)
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stderr.close()
    assert process.wait(timeout=60) == -signal.SIGKILL, "".join(seen[-20:])


def assert_nothing_is_half_there(team: Team) -> None:
    """What a reader can see is whole; an attempt's own folder (`.attempt-…`) is nobody's to see."""
    for kind in WHOLE:
        for manifest in (team.store.folder / kind).glob("date=*/[!.]*/manifest.json"):
            day = date.fromisoformat(manifest.parent.parent.name.removeprefix("date="))
            found = team.store.find(kind, day, manifest.parent.name)
            assert found is not None
            found.check_files()
        for day in team.store.dates(kind):
            assert team.store.current(kind, day) is not None


def assert_one_champion(team: Team) -> None:
    tracking = Tracking.of(team.home)
    assert [version.version for version in tracking.versions(team.name)] == [1]
    champion = tracking.champion(team.name)
    assert champion is not None
    assert champion.date == str(DAY)
    assert [entry.action for entry in ledger.read(team.store.ledger_path)] == ["promoted"]


@pytest.mark.fault("SIGKILL of a run at any moment", outcome="the next run ends with the same artifacts")
def test_killed_at_any_moment_the_next_run_ends_right(team: Team) -> None:
    moments = ["snapshot 2024-03", "step 3 of 6", "step 4 of 6", "fitted on", "step 6 of 6"]
    for words in moments:
        kill_at(team, words)
        assert_nothing_is_half_there(team)
    last = start(team)
    _, told = last.communicate(timeout=600)
    assert last.returncode == 0, told
    assert_nothing_is_half_there(team)
    assert team.published() == WHOLE
    assert_one_champion(team)


@pytest.mark.fault("two runs of one date at once", outcome="one result")
def test_two_runs_of_one_date_at_once_give_one_result(team: Team) -> None:
    both = [start(team), start(team)]
    for process in both:
        _, told = process.communicate(timeout=600)
        assert process.returncode == 0, told
    assert team.published() == WHOLE
    assert team.leftovers() == []
    assert_one_champion(team)


@pytest.mark.fault("SIGKILL of a reproduction", outcome="the store is as it was; it is done again")
def test_a_killed_reproduction_harms_nothing_and_is_done_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.run()
    before = {path: path.stat().st_mtime_ns for path in team.store.root.rglob("*") if path.is_file()}
    kill_at(team, "step 5 of 5", "reproduce")
    [left] = team.store.folder.glob(".attempt-reproduce-*")
    assert team.published() == WHOLE

    again = start(team, "reproduce")
    _, told = again.communicate(timeout=600)
    assert again.returncode == 0, told
    # What the killed one left is swept a day later.
    for path in (left, *left.rglob("*")):
        os.utime(path, (0, 0))
    monkeypatch.setenv("VINTAGE_HOME", str(team.home.path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.home.tracking_uri)
    assert CliRunner().invoke(app, ["gc", team.name]).exit_code == 0
    after = {path: path.stat().st_mtime_ns for path in team.store.root.rglob("*") if path.is_file()}
    assert after == before
