"""What a plan says is what the backfill then does: the artifacts, the failures, who is held against whom."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import loads_well, rows_of
from vintage.flow.planner import plan
from vintage.jobs.backfill import backfill
from vintage.registry import ledger
from vintage.report.summary import summarise
from vintage.spec import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team
    from vintage.flow.plan import Action, Plan

pytestmark = [pytest.mark.spark, pytest.mark.long]

MARCH = {number: date(2024, 3, number) for number in range(1, 9)}
Artifacts = set[tuple[str, str]]


def planned(team: Team, first: date, last: date) -> Plan:
    return plan(team.home, load_pipeline(team.home, team.name), first, last)


def named(found: Plan, *actions: Action) -> Artifacts:
    """Kind and date of the steps of a plan that come to one of these actions."""
    return {(step.kind, step.date) for run in found.runs for step in run.steps if step.action in actions}


def published(team: Team) -> set[tuple[str, str, str]]:
    """Kind, date and key of what is visible."""
    paths = team.store.folder.glob("*/date=*/[!.]*/manifest.json")
    return {(path.parts[-4], path.parts[-3].removeprefix("date="), path.parts[-2]) for path in paths}


def backfilled(team: Team, found: Plan) -> tuple[Artifacts, dict[str, str]]:
    """Does what was planned; what was published for which date, and why which dates failed."""
    before = published(team)
    dates = [date.fromisoformat(run.date) for run in found.runs]
    spec = load_pipeline(team.home, team.name)
    failed = {
        each.date: each.error
        for each in backfill(team.home, spec, dates, spark=team.provider, load=loads_well)
        if each.exit_code
    }
    return {(kind, day) for kind, day, _ in published(team) - before}, failed


@pytest.fixture(scope="module")
def team(new_team: Callable[[], Team]) -> Team:
    """March 4 was run. Then 3 was delivered anew, the YAML changed, 5 is a gap, 6 and 7 are new."""
    team = new_team()
    team.edit("min: 0.5}]", "min: 0.0}, {metric: logLoss, vs_champion: -9}]")
    team.deliver(MARCH[1])
    team.run(day=MARCH[4])
    team.deliver(MARCH[3], rows_of(MARCH[3], 22))
    team.edit("regParam: 0.01", "regParam: 0.02")
    team.raw(MARCH[5]).unlink()
    team.deliver(MARCH[7])
    return team


def test_a_backfill_does_what_the_plan_said(team: Team) -> None:
    found = planned(team, MARCH[3], MARCH[7])
    new = {
        *((kind, str(MARCH[day])) for kind in ("snapshot", "validation", "features") for day in (6, 7)),
        *((kind, str(MARCH[day])) for kind in ("model", "evaluation") for day in (3, 4, 6, 7)),
    }
    restated = {(kind, str(MARCH[3])) for kind in ("snapshot", "validation", "features")}
    assert (named(found, "made"), named(found, "if_changed")) == (new, restated)
    assert [run.raw["source"].state for run in found.runs] == ["changed", "same", "absent", "new", "new"]
    assert found.raw_reads == 3
    whys = {why.reason for step in found.runs[1].of("model") for why in step.why}
    assert whys == {"spec", "data"}
    assert [why.what for step in found.runs[1].of("model") for why in step.why if why.reason == "spec"] == [
        "stages[3].params.regParam"
    ]
    assert {run.date for run in found.runs if run.fails} == {str(MARCH[5])}
    possible = {run.date for run in found.runs if run.champion and run.champion.possible}
    assert possible == {str(MARCH[6]), str(MARCH[7])}, "the champion is of March 4"
    baselines = {run.date: run.baseline for run in found.runs if run.baseline}

    made, failed = backfilled(team, found)
    assert made == new | restated, "the rows of March 3 are others"
    assert failed == {run.date: run.fails for run in found.runs if run.fails}
    entries = ledger.read(team.store.ledger_path)[1:]
    assert {entry.date for entry in entries if entry.moves} == possible
    assert [entry.action for entry in entries] == ["registered", "registered", "promoted", "promoted"]
    for day, said in baselines.items():
        held = summarise(team.store, date.fromisoformat(day)).baseline
        assert (held and held["date"]) == (said.if_promoted or said.now)
    assert baselines[str(MARCH[7])].if_promoted == str(MARCH[6])
    assert baselines[str(MARCH[7])].now == str(MARCH[4])


def test_after_it_there_is_nothing_to_do(team: Team) -> None:
    found = planned(team, MARCH[6], MARCH[7])
    assert found.nothing_to_do
    assert named(found, "made", "if_changed") == set()
    assert backfilled(team, found) == (set(), {})
    assert found.seconds == (0.0, 0.0), "no run in Airflow tells how long a job takes to start"
    assert set(found.durations.seconds) == {"snapshot", "validation", "features", "model", "evaluation"}


def test_the_same_rows_delivered_again_are_read_and_nothing_is_made(team: Team) -> None:
    os.utime(team.raw(MARCH[6]))
    found = planned(team, MARCH[6], MARCH[7])
    assert not found.nothing_to_do
    assert named(found, "made") == set()
    assert named(found, "if_changed") == {
        *((kind, str(MARCH[6])) for kind in ("snapshot", "validation", "features")),
        # March 6 is tested on its own rows, and learns from those before them.
        ("model", str(MARCH[7])),
        *(("evaluation", str(MARCH[day])) for day in (6, 7)),
    }
    assert found.raw_reads == 1, "the second date finds what the first one read"
    assert found.seconds is not None
    assert 0 < found.seconds[0] < found.seconds[1]
    assert backfilled(team, found) == (set(), {})
    assert planned(team, MARCH[6], MARCH[7]).nothing_to_do
