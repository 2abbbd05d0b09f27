"""What an evaluation was made from, followed through the manifests to the raw rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from spark_jobs.errors import SpecError, StoreError
from spark_jobs.spec import SOURCE_VIEW
from spark_jobs.store.artifacts import Artifact, Store
from spark_jobs.store.published import SHORTEST_PREFIX, is_key, published
from spark_jobs.store.steps import JOINED, input_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spark_jobs.store.keys import Key, Kind


@dataclass(frozen=True)
class Ancestry:
    """An evaluation with everything that it was made from.

    Attributes:
        evaluation: the last of it.
        model: what was evaluated.
        tuning: what chose the model's Params, where one did.
        baseline: the model that it was compared with, where it was.
        train: date → feature partition that the model learnt from.
        test: date → feature partition that it was tested on.
        tuned_on: date → feature partition of the tuning.
        snapshots: date of features → view that its SQL reads → the snapshot behind it.
    """

    evaluation: Artifact
    model: Artifact
    tuning: Artifact | None
    baseline: Artifact | None
    train: Mapping[date, Artifact]
    test: Mapping[date, Artifact]
    tuned_on: Mapping[date, Artifact]
    snapshots: Mapping[date, Mapping[str, Artifact]]

    @property
    def features(self) -> dict[date, Artifact]:
        """Every feature partition, oldest first."""
        return dict(sorted({**self.tuned_on, **self.train, **self.test}.items()))

    @property
    def steps(self) -> tuple[Artifact, ...]:
        """What a run computes, in the order of the flow: all but the snapshots and the baseline."""
        tuned = () if self.tuning is None else (self.tuning,)
        return (*self.features.values(), *tuned, self.model, self.evaluation)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of it, each once, the raw rows first."""
        raw = [found for views in self.snapshots.values() for found in views.values()]
        compared = () if self.baseline is None else (self.baseline,)
        return tuple({each.folder: each for each in (*raw, *compared, *self.steps)}.values())


def ancestry_of(store: Store, evaluation: Artifact) -> Ancestry:
    """Follows the manifests.

    Raises:
        StoreError: an artifact on the way is gone or damaged.
    """
    model = _only(_inputs(store, evaluation, "model"))
    tuning = _inputs(store, model, "tuning")
    tuned = _only(tuning) if tuning else None
    train, test = _inputs(store, model, "features"), _inputs(store, evaluation, "features")
    tuned_on = {} if tuned is None else _inputs(store, tuned, "features")
    compared = _inputs(store, evaluation, "model", named="baseline")
    return Ancestry(
        evaluation=evaluation,
        model=model,
        tuning=tuned,
        baseline=_only(compared) if compared else None,
        train=train,
        test=test,
        tuned_on=tuned_on,
        snapshots={
            day: dict(_views(store, part)) for day, part in sorted({**tuned_on, **train, **test}.items())
        },
    )


def evaluation_with(store: Store, day: date, key: str) -> Artifact:
    """The evaluation of a date whose key, or whose model's, begins so; of several of one model the latest.

    Raises:
        SpecError: the text is no beginning of a key, or begins keys of more than one model.
        StoreError: there is no such evaluation, or a manifest of the date is damaged.
    """
    if not is_key(key):
        raise SpecError(
            f"{key!r} is no key",
            expected=f"{SHORTEST_PREFIX} or more of its hexadecimal digits, as `vintage show` tells them",
        )
    known = published(store, "evaluation", day=day)
    found = [each for each in known if each.key.startswith(key) or _model_key(each).startswith(key)]
    models = sorted({_model_key(each) for each in known if each in found})
    if not found:
        told = sorted({_model_key(each).short for each in known})
        raise StoreError(
            f"{store.pipeline} has no evaluated model {key} for {day}",
            expected=f"one of {', '.join(told)}" if told else "a finished run of that date",
            fix="`vintage show PIPELINE --date D` tells the current one's key.",
        )
    if len(models) > 1:
        raise SpecError(
            f"{key} begins the keys of {len(models)} models of {store.pipeline} for {day}",
            expected=f"more digits, of one of {', '.join(each[: len(key) + 8] for each in models)}",
        )
    return max(found, key=lambda each: each.manifest.finished)


def _model_key(evaluation: Artifact) -> Key:
    return next(iter(evaluation.manifest.ingredients.inputs["model"].values()))


def _views(store: Store, part: Artifact) -> Iterator[tuple[str, Artifact]]:
    """View → the snapshot that a date's features were made from."""
    for named in part.manifest.ingredients.inputs:
        view = named.removeprefix(JOINED) if named.startswith(JOINED) else SOURCE_VIEW
        of_view = store if view == SOURCE_VIEW else store.joined(view)
        yield view, _only(_inputs(of_view, part, "snapshot", named=input_name(view)))


def _inputs(store: Store, artifact: Artifact, kind: Kind, *, named: str = "") -> dict[date, Artifact]:
    """Date → input of a kind; empty where it has none."""
    found = {}
    for day, key in artifact.manifest.ingredients.inputs.get(named or kind, {}).items():
        part = store.find(kind, day, key)
        if part is None:
            raise StoreError(
                f"{named or kind} {key.short} of {day} is gone, from which {artifact.manifest.kind} "
                f"{artifact.key.short} of {artifact.manifest.date} was made",
                expected=f"a folder {store.folder / kind / f'date={day}' / key}",
                fix="Bring it back from a backup; without it this cannot be made again.",
            )
        found[part.date] = part
    return dict(sorted(found.items()))


def _only(found: Mapping[date, Artifact]) -> Artifact:
    [artifact] = found.values()
    return artifact
