"""A night looks again at dates whose labels were not all there, within a week."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import publish
from vintage.errors import DataError
from vintage.flow.job import open_job
from vintage.jobs import quality
from vintage.monitoring.quality import QualityOfDate
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.flow.job import Job

DAY = dt.date(2024, 3, 20)


def back(days: int) -> dt.date:
    return DAY - dt.timedelta(days=days)


@pytest.fixture
def store(tips_home: Path) -> Store:
    """Ten dates before were scored; of those two and eight days ago labels lack, one of four has none."""
    found = Store(Home.from_environment({"VINTAGE_HOME": str(tips_home)}).store, "tips")
    for days in (0, *range(2, 11)):
        found.set_current(publish(found, "predictions", back(days)))
        if days in {0, 4, 5}:
            continue
        unlabelled = 1 if days in {2, 8} else 0
        counts = {"predictions": 3, "measured": 3 - unlabelled, "unlabelled": unlabelled}
        found.set_current(publish(found, "quality", back(days), counts=counts))
    return found


def test_dates_of_a_week_that_miss_labels_are_looked_at_again(store: Store) -> None:
    assert quality.incomplete_before(store, DAY) == (back(5), back(4), back(2))
    assert quality.incomplete_before(store, back(30)) == ()


def test_an_earlier_date_that_is_refused_does_not_fail_the_night(
    store: Store, tips_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked: list[dt.date] = []

    def run(job: Job) -> QualityOfDate:
        looked.append(job.date)
        if job.date == back(4):
            raise DataError("a rule does not hold", expected="it holds", found="it does not")
        return QualityOfDate(pipeline="tips", date=job.date, state="unlabelled")

    monkeypatch.setattr(quality, "run", run)
    home = Home.from_environment({"VINTAGE_HOME": str(tips_home)})
    assert quality.run_due(open_job(home, "tips", str(DAY))).date == DAY
    assert looked == [DAY, back(5), back(4), back(2)]
    assert f"{back(4)} could not be measured" in caplog.text
