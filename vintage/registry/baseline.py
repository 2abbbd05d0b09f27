"""The baseline of a date: the champion as it was then, never a model of a later date.

That there was none, that it is there, and that it cannot be read are three types: what decides on one of them
must say what it does with each.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from vintage.errors import StoreError
from vintage.ml.families import family_of
from vintage.registry import agreement, ledger
from vintage.registry.gates import NoBaseline, UnreadableBaseline
from vintage.registry.timeline import champion_as_of, latest_move
from vintage.store import check_files
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.registry.tracking import Registered
    from vintage.spec import Pipeline
    from vintage.store import Artifact, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredBaseline:
    """The model that one is compared with, whose files are as they were made."""

    model: Artifact


def model_of_version(store: Store, version: int, day: date, key: str) -> Artifact:
    """Return the model of a registered version.

    Raises:
        StoreError: it is not in the store, or its manifest is damaged.
    """
    model = store.find("model", day, key)
    if model is None:
        raise StoreError(
            f"the model of version {version} of {store.pipeline} is not in the store",
            expected=f"model {key[:12]} of {day} below {store.folder}",
            fix=f"Bring it back from a backup, or run `vintage run {store.pipeline} --date {day}`.",
        )
    return model


BaselineModel = NoBaseline | StoredBaseline | UnreadableBaseline


def baseline_for(
    pipeline: Pipeline, store: Store, day: date, registered: Callable[[str], Registered]
) -> BaselineModel:
    """Return the model that a date's is compared with; none as well where neither task nor gate compares.

    Args:
        pipeline: the spec.
        store: its store, with the ledger.
        day: the partition date.
        registered: what the registry knows; asked where the ledger says that nobody ever served.

    Raises:
        StoreError: the ledger is damaged.
        TrackingError: MLflow cannot be reached.
    """
    if not (pipeline.evaluate.compares or family_of(pipeline.task).COMPARES):
        return NoBaseline()
    past = ledger.read_ledger(store.ledger_path)
    if latest_move(past.entries) is None:
        # A ledger that was lost says so as well.
        problems = agreement.contradictions(store, past, registered(store.pipeline))
        if problems:
            return _unreadable(store, day, ("", ""), "; ".join(problems))
    return baseline_of(store, day)


def baseline_of(store: Store, day: date) -> BaselineModel:
    """Return the champion before a date's own model was decided on; always of an earlier date.

    By the ledger alone, which says nothing of a date when it was lost.

    Raises:
        StoreError: the ledger is damaged.
    """
    entry = champion_as_of(ledger.read(store.ledger_path), day.isoformat())
    if entry is None:
        return NoBaseline()
    try:
        found = store.find("model", date.fromisoformat(entry.date), entry.model_key)
        if found is None:
            return _unreadable(store, day, (entry.date, entry.model_key), "it is gone from the store")
        check_files([found])
    except StoreError as error:
        return _unreadable(store, day, (entry.date, entry.model_key), str(error))
    return StoredBaseline(found)


def model_of(baseline: BaselineModel) -> Artifact | None:
    """Return the model, where there is one that can be read."""
    return baseline.model if isinstance(baseline, StoredBaseline) else None


def baseline_then(evaluation: Artifact, model: Artifact | None) -> BaselineModel:
    """Return what an evaluation was compared with when it was made, for who makes it again.

    Args:
        evaluation: as it was made.
        model: the baseline that its manifest names; None when it names none.
    """
    if model is not None:
        return StoredBaseline(model)
    told = evaluation.manifest.ingredients.spec.get("unreadable_baseline")
    if told is None:
        return NoBaseline()
    why = (EvaluationDetails.of(evaluation).baseline or {}).get("incomparable", "")
    return UnreadableBaseline(told["date"], told["key"], why)


def _unreadable(store: Store, of: date, champion: tuple[str, str], why: str) -> UnreadableBaseline:
    day, key = champion
    who = f"the champion {key[:12]} of {day}" if key else "the champion"
    told = (
        f"{who} cannot be read: {why} `vintage verify {store.pipeline} --repair` has a damaged model made "
        f"again, and `vintage promote {store.pipeline} --date {of} --force --why …` has this one serve "
        "all the same"
    )
    log.warning("%s", told)
    return UnreadableBaseline(day, key, told)
