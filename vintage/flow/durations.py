"""How long the steps took in the past, from the manifests alone."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from vintage.flow.plan import Durations
from vintage.spec.flow import FLOW, TRAINING

if TYPE_CHECKING:
    from datetime import date

    from vintage.store import Artifact, Store

LATEST: Final = 10
"""Dates that are looked at, the latest."""
_LONGEST_START: Final = 3600.0


def durations_of(store: Store) -> Durations:
    """Return the medians of the latest artifacts of each kind, and of the time between two steps of a run.

    Clocks may have been set back while something was made: what ended before it began is left out.
    """
    seconds: dict[str, list[float]] = {}
    for kind in (each.kind for each in FLOW):
        found = [store.current(kind, day) for day in store.dates(kind)[-LATEST:]]
        told = [each.manifest for each in found if each]
        took = [each.seconds for each in told if each.finished >= each.started]
        if took:
            seconds[kind] = took
    starts = [gap for day in store.dates("evaluation")[-LATEST:] for gap in _starts(store, day)]
    return Durations(
        seconds={kind: round(median(each), 3) for kind, each in seconds.items()},
        job_start=round(median(starts), 3) if starts else None,
        counted={**{kind: len(each) for kind, each in seconds.items()}, "jobs": len(starts)},
    )


def _starts(store: Store, day: date) -> list[float]:
    """Seconds from the end of a step of a date to the start of the next, where one Airflow run made both."""
    made = [found for each in TRAINING if (found := store.current(each.kind, day))]
    gaps = [
        (later.manifest.started - earlier.manifest.finished).total_seconds()
        for earlier, later in pairwise(made)
        if _run_of(earlier) is not None and _run_of(earlier) == _run_of(later)
    ]
    return [gap for gap in gaps if 0 <= gap <= _LONGEST_START]


def _run_of(artifact: Artifact) -> tuple[str, str] | None:
    told = artifact.manifest.airflow
    return (told["dag_id"], told["run_id"]) if {"dag_id", "run_id"} <= told.keys() else None
