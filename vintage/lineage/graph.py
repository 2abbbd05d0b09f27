"""What an artifact was made from, by the manifests: the one walk of their graph; and which model is meant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, get_args

from vintage.errors import SpecError, StoreError
from vintage.spec import SOURCE_VIEW, parse_partition_date
from vintage.spec.names import list_names
from vintage.store.keys import Kind
from vintage.store.published import SHORTEST_PREFIX, is_key, published
from vintage.store.steps import JOINED, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from vintage.store.artifacts import Artifact, Store
    from vintage.store.keys import Key
    from vintage.store.manifest import Manifest

_ROLES: Final[Mapping[str, Kind]] = {
    "baseline": "model",
    "serving": "model",
    "serving_evaluation": "evaluation",
    "serving_features": "features",
    "earlier": "quality",
}
"""Of what kind an input is that is named by its part in what is made."""


@dataclass(frozen=True)
class Reference:
    """An input that a manifest names: an edge of the graph.

    Attributes:
        name: as what it is read: a kind, `baseline` or another role, or `join.<name>`.
        kind: of the input.
        view: the source that it belongs to.
        date, key: which one it is.
    """

    name: str
    kind: Kind
    view: str
    date: date
    key: Key


def references(manifest: Manifest, name: str = "") -> Iterator[Reference]:
    """Yield each input in a manifest, or those of one name; a snapshot has none."""
    for named, dated in manifest.ingredients.inputs.items():
        kind = _kind_of(named)
        if kind is None or (name and named != name):
            continue
        for day, key in dated.items():
            yield Reference(named, kind, view_of(named), day, key)


def follow(store: Store, artifact: Artifact, named: Reference) -> Artifact:
    """Return the input that an artifact's manifest names.

    Raises:
        StoreError: it is gone or damaged.
    """
    found = _store_of(store, named).find(named.kind, named.date, named.key)
    if found is None:
        made = artifact.manifest.named
        raise StoreError(
            f"{named.name} {named.key.short} of {named.date} is gone, from which {made} was made",
            expected=f"a folder {folder_of(store, named)}",
            fix="Bring it back from a backup; a new run of the date does without it.",
        )
    return found


def folder_of(store: Store, named: Reference) -> Path:
    """Return where the input is, if it exists."""
    return _store_of(store, named).folder / named.kind / f"date={named.date}" / named.key


def inputs_of(store: Store, artifact: Artifact, name: str) -> dict[date, Artifact]:
    """Date → input of a name, oldest first; empty where it has none.

    Raises:
        StoreError: one is gone or damaged.
    """
    found = {each.date: follow(store, artifact, each) for each in references(artifact.manifest, name)}
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Lineage:
    """A model, its evaluation, and what both were made from, each found when it is first asked for.

    Whatever it is asked for raises a StoreError when an artifact on the way there is gone or damaged.

    Attributes:
        store: the pipeline's.
        model: the fitted model.
        evaluation: what was measured of it; None where it was not evaluated.
    """

    store: Store
    model: Artifact
    evaluation: Artifact | None = None

    @property
    def evaluated(self) -> Artifact:
        """The evaluation of a model that has one."""
        if self.evaluation is None:
            raise ValueError(f"{self.model.manifest.named} was not evaluated")
        return self.evaluation

    @cached_property
    def tuning(self) -> Artifact | None:
        """What chose the model's Params, where one did."""
        return _first(inputs_of(self.store, self.model, "tuning"))

    @cached_property
    def baseline(self) -> Artifact | None:
        """The model that it was compared with, where it was."""
        return _first(self._measured_with("baseline"))

    @cached_property
    def train(self) -> Mapping[date, Artifact]:
        """Date → feature partition that the model was trained on."""
        return inputs_of(self.store, self.model, "features")

    @cached_property
    def test(self) -> Mapping[date, Artifact]:
        """Date → feature partition that it was tested on."""
        return self._measured_with("features")

    @cached_property
    def tuned_on(self) -> Mapping[date, Artifact]:
        """Date → feature partition of the tuning."""
        return {} if self.tuning is None else inputs_of(self.store, self.tuning, "features")

    @cached_property
    def window(self) -> Mapping[date, Artifact]:
        """Date → feature partition that the model was trained on or was tested on, oldest first."""
        return dict(sorted({**self.train, **self.test}.items()))

    @cached_property
    def features(self) -> Mapping[date, Artifact]:
        """Every feature partition, those of the tuning among them, oldest first."""
        return dict(sorted({**self.tuned_on, **self.window}.items()))

    @cached_property
    def raw(self) -> Mapping[date, Mapping[str, Artifact]]:
        """Date of features → view that its SQL reads → the snapshot behind it."""
        return {day: self._snapshots_behind(part) for day, part in self.features.items()}

    @cached_property
    def sources(self) -> Mapping[str, Mapping[date, Artifact]]:
        """View → date of the window → the snapshot behind its features."""
        found: dict[str, dict[date, Artifact]] = {SOURCE_VIEW: {}}
        for day, part in self.window.items():
            for view, snapshot in self._snapshots_behind(part).items():
                found.setdefault(view, {})[day] = snapshot
        return found

    @property
    def snapshots(self) -> Mapping[date, Artifact]:
        """Date of the window → raw rows of the pipeline's own source."""
        return self.sources[SOURCE_VIEW]

    @property
    def joined(self) -> Mapping[str, Mapping[date, Artifact]]:
        """Joined source → date of the window → raw rows that the date's were joined with."""
        return {view: dated for view, dated in self.sources.items() if view != SOURCE_VIEW}

    @property
    def steps(self) -> tuple[Artifact, ...]:
        """What a run computes, in the order of the flow: all but the snapshots and the baseline."""
        made = (*self.features.values(), self.tuning, self.model, self.evaluation)
        return tuple(each for each in made if each is not None)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of it, each once, the raw rows first."""
        raw = [found for views in self.raw.values() for found in views.values()]
        compared = () if self.baseline is None else (self.baseline,)
        return tuple({each.folder: each for each in (*raw, *compared, *self.steps)}.values())

    def _measured_with(self, name: str) -> dict[date, Artifact]:
        return {} if self.evaluation is None else inputs_of(self.store, self.evaluation, name)

    def _snapshots_behind(self, part: Artifact) -> dict[str, Artifact]:
        return {each.view: follow(self.store, part, each) for each in references(part.manifest)}


def lineage_of(store: Store, evaluation: Artifact) -> Lineage:
    """Return the lineage of an evaluation.

    Raises:
        StoreError: its model is gone or damaged.
    """
    [model] = inputs_of(store, evaluation, "model").values()
    return Lineage(store, model, evaluation)


def lineage_of_model(store: Store, model: Artifact) -> Lineage:
    """Return the lineage of a model, with its evaluation where it has one."""
    return Lineage(store, model, _evaluation_of(store, model))


def current_evaluation(store: Store, day: date | None) -> Artifact:
    """Return the evaluation that stands for a date; None takes the latest date that was evaluated.

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


