"""What drift amounts to, over the last dates of a pipeline: calm, a warning or an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.monitoring.words import told_of
from vintage.registry import ledger
from vintage.registry.timeline import latest_move
from vintage.store.details import DriftedColumn, MonitorDetails
from vintage.store.keys import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.monitoring.drift import Drift
    from vintage.spec.monitor import Alarm
    from vintage.store import Artifact, Store
    from vintage.store.keys import Key

Columns = frozenset[tuple[str, str]]
"""Columns that drifted on a date, each with the kind of its rows."""


def columns_before(store: Store, day: date, alarm: Alarm) -> dict[date, Columns]:
    """Return what drifted on the dates before that count for an alarm of a date, oldest first.

    Those are the latest that were monitored and could be compared; dates without rows count for nothing.

    Raises:
        StoreError: a monitor is damaged, so that nobody knows what drifted.
    """
    found: dict[date, Columns] = {}
    for each in reversed([each for each in store.dates("monitor") if each < day]):
        if len(found) == alarm.of - 1:
            break
        monitor = store.current("monitor", each)
        if monitor is not None and MonitorDetails.of(monitor).state != "unknown":
            found[each] = _columns_of(monitor)
    return dict(sorted(found.items()))


def digest_of(columns: Columns) -> Key:
    """Name the columns that drifted on a date, for the key of a later monitor."""
    return digest(sorted(map(list, columns)))


def details_of(drift: Drift, before: Mapping[date, Columns], alarm: Alarm) -> MonitorDetails:
    """Tell what a date's drift amounts to.

    Args:
        drift: of the date.
        before: what drifted on the dates before that count.
        alarm: of the pipeline.
    """
    drifted = []
    for part in drift.parts:
        for column in part.drifted:
            found = [day for day, columns in before.items() if (part.kind, column.column) in columns]
            dates = (*found, drift.date)
            drifted.append(
                DriftedColumn(
                    rows=part.kind,
                    column=column.column,
                    told=told_of(column),
                    dates=dates,
                    alarm=len(dates) >= alarm.dates,
                )
            )
    if not drift.parts:
        state = "unknown"
    elif not drifted:
        state = "calm"
    else:
        state = "alarm" if any(column.alarm for column in drifted) else "warn"
    return MonitorDetails.model_validate(
        {
            "state": state,
            "against": drift.against,
            "model": drift.model,
            "model_date": drift.model_date,
            "watched": (*before, drift.date),
            "drifted": tuple(drifted),
            "missing": drift.missing,
        }
    )


def already_learnt(store: Store, day: date) -> str:
    """Return why retraining for a date that drifted would change nothing; empty where it may.

    Raises:
        StoreError: the ledger, or the date's evaluation, is damaged.
    """
    champion = latest_move(ledger.read(store.ledger_path))
    if champion is not None and champion.date >= str(day):
        return f"the model of {champion.date}, the champion, was trained on {day} already"
    if store.current("evaluation", day) is not None:
        return f"the model of {day} was made already, and does not serve"
    return ""


def _columns_of(monitor: Artifact) -> Columns:
    return frozenset((each.rows, each.column) for each in MonitorDetails.of(monitor).drifted)
