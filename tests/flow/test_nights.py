"""Eight nights, a backfill with corrected data, a late night, a rollback: who serves, who is the baseline."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import rows_of
from tests.flow.declared import declare
from vintage.registry import ledger
from vintage.registry.tracking import Tracking
from vintage.report.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.integration, pytest.mark.long]

FIRST = date(2024, 3, 1)
SOURCE = {
    "format": "csv",
    "path": "raw/date={date}",
    "options": {"header": True},
    "schema": "id INT, colour STRING, size DOUBLE, seen TIMESTAMP, late INT",
}
GATES = [{"metric": "areaUnderROC", "min": 0.5}, {"metric": "logLoss", "vs_champion": -5}]


def day(number: int) -> date:
    """Partition date of a night, counted from 1."""
    return FIRST + timedelta(days=number - 1)


class Nights:
    """A pipeline that learns from one day and is tested on the next, and what became of each night."""

    def __init__(self, team: Team) -> None:
        self.team = team
        declare(
            team,
            SOURCE,
            "SELECT id, CAST(size AS DOUBLE) AS size, late FROM source WHERE late IS NOT NULL",
            window={"days": 2, "min_days": 2},
            split={"by": "date", "test_days": 1},
            evaluate={"metric": "areaUnderROC", "gates": GATES},
        )
        for number in range(10):
            team.deliver(day(number))

    def run(self, number: int) -> ledger.Entry:
        entry = self.team.run(day=day(number))
        assert isinstance(entry, ledger.Entry)
        return entry

    def program(self, *words: str) -> str:
        """What `vintage` prints."""
        given = {"VINTAGE_HOME": str(self.team.home.path), "MLFLOW_TRACKING_URI": self.team.home.tracking_uri}
        ended = subprocess.run(
            [sys.executable, "-m", "vintage", *words],
            env={**os.environ, **given, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def baseline(self, number: int) -> str | None:
        """The date that the night's standing evaluation was held against."""
        found = summarise(self.team.store, day(number)).baseline
        return None if found is None else found["date"]

    @property
    def champion(self) -> tuple[int, str]:
        found = self.tracking.champion(self.team.name)
        assert found is not None
        return found.version, found.date

    @property
    def tracking(self) -> Tracking:
        return Tracking.of(self.team.home)

    @property
    def actions(self) -> list[tuple[str, int]]:
        return [(entry.action, entry.version) for entry in ledger.read(self.team.store.ledger_path)]


@pytest.fixture(scope="module")
def nights(new_team: Callable[[], Team]) -> Nights:
    """Nights 1 to 8, in order. The tests go on from there, one after the other."""
    made = Nights(new_team())
    for number in range(1, 9):
        made.run(number)
    return made


def test_each_night_is_held_against_the_one_before_and_serves(nights: Nights) -> None:
    assert nights.actions == [("promoted", number) for number in range(1, 9)]
    assert [nights.baseline(number) for number in range(1, 9)] == [
        None,
        *(str(day(number)) for number in range(1, 8)),
    ]
    assert nights.champion == (8, str(day(8)))
    assert [entry.champion_before for entry in ledger.read(nights.team.store.ledger_path)] == [
        None,
        *range(1, 8),
    ]


@pytest.mark.fault("a backfill of an older date", outcome="registered; the champion stays")
def test_a_backfill_with_corrected_data_registers_and_moves_nobody(nights: Nights) -> None:
    for number in (3, 4):
        nights.team.deliver(day(number), rows_of(day(number), 22))
    entries = [nights.run(number) for number in (3, 4)]
    # Night 3 learns from night 2, whose data stands: the model is the same and its evaluation is another.
    assert [(entry.action, entry.version) for entry in entries] == [
        ("registered", 3),
        ("registered", 9),
    ]
    for entry in entries:
        assert entry.reasons[-1].startswith(f"champion stays version 8 of {day(8)}")
    # Each is held against who served then, not against its own new neighbour, and never against a later one.
    assert [nights.baseline(number) for number in (3, 4)] == [str(day(number)) for number in (2, 3)]
    assert summarise(nights.team.store, day(4)).baseline is not None
    served = {entry.date: entry.model_key for entry in ledger.read(nights.team.store.ledger_path)[:8]}
    for number in (3, 4):
        found = summarise(nights.team.store, day(number)).baseline
        assert found is not None
        assert found["key"] == served[str(day(number - 1))]
    assert nights.champion == (8, str(day(8)))
    assert len(nights.tracking.versions(nights.team.name)) == 9


def test_a_late_night_changes_nothing_when_its_data_stands_and_registers_when_it_does_not(
    nights: Nights,
) -> None:
    before = nights.actions
    nights.run(6)
    assert nights.actions == before
    nights.team.deliver(day(5), rows_of(day(5), 22))
    entry = nights.run(6)
    assert (entry.action, entry.version) == ("registered", 10)
    assert nights.actions == [*before, ("registered", 10)]
    assert nights.baseline(6) == str(day(5))
    assert nights.champion == (8, str(day(8)))


def test_after_a_rollback_the_next_night_is_held_against_who_serves(nights: Nights) -> None:
    told = nights.program("rollback", nights.team.name, "--to", "6", "--why", "7 and 8 learnt from a strike")
    assert f"version 6 of {nights.team.name} for {day(6)}: rolled back by " in told
    entry = ledger.read(nights.team.store.ledger_path)[-1]
    assert (entry.action, entry.version, entry.champion_before) == ("rolled_back", 6, 8)
    assert (entry.why, bool(entry.by)) == ("7 and 8 learnt from a strike", True)
    assert entry.reasons[-1].endswith("give the 16 golden rows the same outputs, to the last bit")
    assert "7 and 8 learnt" in nights.program("history", nights.team.name)
    before = nights.actions
    again = nights.program("rollback", nights.team.name, "--to", "6", "--why", "said twice")
    assert f"version 6 of {nights.team.name} for {day(6)}: rolled back by " in again
    assert "it already serves; nothing has changed" in again
    assert nights.actions == before
    # The night that was rolled back runs again: its evaluation is found, and nobody is moved.
    nights.run(8)
    assert nights.actions == before
    assert (nights.champion, nights.baseline(8)) == ((6, str(day(6))), str(day(7)))
    last = nights.run(9)
    assert (last.action, last.version, last.champion_before) == ("promoted", 11, 6)
    assert nights.baseline(9) == str(day(6))
