"""Runs over days that a calendar or a clock makes odd, on a machine that is not set to UTC."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from vintage.flow.reproduce import reproduce
from vintage.report.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.long]

# The day after: its window of four dates has the odd one in it.
AFTER = {
    "a leap day": date(2024, 3, 1),
    "New York's clocks are put forward": date(2024, 3, 11),
    "New York's clocks are put back": date(2024, 11, 4),
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets this process to a time zone. The JVM that a job starts is in UTC, whatever the machine is in."""

    def set_to(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("odd", AFTER)
def test_a_run_over_an_odd_day_is_as_any_other(team: Team, clock: Callable[[str], None], odd: str) -> None:
    day = AFTER[odd]
    window = [day - timedelta(days=back) for back in range(3, -1, -1)]
    team.edit("start_date: 2024-02-28", "start_date: 2024-01-01")
    team.edit("SELECT id, seen, colour,", "SELECT id, seen, HOUR(seen) AS hour, DATE(seen) AS day, colour,")
    for each in window:
        team.deliver(each)

    clock("America/New_York")
    team.run(day=day)

    made = summarise(team.store, day)
    assert made.window == tuple(window)
    # Of 24 rows a day, one an hour, one has no label to learn.
    assert made.rows == {"train": 3 * 23, "test": 23}
    clock("UTC")
    found = reproduce(team.home, team.name, day, spark=team.provider)
    assert found.first_difference is None
    assert [each.date for each in found.steps if each.step == "features"] == [str(each) for each in window]
