"""The partition dates of the schedule, and of a backfill's range."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.airflow.conftest import load_dags

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG


def scheduled_keys(dag: DAG, count: int) -> list[tuple[str, str]]:
    """The first runs of the schedule, as (when, partition key)."""
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction

    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    restriction = TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=True)
    found, info = [], None
    for _ in range(count):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction)
        if info is None:
            break
        found.append((info.run_after.isoformat(), info.partition_key))
    return found


def test_a_nightly_run_takes_the_day_before_and_the_first_partition_is_the_start_date(dag: DAG) -> None:
    assert scheduled_keys(dag, 3) == [
        ("2024-01-02T02:00:00+00:00", "2024-01-01"),
        ("2024-01-03T02:00:00+00:00", "2024-01-02"),
        ("2024-01-04T02:00:00+00:00", "2024-01-03"),
    ]


@pytest.mark.parametrize("cron", ["0 0 * * *", "59 23 * * *", "30 14 * * *"])
def test_the_first_partition_is_the_start_date_at_any_hour(home: Path, cron: str) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text().replace("0 2 * * *", cron))
    keys = [key for _, key in scheduled_keys(load_dags().dags["retrain_tiny"], 2)]
    assert keys == ["2024-01-01", "2024-01-02"]


def test_the_last_partition_is_the_end_date(home: Path) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(
        path.read_text().replace("start_date: 2024-01-01", "start_date: 2024-01-01\nend_date: 2024-01-03")
    )
    keys = [key for _, key in scheduled_keys(load_dags().dags["retrain_tiny"], 9)]
    assert keys == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_a_backfill_s_range_holds_its_last_day_only_up_to_its_end(dag: DAG) -> None:
    """Airflow's own range ends at a moment: at midnight the last day's tick is still to come."""
    from airflow.serialization.serialized_objects import DagSerialization

    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    first, midnight = dt.datetime(2024, 1, 5, tzinfo=dt.UTC), dt.datetime(2024, 1, 7, tzinfo=dt.UTC)

    def keys(last: dt.datetime) -> list[str]:
        return [
            info.partition_key for info in timetable.iter_partition_dagrun_infos(earliest=first, latest=last)
        ]

    assert keys(midnight) == ["2024-01-05", "2024-01-06"]
    assert keys(midnight + dt.timedelta(hours=23, minutes=59, seconds=59)) == [
        "2024-01-05",
        "2024-01-06",
        "2024-01-07",
    ]
