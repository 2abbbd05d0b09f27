"""What a model was made from, followed through the manifests to the raw rows; and which model one means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from spark_jobs.errors import SpecError, StoreError
from spark_jobs.spec import parse_partition_date
from spark_jobs.spec.names import list_names
from spark_jobs.store.details import EvaluationDetails
from spark_jobs.store.published import SHORTEST_PREFIX, is_key, published
from spark_jobs.store.steps import JOINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_jobs.store import Artifact, Kind, Manifest, Store

_DIGITS: Final = 12
"""Digits of a key that a message shows."""


@dataclass(frozen=True)
class Lineage:
    """A model, its evaluation, and the artifacts behind both.

    Attributes:
        model: the fitted model.
        evaluation: what was measured of it; None where it was not evaluated.
        features: date → feature rows that it learnt from or was tested on.
        snapshots: date → raw rows that the features were made from.
        joined: joined source → date → raw rows that the date's were joined with.
        tuning: date → what chose its Params; none or one.
    """

    model: Artifact
    evaluation: Artifact | None
    features: Mapping[date, Artifact]
    snapshots: Mapping[date, Artifact]
    joined: Mapping[str, Mapping[date, Artifact]]
    tuning: Mapping[date, Artifact]


def current_evaluation(store: Store, day: date | None) -> Artifact:
    """The evaluation that stands for a date; None takes the latest date that was evaluated.

    Raises:
        StoreError: nothing was evaluated for that date.
    """
    dates = store.dates("evaluation")
    chosen = day or (dates[-1] if dates else None)
    evaluation = store.current("evaluation", chosen) if chosen else None
    if evaluation is None:
        raise StoreError(
            f"{store.pipeline} has no evaluated model" + (f" for {day}" if day else ""),
            expected=f"one of {', '.join(map(str, dates[-5:]))}" if dates else "a finished run",
            fix=f"Run `vintage run {store.pipeline} --date {day or 'YYYY-MM-DD'}`.",
        )
    return evaluation


def evaluation_lineage(store: Store, evaluation: Artifact) -> Lineage:
    """What an evaluation was made from.

    Raises:
        StoreError: an artifact on the way back is gone.
    """
    [model] = inputs_of(store, evaluation.manifest, "model").values()
    return _lineage(store, model, evaluation)


def find_lineage(store: Store, wanted: str) -> Lineage:
    """The model that a person means, and what it was made from.

    Args:
        store: the pipeline's.
        wanted: a partition date, for the model of its current evaluation; or a model's key, or the first
            digits of it.

    Raises:
        SpecError: it is neither, or the digits are those of no model or of several.
        StoreError: nothing was evaluated for the date, or an artifact on the way back is gone.
    """
    if "-" in wanted:
        return evaluation_lineage(store, current_evaluation(store, parse_partition_date(wanted)))
    if not is_key(wanted):
        raise SpecError(
            f'"{wanted}" names no model of {store.pipeline}',
            expected=f"a date as YYYY-MM-DD, or the first {SHORTEST_PREFIX} or more digits of a model's key",
            fix=f"`vintage show {store.pipeline} --date YYYY-MM-DD` tells a model's key.",
        )
    found = published(store, "model", prefix=wanted)
    if len(found) != 1:
        known = found or published(store, "model")[::-1]
        names = [f"{each.key[: max(_DIGITS, len(wanted) + 1)]} of {each.date}" for each in known]
        raise SpecError(
            f"{'several keys' if found else 'no key'} of a model of {store.pipeline} "
            f'{"begin" if found else "begins"} with "{wanted}"',
            expected=f"one of {list_names(names)}" if names else "a finished run",
        )
    return _lineage(store, found[0], _evaluation_of(store, found[0]))


def inputs_of(store: Store, manifest: Manifest, kind: Kind, *, named: str = "") -> dict[date, Artifact]:
    """Date → artifact of a kind that another was made from, under `named` where the manifest says otherwise.

    Raises:
        StoreError: one is gone.
    """
    artifacts = {}
    for day, key in manifest.ingredients.inputs.get(named or kind, {}).items():
        found = store.find(kind, day, key)
        if found is None:
            raise StoreError(
                f"{kind} {key.short} of {day} is gone; {manifest.kind} {manifest.key.short} was made from it",
                expected=f"its folder below {store.folder / kind}",
                fix="Bring it back from a backup, or run the date again.",
            )
        artifacts[day] = found
    return artifacts


def _lineage(store: Store, model: Artifact, evaluation: Artifact | None) -> Lineage:
    features = inputs_of(store, model.manifest, "features")
    if evaluation is not None:
        features |= inputs_of(store, evaluation.manifest, "features")
    snapshots: dict[date, Artifact] = {}
    for part in features.values():
        snapshots |= inputs_of(store, part.manifest, "snapshot")
    return Lineage(
        model=model,
        evaluation=evaluation,
        features=features,
        snapshots=snapshots,
        joined=_joined(store, features),
        tuning=inputs_of(store, model.manifest, "tuning"),
    )


def _joined(store: Store, features: Mapping[date, Artifact]) -> dict[str, dict[date, Artifact]]:
    found: dict[str, dict[date, Artifact]] = {}
    for day, part in sorted(features.items()):
        for kind in part.manifest.ingredients.inputs:
            if kind.startswith(JOINED):
                name = kind.removeprefix(JOINED)
                [snapshot] = inputs_of(store.joined(name), part.manifest, "snapshot", named=kind).values()
                found.setdefault(name, {})[day] = snapshot
    return found


def _evaluation_of(store: Store, model: Artifact) -> Artifact | None:
    """The evaluation of a model: its date's current one if that is of it, else the latest that was made."""
    current = store.current("evaluation", model.date)
    if current is not None and EvaluationDetails.of(current).model == model.key:
        return current
    made = [
        each
        for each in published(store, "evaluation", day=model.date)
        if EvaluationDetails.of(each).model == model.key
    ]
    return made[-1] if made else None
