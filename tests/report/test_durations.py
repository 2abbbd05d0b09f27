"""Past runs tell how long a step takes and a job takes to start; odd clocks spoil neither."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests import artifacts
from vintage.flow.durations import durations_of
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store import Kind

DAY: Final = date(2024, 3, 6)
MIDNIGHT: Final = datetime(2024, 3, 7, tzinfo=UTC)


def publish(store: Store, kind: Kind, day: date, begin: float, end: float, run: str | None = None) -> None:
    """An artifact that was made from the one second after midnight to the other."""
    made = artifacts.publish(store, kind, day)
    artifacts.rewrite(
        made.folder / "manifest.json",
        started=str(MIDNIGHT + timedelta(seconds=begin)),
        finished=str(MIDNIGHT + timedelta(seconds=end)),
        airflow={"dag_id": "retrain_demo", "run_id": run} if run else {},
    )
    store.set_current(made)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "demo")


def test_the_median_of_the_latest(store: Store) -> None:
    for back in range(12):
        publish(store, "snapshot", DAY - timedelta(days=back), 0, 100 if back > 9 else back)
    found = durations_of(store)
    assert found.seconds == {"snapshot": 4.5}
    assert found.counted == {"snapshot": 10, "jobs": 0}
    assert found.job_start is None


def test_what_ended_before_it_began_is_left_out(store: Store) -> None:
    publish(store, "features", DAY, 10, 12)
    publish(store, "features", DAY - timedelta(days=1), 10, -3590)
    publish(store, "model", DAY, 10, 9)
    found = durations_of(store)
    assert found.seconds == {"features": 2.0}
    damaged = store.current("model", DAY)
    assert damaged is not None
    assert damaged.manifest.seconds == 0.0


def test_the_start_of_a_job_is_what_lies_between_two_steps_of_one_run(store: Store) -> None:
    publish(store, "snapshot", DAY, 0, 10, "a")
    publish(store, "validation", DAY, 17, 20, "a")
    publish(store, "features", DAY, 29, 30, "a")
    # Another run fitted, hours later; its own steps lie 11 seconds apart.
    publish(store, "model", DAY, 9000, 9010, "b")
    publish(store, "evaluation", DAY, 9021, 9025, "b")
    found = durations_of(store)
    assert found.job_start == 9.0
    assert found.counted["jobs"] == 3
