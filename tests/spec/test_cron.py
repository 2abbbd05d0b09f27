"""Cron lines: which tick a day at most, and some day at all."""

from __future__ import annotations

import pytest

from spark_jobs.spec.cron import cron_problem


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
