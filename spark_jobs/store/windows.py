"""What a window's dates have in the store: the one place that looks up what a job is to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_jobs.errors import DataError, StoreError
from spark_jobs.spec import SOURCE_VIEW, SplitByKey
from spark_jobs.store import steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from spark_jobs.spec import Pipeline, Source
    from spark_jobs.store.artifacts import Artifact, Store
    from spark_jobs.store.keys import Ingredients


def store_of(store: Store, view: str) -> Store:
    """Where the snapshots of a view are: in the pipeline's own store, or in that of a joined source."""
    return store if view == SOURCE_VIEW else store.joined(view)


def as_it_stood(store: Store, day: date) -> Artifact | None:
    """What an undated source held on a date: its latest snapshot that is not after it, else its first.

    No run can see what such a source held on a day that is gone, so that a backfill takes what was seen.
    """
    taken = store.dates("snapshot")
    chosen = max((each for each in taken if each <= day), default=min(taken, default=None))
    return None if chosen is None else store.current("snapshot", chosen)


def joined_snapshot(source: Source, own: Store, day: date) -> Artifact | None:
    """The snapshot of a joined source, kept in a store of its own, that stands for a date."""
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
                fix="Run snapshot first.",
            )
        whole = {view: found for view, found in views.items() if found is not None and found.row_count}
        if len(whole) == len(views):
            windows[day] = whole
    return windows


def window_features(pipeline: Pipeline, store: Store, dates: Iterable[date]) -> dict[date, Artifact]:
    """The feature partitions of the window's current snapshots, oldest first.

    Raises:
        StoreError: one has not been made.
    """
    artifacts = {}
    for day, snapshots in window_snapshots(pipeline, store, dates).items():
        named = steps.features(pipeline, day, snapshots=snapshots)
        found = store.find("features", day, named.key)
        if found is None:
            raise StoreError(
                f"{day} has no feature rows",
                expected=f"features {named.key.short} of snapshot {snapshots[SOURCE_VIEW].key.short}",
                fix="Run preprocess first; if it ran, data or code changed meanwhile: run the chain again.",
            )
        artifacts[day] = found
    return artifacts


def sides(
    pipeline: Pipeline, artifacts: Mapping[date, Artifact], day: date
) -> tuple[dict[date, Artifact], dict[date, Artifact]]:
    """Which partitions one trains on and which one tests on; by key, both are all of them.

    Raises:
        DataError: a side has no partition.
    """
    if isinstance(pipeline.split, SplitByKey):
        return dict(artifacts), dict(artifacts)
    train, test = pipeline.split_dates(list(artifacts), day)
    for name, dates in (("train", train), ("test", test)):
        if not dates:
            raise DataError(
                f"no date is left to {name} {pipeline.name} on for {day}",
                expected=f"dates with rows within the last {pipeline.split.test_days} days and before them",
                found=", ".join(map(str, artifacts)) or "none",
                fix="Widen the window, or deliver the missing dates.",
            )
    return {each: artifacts[each] for each in train}, {each: artifacts[each] for each in test}


def window_of(pipeline: Pipeline, day: date) -> tuple[date, ...]:
    """The dates that a run of that date learns from and tests on, oldest first.

    An undated source has only the run's own: all of it was snapshotted then.
    """
    return pipeline.window_dates(day) if pipeline.source.dated else (day,)


def window_tuning(
    pipeline: Pipeline, store: Store, day: date, train: Mapping[date, Artifact]
) -> Ingredients | None:
    """What the model of a date is tuned by: by its own training rows, or those of the date to refresh on.

    When that date's window has fewer dates with rows than `min_days`, or none to learn from, the run's own
    training rows take their place.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        store: where the features are.
        day: the partition date.
        train: the date's own training partitions.

    Returns:
        The tuning's ingredients; None when nothing is tuned.

    Raises:
        StoreError: the features of the date to refresh on have not been made.
    """
    if pipeline.tuning is None:
        return None
    on = pipeline.tuning_date(day)
    if on != day:
        dates = [each for each in window_of(pipeline, on) if store.current("snapshot", each)]
        features = window_features(pipeline, store, dates) if dates else {}
        learnt = pipeline.split_dates(list(features), on)[0] if pipeline.source.dated else tuple(features)
        if learnt and len(features) >= pipeline.window.min_days:
            return steps.tuning(
                pipeline, pipeline.tuning, on, train={each: features[each] for each in learnt}
            )
    return steps.tuning(pipeline, pipeline.tuning, day, train=train)


def window_model(pipeline: Pipeline, store: Store, day: date, train: Mapping[date, Artifact]) -> Artifact:
    """The model that was fitted on those partitions.

    Raises:
        StoreError: it has not been fitted.
    """
    tuned = window_tuning(pipeline, store, day, train)
    named = steps.model(pipeline, day, train=train, tuned=tuned)
    found = store.find("model", day, named.key)
    if found is None:
        raise StoreError(
            f"{pipeline.name} has no model for {day} from today's features and spec",
            expected=f"model {named.key.short}",
            fix="Run fit first, with the same --set; if it ran, data or code changed: run the chain again.",
        )
    return found


def window_evaluation(store: Store, day: date, named: Ingredients) -> Artifact:
    """The evaluation that is named, its files compared with its manifest: a decision is read from it.

    Raises:
        StoreError: it has not been evaluated, or is damaged.
    """
    found = store.find("evaluation", day, named.key)
    if found is None:
        model_key = named.inputs["model"][day]
        raise StoreError(
            f"model {model_key.short} of {store.pipeline} for {day} has not been evaluated",
            expected=f"evaluation {named.key.short}",
            fix="Run evaluate first, with the same --set.",
        )
    found.check_files()
    return found