def find_lineage(store: Store, wanted: str) -> Lineage:
    """Return the model that a person means, and what it was made from.

    Args:
        store: the pipeline's.
        wanted: a partition date, for the model of its current evaluation; or a model's key, or the first
            digits of it.

    Raises:
        SpecError: it is neither, or the digits are those of no model or of several.
        StoreError: nothing was evaluated for the date, or an artifact on the way back is gone.
    """
    if "-" in wanted:
        return lineage_of(store, current_evaluation(store, parse_partition_date(wanted)))
    if not is_key(wanted):
        raise SpecError(
            f'"{wanted}" names no model of {store.pipeline}',
            expected=f"a date as YYYY-MM-DD, or the first {SHORTEST_PREFIX} or more digits of a model's key",
            fix=f"`vintage show {store.pipeline} --date YYYY-MM-DD` prints a model's key.",
        )
    found = published(store, "model", prefix=wanted)
    if len(found) != 1:
        known = found or published(store, "model")[::-1]
        names = [f"{each.key[: max(12, len(wanted) + 1)]} of {each.date}" for each in known]
        raise SpecError(
            f"{'several keys' if found else 'no key'} of a model of {store.pipeline} "
            f'{"begin" if found else "begins"} with "{wanted}"',
            expected=f"one of {list_names(names)}" if names else "a finished run",
        )
    return lineage_of_model(store, found[0])


def evaluation_with(store: Store, day: date, key: str) -> Artifact:
    """Return the date's evaluation by the start of its key or its model's; the latest one of a model.

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
    model_of = {each.key: _model_of(each) for each in known}
    found = [each for each in known if each.key.startswith(key) or model_of[each.key].startswith(key)]
    models = sorted({model_of[each.key] for each in found})
    if not found:
        told = sorted({each.short for each in model_of.values()})
        raise StoreError(
            f"{store.pipeline} has no evaluated model {key} for {day}",
            expected=f"one of {', '.join(told)}" if told else "a finished run of that date",
            fix=f"`vintage show {store.pipeline} --date {day}` prints the current key.",
        )
    if len(models) > 1:
        raise SpecError(
            f"{key} begins the keys of {len(models)} models of {store.pipeline} for {day}",
            expected=f"more digits, of one of {', '.join(each[: len(key) + 8] for each in models)}",
        )
    return max(found, key=lambda each: each.manifest.finished)


def _evaluation_of(store: Store, model: Artifact) -> Artifact | None:
    """Return the evaluation of a model: the date's current one if it is of that model, else the latest."""
    current = store.current("evaluation", model.date)
    if current is not None and _model_of(current) == model.key:
        return current
    made = [each for each in published(store, "evaluation", day=model.date) if _model_of(each) == model.key]
    return made[-1] if made else None


def _model_of(evaluation: Artifact) -> Key:
    return next(references(evaluation.manifest, "model")).key


def _store_of(store: Store, named: Reference) -> Store:
    return store if named.view == SOURCE_VIEW else store.joined(named.view)


def _kind_of(name: str) -> Kind | None:
    """Of what an input is by its name; None for the raw rows of a snapshot."""
    if name.startswith(JOINED):
        return "snapshot"
    return _ROLES.get(name) or next((kind for kind in get_args(Kind) if kind == name), None)


def _first(found: Mapping[date, Artifact]) -> Artifact | None:
    return next(iter(found.values()), None)
