"""Dates: what is one, windows, splits, the last closed day."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.errors import SpecError
from vintage.spec import last_closed_date, parse_partition_date
from vintage.spec.partition import require_begun, split_last_days, window_ending_at

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2040, 12, 31))


@given(DAYS)
def test_a_date_is_read_back_from_its_text(day: dt.date) -> None:
    assert parse_partition_date(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        *("2013-02-30", "2013-2-3", "20130228", "2013-W09-4", "2013-02-28T00:00:00", " 2013-02-28"),
        *("2013-02-28\n", "0000-01-01", "٢٠١٣-٠٢-٢٨", "", "../x", "{{ 7*7 }}"),
    ],
)
def test_a_text_that_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(
        SpecError, match="is not a partition date; expected a day of the calendar as YYYY-MM-DD"
    ):
        parse_partition_date(text)


@pytest.mark.parametrize(
    ("now", "last"),
    [("2024-03-01T09:59:59", "2024-03-01"), ("2024-03-01T10:00:00", "2024-03-02")],
    ids=["nowhere on earth is it the next day", "somewhere it is"],
)
def test_a_day_that_has_not_begun_is_refused(now: str, last: str) -> None:
    moment = dt.datetime.fromisoformat(f"{now}+00:00")
    day = dt.date.fromisoformat(last)
    require_begun(day, moment)
    with pytest.raises(SpecError, match=r"is in the future; expected .* in UTC it is 2024-03-01"):
        require_begun(day + dt.timedelta(days=1), moment)


@given(DAYS, st.integers(1, 400), DAYS)
def test_a_window_is_its_days_without_a_gap(date: dt.date, days: int, start: dt.date) -> None:
    if date < start:
        with pytest.raises(SpecError, match="before the pipeline's start_date"):
            window_ending_at(date, days=days, start_date=start)
        return
    window = window_ending_at(date, days=days, start_date=start)
    assert window[-1] == date
    assert window[0] >= start
    assert all(later - earlier == dt.timedelta(days=1) for earlier, later in pairwise(window))
    assert len(window) == min(days, (date - start).days + 1)


def test_a_window_may_begin_with_the_calendar() -> None:
    assert len(window_ending_at(dt.date(1, 1, 3), days=28, start_date=dt.date.min)) == 3


@pytest.mark.parametrize(
    ("last", "window"),
    [
        (dt.date(2024, 3, 1), ("2024-02-28", "2024-02-29", "2024-03-01")),
        (dt.date(2023, 3, 1), ("2023-02-27", "2023-02-28", "2023-03-01")),
        # New York's clocks are put forward, and back.
        (dt.date(2013, 3, 11), ("2013-03-09", "2013-03-10", "2013-03-11")),
        (dt.date(2013, 11, 4), ("2013-11-02", "2013-11-03", "2013-11-04")),
    ],
)
def test_a_window_has_the_calendar_s_days_whatever_a_clock_does(
    last: dt.date, window: tuple[str, ...]
) -> None:
    found = window_ending_at(last, days=3, start_date=dt.date(2000, 1, 1))
    assert tuple(map(str, found)) == window
    train, test = split_last_days(found, last, test_days=1)
    assert (train, test) == (found[:2], found[2:])


@pytest.mark.parametrize(
    ("moment", "closed"),
    [
        ("2013-03-10T01:59:59-05:00", "2013-03-09"),
        ("2013-03-10T03:00:00-04:00", "2013-03-09"),
        # An hour that comes twice.
        ("2013-11-03T01:30:00-04:00", "2013-11-02"),
        ("2013-11-03T01:30:00-05:00", "2013-11-02"),
        ("2024-03-01T02:00:00+00:00", "2024-02-29"),
    ],
)
def test_the_last_closed_day_around_odd_hours(moment: str, closed: str) -> None:
    assert str(last_closed_date(dt.datetime.fromisoformat(moment))) == closed


@given(DAYS, st.integers(1, 60), st.sets(st.integers(-70, 5)))
def test_a_split_by_date_learns_from_no_day_that_tests(
    date: dt.date, test_days: int, offsets: set[int]
) -> None:
    available = [date + dt.timedelta(days=offset) for offset in offsets]
    train, test = split_last_days(available, date, test_days=test_days)
    assert set(train) | set(test) == {day for day in available if day <= date}
    assert all((date - day).days < test_days for day in test)
    assert all((date - day).days >= test_days for day in train)
    assert list(train) == sorted(train)
    assert list(test) == sorted(test)


@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2040, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_the_last_closed_day_had_ended_in_utc(naive: dt.datetime, hours: int) -> None:
    moment = naive.replace(tzinfo=dt.timezone(dt.timedelta(hours=hours)))
    ended = dt.datetime.combine(last_closed_date(moment) + dt.timedelta(days=1), dt.time(), dt.UTC)
    assert dt.timedelta(0) <= moment - ended < dt.timedelta(days=1)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(SpecError, match="has no time zone"):
        last_closed_date(dt.datetime(2013, 3, 1, 2))  # noqa: DTZ001
