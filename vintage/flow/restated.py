"""Finds what a restatement touches: what was made of rows that came again otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from vintage.flow.restatement import (
    Impact,
    Predictions,
    Restated,
    ScoredRows,
    SnapshotVersion,
    TouchedModel,
    Use,
    Watched,
)
from vintage.lineage.graph import Reference, references
from vintage.registry import ledger
from vintage.registry.timeline import champion_history
from vintage.spec.range import in_airflow
from vintage.store.details import PredictionsDetails
from vintage.store.keys import Key
from vintage.store.versions import all_of, published_folders, versions, views_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from vintage.flow.restatement import Pending, Role, State
    from vintage.registry.ledger import Entry
    from vintage.store import Artifact, Store

_Snapshot = tuple[str, date, Key]
"""View, date and key."""


def restated_dates(store: Store, only: date | None = None) -> tuple[Restated, ...]:
    """Return the dates whose standing snapshot has other rows than one before it, of all sources.

    A snapshot of the same rows that has another key, because code or engine changed, is no restatement.

    Args:
        store: the pipeline's store.
        only: a date to look at alone.

    Raises:
        StoreError: a pointer is damaged.
    """
    found = []
    for view, own in views_of(store).items():
        for day, folders in published_folders(own, "snapshot").items():
            if len(folders) == 1 or only not in {None, day}:
                continue
            standing = own.pointer("snapshot", day)
            told = [_version(each, standing) for each in versions(own, "snapshot", day) if each.manifest.rows]
            now = next((each for each in told if each.current), None)
            if now is None or all(each.fingerprint == now.fingerprint for each in told):
                continue
            found.append(Restated(source=view, date=day, versions=tuple(told)))
    return tuple(found)


def impact_of(store: Store, restated: Iterable[Restated], pending: Iterable[Pending] = ()) -> Impact:
    """Return what was made from rows that were restated, from the manifests and the ledger alone.

    Args:
        store: the pipeline's store.
        restated: the dates in question.
        pending: and those whose raw files changed since their snapshot.

    Raises:
        StoreError: a pointer is damaged.
    """
    dates, waiting = tuple(restated), tuple(pending)
    lineage = _Lineage(
        store, old=dict(_old_rows(dates)), waiting={(each.source, each.date) for each in waiting}
    )
    models = tuple(_touched(store, lineage)) if dates or waiting else ()
    scored = tuple(_scored(store, lineage, {each.key for each in models})) if dates or waiting else ()
    watched = tuple(_watched(store, lineage)) if dates or waiting else ()
    again = tuple(sorted({each.date for each in models if each.retrain}))
    name = store.pipeline
    return Impact(
        pipeline=name,
        restated=dates,
        pending=waiting,
        models=models,
        retrain=again,
        commands=tuple(f"vintage run {name} --date {day}" for day in again),
        backfills=tuple(
            f"vintage backfill {name} --from {first} --to {last}" for first, last in _stretches(again)
        ),
        airflow_backfills=tuple(in_airflow(name, first, last) for first, last in _stretches(again)),
        predictions=scored,
        score=tuple(f"vintage score {name} --date {each.date}" for each in scored if each.again),
        watched=watched,
        watch=tuple(f"vintage {each.kind} {name} --date {each.date}" for each in watched if each.again),
    )


@dataclass
class _Lineage:
    """Follows feature partitions to the snapshots behind them, each once."""

    store: Store
    old: Mapping[_Snapshot, State]
    waiting: set[tuple[str, date]]
    _known: dict[tuple[date, Key], tuple[Reference, ...]] = field(default_factory=dict)

    def uses(self, artifact: Artifact, role: Role) -> Iterator[Use]:
        """Yield the restated rows that an artifact names as its input, and those behind such features."""
        seen = set()
        for raw in self._raw_rows(artifact):
            snapshot = (raw.view, raw.date, raw.key)
            waiting = (raw.view, raw.date) in self.waiting
            state = self.old.get(snapshot) or ("pending" if waiting else None)
            if state is not None and snapshot not in seen:
                seen.add(snapshot)
                yield Use(role=role, source=raw.view, date=raw.date, snapshot=raw.key, state=state)

    def _raw_rows(self, artifact: Artifact) -> Iterator[Reference]:
        inputs = tuple(references(artifact.manifest))
        yield from (each for each in inputs if each.kind == "snapshot")
        for each in inputs:
            if each.kind == "features":
                yield from self._behind(each.date, each.key)

    def _behind(self, day: date, key: Key) -> tuple[Reference, ...]:
        if (day, key) not in self._known:
            part = self.store.find("features", day, key)
            self._known[day, key] = tuple(references(part.manifest)) if part else ()
        return self._known[day, key]


def _touched(store: Store, lineage: _Lineage) -> Iterator[TouchedModel]:
    entries = ledger.read(store.ledger_path)
    moves = champion_history(entries)
    evaluations: dict[Key, list[Artifact]] = {}
    for each in all_of(store, "evaluation"):
        for judged_model in references(each.manifest, "model"):
            evaluations.setdefault(judged_model.key, []).append(each)
    for model in all_of(store, "model"):
        judged = sorted(evaluations.get(model.key, ()), key=lambda each: each.manifest.finished)
        made_from = (*lineage.uses(model, "learnt"), *_tuned(store, model, lineage))
        tested = {each.key: tuple(lineage.uses(each, "tested")) for each in judged}
        uses = tuple(dict.fromkeys((*made_from, *(use for found in tested.values() for use in found))))
        if not uses:
            continue
        standing = store.pointer("evaluation", model.date)
        stands = next((each for each in judged if standing and each.key == standing["key"]), None)
        fitted = store.pointer("model", model.date)
        # A model that is not evaluated yet stands by its own pointer.
        unjudged = standing is None and fitted is not None and fitted["key"] == model.key
        served = tuple(date.fromisoformat(since) for since, entry in moves if entry.model_key == model.key)
        serves = bool(moves) and moves[-1][1].model_key == model.key
        yield TouchedModel(
            date=model.date,
            key=model.key,
            made=model.manifest.finished,
            version=_registered(entries, model.key),
            uses=uses,
            evaluations=tuple(Predictions(key=each.key, stands=each is stands) for each in judged),
            stands=stands is not None or unjudged,
            champion="serves" if serves else "served" if served else "never",
            served_from=served,
            retrain=bool(made_from and unjudged)
            or (stands is not None and bool(made_from or tested[stands.key])),
        )


def _scored(store: Store, lineage: _Lineage, models: Collection[str]) -> Iterator[ScoredRows]:
    for each in all_of(store, "predictions"):
        uses, details = tuple(lineage.uses(each, "scored")), PredictionsDetails.of(each)
        if uses or details.model in models:
            standing = store.pointer("predictions", each.date)
            yield ScoredRows(
                date=each.date,
                key=each.key,
                made=each.manifest.finished,
                model=details.model,
                version=details.version,
                model_touched=details.model in models,
                uses=uses,
                stands=standing is not None and standing["key"] == each.key,
            )


def _watched(store: Store, lineage: _Lineage) -> Iterator[Watched]:
    roles: Mapping[Literal["monitor", "quality"], Role] = {"monitor": "compared", "quality": "measured"}
    for kind, role in roles.items():
        for each in all_of(store, kind):
            uses = tuple(lineage.uses(each, role))
            if uses:
                standing = store.pointer(kind, each.date)
                stands = standing is not None and standing["key"] == each.key
                learnt = _learnt(each)
                yield Watched(
                    kind=kind,
                    date=each.date,
                    key=each.key,
                    made=each.manifest.finished,
                    uses=uses,
                    stands=stands,
                    again=stands and any(use.date not in learnt for use in uses),
                )


def _learnt(monitor: Artifact) -> frozenset[date]:
    """Return the dates of a monitor whose rows the model behind its reference learnt from: these stay."""
    named = monitor.manifest.ingredients
    if monitor.manifest.kind != "monitor" or "model" not in named.inputs:
        return frozenset()
    dates: Mapping[str, Iterable[str]] = named.spec.get("reference", {})
    return frozenset(
        date.fromisoformat(each) for kind in ("snapshot", "features") for each in dates.get(kind, ())
    )


def _tuned(store: Store, model: Artifact, lineage: _Lineage) -> Iterator[Use]:
    for each in references(model.manifest, "tuning"):
        tuning = store.find(each.kind, each.date, each.key)
        if tuning is not None:
            yield from lineage.uses(tuning, "tuned")


def _old_rows(restated: Iterable[Restated]) -> Iterator[tuple[_Snapshot, State]]:
    for each in restated:
        for version in each.old:
            yield (each.source, each.date, version.key), "restated"


def _version(snapshot: Artifact, standing: Mapping[str, object] | None) -> SnapshotVersion:
    return SnapshotVersion(
        key=snapshot.key,
        fingerprint=snapshot.rows_fingerprint,
        rows=snapshot.row_count,
        taken=snapshot.manifest.finished,
        current=standing is not None and standing["key"] == snapshot.key,
    )


def _registered(entries: Iterable[Entry], key: str) -> int | None:
    return next((entry.version for entry in entries if entry.model_key == key), None)


def _stretches(dates: Iterable[date]) -> list[tuple[date, date]]:
    """First and last of each run of days that follow each other; the dates come oldest first."""
    found: list[tuple[date, date]] = []
    for day in dates:
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
