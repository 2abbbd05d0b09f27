"""Cron lines: which tick a day at most, and some day at all."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from croniter import croniter
from hypothesis import assume, given
from hypothesis import strategies as st

from vintage.spec.cron import cron_problem, falls_on


@pytest.mark.parametrize(
    "line",
    ["0 2 * * *", "30 23 * * mon-fri", "0 2 29 2 *", "5 4 31 */6 *", "0 2 1-31/5 jan-mar *", "0 2 31 4 1"],
)
def test_a_line_that_ticks_on_some_days_is_good(line: str) -> None:
    assert cron_problem(line) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0,30 2 * * *", "once a day at most"),
        ("* 2 * * *", "once a day at most"),
        ("0 1-3 * * *", "once a day at most"),
        ("0 2 30 2 *", "never comes"),
        ("0 2 31 apr-jun/2 *", "never comes"),
        ("0 2 31 11/2 *", "never comes"),
        ("0 2 32 * *", "goes from 1 to 31"),
        ("0 2 * *", "4 fields"),
    ],
)
def test_a_line_that_ticks_too_often_or_never_is_refused(line: str, reason: str) -> None:
    assert reason in (cron_problem(line) or "")


DAY_FIELDS = st.sampled_from(["*", "*/2", "*/3", "1", "31", "1-7", "5,20", "10-20/5", "1-31", "29"])
MONTH_FIELDS = st.sampled_from(["*", "2", "*/3", "jan,Mar", "3-11", "11"])
WEEK_FIELDS = st.sampled_from(["*", "1-5", "0", "7", "sun", "MON,wed", "6-7", "*/2", "0-6"])


@given(DAY_FIELDS, MONTH_FIELDS, WEEK_FIELDS, st.dates(date(2012, 1, 1), date(2028, 12, 31)))
def test_the_days_of_a_cron_line_are_those_of_airflow_s_reader(
    of_month: str, month: str, of_week: str, day: date
) -> None:
    line = f"0 2 {of_month} {month} {of_week}"
    assume(cron_problem(line) is None)
    assert falls_on(line, day) == croniter.match(line, datetime.combine(day, time(2)))
