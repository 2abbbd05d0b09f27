"""Who served for a date: no later model, none other than it was, and for dates to come who serves now."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.registry.ledger import Entry
from vintage.registry.timeline import champion_as_of, champion_history, line_of_champions, replaced_by

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = date(2013, 1, 1)


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def entry(action: str, version: int, of: int | None = None) -> Entry:
    """A line on a version, of the date that has its number unless another is given."""
    return Entry.model_validate(
        {
            "action": action,
            "pipeline": "demo",
            "date": day(version if of is None else of),
            "model_key": f"m{version}",
            "evaluation_key": f"e{version}",
            "version": version,
            "champion_before": None,
            "reasons": (),
        }
    )


def serving(entries: Sequence[Entry], number: int) -> int | None:
    found = champion_as_of(entries, day(number))
    return found.version if found else None


NIGHTS = [entry("promoted", number) for number in range(1, 11)]

# Versions keep their date, as in a registry.
lines = st.lists(
    st.builds(
        lambda action, version: entry(action, version, of=version * 7 % 13),
        st.sampled_from(["promoted", "refused", "registered", "forced", "rolled_back"]),
        st.integers(1, 12),
    ),
    max_size=20,
)


@given(lines, st.integers(-1, 15))
def test_a_baseline_is_never_of_its_date_or_later(entries: list[Entry], number: int) -> None:
    found = champion_as_of(entries, day(number))
    assert found is None or (found.moves and found.date < day(number))


@given(lines)
def test_for_dates_to_come_it_is_who_serves_now(entries: list[Entry]) -> None:
    moves = [each for each in entries if each.moves]
    assert champion_as_of(entries, day(99)) is (moves[-1] if moves else None)
    line = line_of_champions(entries)
    assert [each.version for each in line[-1:]] == [each.version for each in moves[-1:]]


@given(lines, lines, st.integers(-1, 15))
def test_what_is_decided_later_changes_no_date_that_had_its_champion(
    before: list[Entry], after: list[Entry], number: int
) -> None:
    found = champion_history(before)
    if found and day(number) <= found[-1][0]:
        assert champion_as_of([*before, *after], day(number)) is champion_as_of(before, day(number))


@given(lines, st.integers(-1, 15))
def test_what_moves_nobody_changes_nothing(entries: list[Entry], number: int) -> None:
    moves = [each for each in entries if each.moves]
    assert champion_as_of(entries, day(number)) is champion_as_of(moves, day(number))
    assert line_of_champions(entries) == line_of_champions(moves)


@given(lines)
def test_going_back_step_by_step_comes_to_an_end_at_a_first_champion(entries: list[Entry]) -> None:
    past, steps = list(entries), 0
    while len(line := line_of_champions(past)) > 1:
        back = line[-2]
        past.append(back.model_copy(update={"action": "rolled_back"}))
        assert line_of_champions(past)[-1].version == back.version
        assert len(line_of_champions(past)) < len(line)
        steps += 1
    assert steps < len(entries) or not entries


def test_nights_in_order_are_each_held_against_the_night_before() -> None:
    assert [serving(NIGHTS, number) for number in range(1, 12)] == [None, *range(1, 11)]


@pytest.mark.parametrize("action", ["rolled_back", "forced"])
def test_who_goes_back_is_the_baseline_of_later_dates_only(action: str) -> None:
    past = [*NIGHTS, entry(action, 8)]
    assert [serving(past, number) for number in (8, 9, 10, 11, 12)] == [7, 8, 9, 8, 8]
    # The next night goes on from there.
    past.append(entry("promoted", 11))
    assert [serving(past, number) for number in (10, 11, 12)] == [9, 8, 11]


def test_corrected_data_of_a_date_that_was_rolled_back_over_serves_from_then_on() -> None:
    past = [*NIGHTS, entry("rolled_back", 8), entry("promoted", 12, of=9)]
    assert [serving(past, number) for number in (9, 10, 11)] == [8, 9, 12]


def test_one_goes_back_further_and_not_to_what_was_left_behind() -> None:
    past = [*NIGHTS, entry("rolled_back", 9)]
    assert [each.version for each in line_of_champions(past)] == list(range(1, 10))
    past.append(entry("rolled_back", 8))
    assert line_of_champions(past)[-2].version == 7
    past.append(entry("forced", 10))
    assert [each.version for each in line_of_champions(past)][-2:] == [8, 10]


def test_who_took_whose_place() -> None:
    past = [*NIGHTS[:3], entry("registered", 20, of=2), entry("rolled_back", 1)]
    replaced = [replaced_by(past, f"m{version}") for version in (1, 2, 3, 20)]
    assert [each and (each.action, each.version) for each in replaced] == [
        None,
        ("promoted", 3),
        ("rolled_back", 1),
        None,
    ]
