"""A person is asked about a real evaluation, and what is answered holds for that one alone."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import loads_well
from tests.flow.test_cli import program
from vintage.errors import DataError
from vintage.jobs import approve, promote
from vintage.registry import ledger
from vintage.registry.people import os_user
from vintage.registry.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.long]

DAY = date(2024, 3, 6)
EVE = DAY - timedelta(days=1)
UNASKED = ("snapshot", "validate", "preprocess", "fit", "evaluate")


@pytest.fixture(scope="module")
def team(new_team: Callable[[], Team]) -> Team:
    """A night that waits for a person, with a gate against the champion."""
    team = new_team()
    gates = "gates: [{metric: areaUnderROC, min: 0.5}"
    team.edit(f"{gates}]", f"{gates}, {{metric: areaUnderROC, vs_champion: -1.0}}]\npromote: approve")
    team.run()
    return team


def serves(team: Team) -> str | None:
    champion = Tracking.of(team.home).champion(team.name)
    return champion.date if champion else None


def test_an_evaluation_waits_for_a_person_and_the_answer_for_what_it_was_about(team: Team) -> None:
    # `vintage run` asks nobody.
    [waits] = ledger.read(team.store.ledger_path)
    assert (waits.action, serves(team)) == ("registered", None)
    asked_of_day = approve.run(team.job())
    assert (asked_of_day.why_not, asked_of_day.evaluation) == ("", waits.evaluation_key)

    # The eve's model, whose question was open too, is approved first.
    team.run(*UNASKED, day=EVE)
    file = team.home.path / "question.json"
    asked = approve.run(team.job(EVE), question=str(file))
    assert json.loads(file.read_text(encoding="utf-8")) == asked.model_dump()
    assert "| `areaUnderROC >= 0.5` |" in asked.text
    assert "No model serves yet" in asked.text
    assert f"reports/date={EVE}/{asked.evaluation}/report.html" in asked.text
    entry = promote.run(team.job(EVE), approved_by="ada", asked_about=asked.evaluation, load=loads_well)
    assert (entry.action, entry.approved_by, serves(team)) == ("promoted", "ada", str(EVE))
    assert approve.run(team.job(EVE)).why_not == "it already serves"

    # So the day's has another baseline than the person read of.
    with pytest.raises(DataError, match="another baseline"):
        promote.run(team.job(), approved_by="ada", asked_about=asked_of_day.evaluation, load=loads_well)
    team.run("evaluate")
    anew = approve.run(team.job())
    assert anew.why_not == ""
    assert f"champion of {EVE}" in anew.text
    with pytest.raises(DataError, match="was evaluated anew after a person was asked"):
        promote.run(team.job(), approved_by="ada", asked_about=asked_of_day.evaluation, load=loads_well)

    entry = promote.run(team.job(), rejected_by="bo", asked_about=anew.evaluation, load=loads_well)
    assert (entry.told, serves(team)) == ("rejected by bo", str(EVE))
    assert approve.run(team.job()).why_not == "bo rejected it before"
    lines = ledger.read(team.store.ledger_path)
    team.run()
    assert ledger.read(team.store.ledger_path) == lines

    # A person's later word counts, and who gives the command is that person.
    entry = promote.run(team.job(), approved_by="ada", load=loads_well)
    assert (entry.action, serves(team)) == ("promoted", str(DAY))
    ended = program(team, "-m", "vintage", "promote", team.name, "--date", str(EVE))
    told = f"version {entry.champion_before} of {team.name} for {EVE}: registered approved by {os_user()}"
    assert ended.stdout.splitlines()[:1] == [told], ended.stderr
