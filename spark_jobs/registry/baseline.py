"""The baseline of a date: the champion as it was then, never a model of a later date."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING

from spark_jobs.ml.families import family_of
from spark_jobs.registry import ledger

if TYPE_CHECKING:
    from spark_jobs.spec import Pipeline
    from spark_jobs.store import Artifact, Store

log = logging.getLogger(__name__)


def baseline_for(pipeline: Pipeline, store: Store, day: date) -> Artifact | None:
    """The model that a date's is compared with; None as well where neither task nor gate compares."""
    compares = pipeline.evaluate.compares or family_of(pipeline.task).COMPARES
    return baseline_of(store, day) if compares else None


def baseline_of(store: Store, day: date) -> Artifact | None:
    """The model that served before a partition date: the latest promoted one of an earlier date.

    None when there was none, or when its files are gone, which is logged.
    """
    earlier = [
        entry
        for entry in ledger.read(store.ledger_path)
        if entry.action == "promoted" and entry.date < day.isoformat()
    ]
    if not earlier:
        return None
    entry = max(enumerate(earlier), key=lambda numbered: (numbered[1].date, numbered[0]))[1]
    found = store.find("model", date.fromisoformat(entry.date), entry.model_key)
    if found is None:
        log.warning("model %s of %s, the baseline of %s, is gone", entry.model_key[:12], entry.date, day)
    return found
