"""What a window's dates have in the store: the one place that looks up what a job is to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.errors import StoreError
from vintage.spec import SOURCE_VIEW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from vintage.spec import Pipeline, Source
    from vintage.store.artifacts import Artifact, Store


def store_of(store: Store, view: str) -> Store:
    """Return the store of a view's snapshots: the pipeline's own, or that of a joined source."""
    return store if view == SOURCE_VIEW else store.joined(view)


def as_it_stood(store: Store, day: date) -> Artifact | None:
    """Return what an undated source held on a date: its latest snapshot that is not after it, else its first.

    No run can see what such a source held on a day that is gone, so that a backfill takes what was seen.
    """
    taken = store.dates("snapshot")
    chosen = max((each for each in taken if each <= day), default=min(taken, default=None))
    return None if chosen is None else store.current("snapshot", chosen)


def joined_snapshot(source: Source, own: Store, day: date) -> Artifact | None:
    """Return the snapshot of a joined source, kept in a store of its own, that stands for a date."""
    return own.current("snapshot", day) if source.dated else as_it_stood(own, day)


def joined_snapshots(pipeline: Pipeline, store: Store, day: date) -> dict[str, Artifact | None]:
    """Name → the snapshot that a date's rows are joined with; None where there is none with rows."""
    found: dict[str, Artifact | None] = {}
    for name, source in pipeline.joins.items():
        snapshot = joined_snapshot(source, store.joined(name), day)
        found[name] = snapshot if snapshot is not None and snapshot.row_count else None
    return found


def window_snapshots(
    pipeline: Pipeline, store: Store, dates: Iterable[date]
) -> dict[date, dict[str, Artifact]]:
    """Date → view → snapshot, for a window's dates of which every view has rows, oldest first.

    Raises:
        StoreError: the last date, which is the run's own, has no snapshot.
    """
    wanted = list(dates)
    windows = {}
    for day in wanted:
        views = {SOURCE_VIEW: store.current("snapshot", day), **joined_snapshots(pipeline, store, day)}
        if day == wanted[-1] and None in views.values():
            missing = next(view for view, found in views.items() if found is None)
            raise StoreError(
                f"{day} has no snapshot of {missing} in {store_of(store, missing).folder}",
                expected="one",
                fix=f"Run `vintage run {pipeline.name} --date {day}`; "
                "in Airflow, clear the run from snapshot on.",
            )
        whole = {view: found for view, found in views.items() if found is not None and found.row_count}
        if len(whole) == len(views):
            windows[day] = whole
    return windows


def absent_dates(pipeline: Pipeline, store: Store, day: date, used: Collection[date]) -> dict[date, str]:
    """Date of the window that ends with a day → why none of its rows is used: no raw data, or no rows.

    Args:
        pipeline: the spec.
        store: its store.
        day: the run's date.
        used: the dates whose rows are used.
    """

    def why(absent: date) -> str:
        snapshot = store.current("snapshot", absent)
        if snapshot is None:
            return "no raw data"
        if not snapshot.row_count:
            return "no rows"
        joined = joined_snapshots(pipeline, store, absent)
        return f"no rows of {', '.join(name for name, found in joined.items() if found is None)}"

    return {absent: why(absent) for absent in window_of(pipeline, day) if absent not in used}


def window_of(pipeline: Pipeline, day: date) -> tuple[date, ...]:
    """Return the dates that a run of that date trains and tests on, oldest first.

    An undated source has only the run's own: all of it was snapshotted then.
    """
    return pipeline.window_dates(day) if pipeline.source.dated else (day,)
