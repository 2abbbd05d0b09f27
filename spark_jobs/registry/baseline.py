"""The baseline of a date: the champion as it was then, never a model of a later date."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING

from spark_jobs.errors import StoreError
from spark_jobs.ml.families import family_of
from spark_jobs.registry import ledger
from spark_jobs.registry.timeline import champion_as_of

if TYPE_CHECKING:
    from spark_jobs.spec import Pipeline
    from spark_jobs.store import Artifact, Store

log = logging.getLogger(__name__)


def baseline_for(pipeline: Pipeline, store: Store, day: date) -> Artifact | None:
    """The model that a date's is compared with; None as well where neither task nor gate compares."""
    compares = pipeline.evaluate.compares or family_of(pipeline.task).COMPARES
    return baseline_of(store, day) if compares else None


def baseline_of(store: Store, day: date) -> Artifact | None:
    """The model that served for a partition date before its own was decided on; always of an earlier date.

    None when there was none, or when its files are gone or damaged, which is logged.
    """
    entry = champion_as_of(ledger.read(store.ledger_path), day.isoformat())
    if entry is None:
        return None
    found = store.find("model", date.fromisoformat(entry.date), entry.model_key)
    if found is None:
        log.warning("model %s of %s, the baseline of %s, is gone", entry.model_key[:12], entry.date, day)
        return None
    try:
        found.check_files()
    except StoreError as error:
        log.warning("%s has no baseline: %s", day, error)
        return None
    return found
