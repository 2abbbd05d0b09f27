"""Ten nights, a backfill with corrected data, a late night, a rollback: who serves, who is the baseline."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from spark_jobs.registry import ledger
from spark_jobs.registry.tracking import Tracking
from spark_jobs.report.summary import summarise
from tests.flow.conftest import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.long]

FIRST = date(2024, 3, 1)


def day(number: int) -> date:
    """Partition date of a night, counted from 1."""
    return FIRST + timedelta(days=number - 1)


class Nights:
    """A pipeline that learns from one day and is tested on the next, and what became of each night."""

    def __init__(self, team: Team) -> None:
        self.team = team
        team.edit("window: {days: 4, min_days: 3}", "window: {days: 2, min_days: 2}")
        team.edit(
            "gates: [{metric: areaUnderROC, min: 0.5}]",
            "gates: [{metric: areaUnderROC, min: 0.5}, {metric: logLoss, vs_champion: -5}]",
        )
        for number in range(12):
            team.deliver(day(number))

    def run(self, number: int) -> ledger.Entry:
        entry = self.team.run(day=day(number))
        assert isinstance(entry, ledger.Entry)
        return entry

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
        return Tracking(self.team.home.tracking_uri, self.team.home.mlflow_artifacts)

    @property
    def actions(self) -> list[tuple[str, int]]:
        return [(entry.action, entry.version) for entry in ledger.read(self.team.store.ledger_path)]


@pytest.fixture(scope="module")
def nights(new_team: Callable[[], Team]) -> Nights:
    """Nights 1 to 10, in order. The tests go on from there, one after the other."""
    made = Nights(new_team())
    for number in range(1, 11):
        made.run(number)
    return made


def test_each_night_is_held_against_the_one_before_and_serves(nights: Nights) -> None:
    assert nights.actions == [("promoted", number) for number in range(1, 11)]
    assert [nights.baseline(number) for number in range(1, 11)] == [
        None,
        *(str(day(number)) for number in range(1, 10)),
    ]
    assert nights.champion == (10, str(day(10)))
    assert [entry.champion_before for entry in ledger.read(nights.team.store.ledger_path)] == [
        None,
        *range(1, 10),
    ]


def test_a_backfill_with_corrected_data_registers_and_moves_nobody(nights: Nights) -> None:
    for number in (3, 4, 5):
        lines = [line.replace(",red,", ",blue,") for line in rows_of(day(number))]
        nights.team.deliver(day(number), lines)
    entries = [nights.run(number) for number in (3, 4, 5)]
    # Night 3 learns from night 2, whose data stands: the model is the same and its evaluation is another.
    assert [(entry.action, entry.version) for entry in entries] == [
        ("registered", 3),
        ("registered", 11),
        ("registered", 12),
    ]
    for entry in entries:
        assert entry.reasons[-1].startswith(f"champion stays version 10 of {day(10)}")
    # Each is held against who served then, not against its own new neighbour, and never against a later one.
    assert [nights.baseline(number) for number in (3, 4, 5)] == [str(day(number)) for number in (2, 3, 4)]
    assert summarise(nights.team.store, day(4)).baseline is not None
    served = {entry.date: entry.model_key for entry in ledger.read(nights.team.store.ledger_path)[:10]}
    for number in (3, 4, 5):
        found = summarise(nights.team.store, day(number)).baseline
        assert found is not None
        assert found["key"] == served[str(day(number - 1))]
    assert nights.champion == (10, str(day(10)))
    assert len(nights.tracking.versions(nights.team.name)) == 12


def test_a_late_night_changes_nothing_when_its_data_stands_and_registers_when_it_does_not(
    nights: Nights,
) -> None:
    before = nights.actions
    nights.run(8)
    assert nights.actions == before
    lines = [line.replace(",blue,", ",red,") for line in rows_of(day(7))]
    nights.team.deliver(day(7), lines)
    entry = nights.run(8)
    assert (entry.action, entry.version) == ("registered", 13)
    assert nights.actions == [*before, ("registered", 13)]
    assert nights.baseline(8) == str(day(7))
    assert nights.champion == (10, str(day(10)))


def test_after_a_rollback_the_next_night_is_held_against_who_serves(nights: Nights) -> None:
    from spark_jobs.registry import intervention
    from spark_jobs.registry.loadability import Loaded, load_here, loading_of

    store, home = nights.team.store, nights.team.home

    def loads(wanted: intervention.Intervention) -> Loaded:
        what = loading_of(home, wanted.model, wanted.target.version, stage_paths=(), conf={})
        return load_here(what, nights.team.provider(), nights.tracking)

    wanted = intervention.rollback(store, nights.tracking, to=8, why="nights 9 and 10 learnt from a strike")
    entry = intervention.carry_out(store, nights.tracking, wanted, loads)
    assert (entry.action, entry.version, entry.champion_before) == ("rolled_back", 8, 10)
    assert "give the 16 golden rows the same outputs" in entry.reasons[-1]
    before = nights.actions
    # The night that was rolled back runs again: its evaluation is found, and nobody is moved.
    nights.run(10)
    assert nights.actions == before
    assert (nights.champion, nights.baseline(10)) == ((8, str(day(8))), str(day(9)))
    last = nights.run(11)
    assert (last.action, last.version, last.champion_before) == ("promoted", 14, 8)
    assert nights.baseline(11) == str(day(8))
