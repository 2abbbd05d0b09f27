"""Artifacts in a store with next to nothing in them; each names what it was made from, as a run's do."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from vintage.registry import ledger
from vintage.store import Ingredients, Rows
from vintage.store.details import DETAILS, Details
from vintage.store.manifest import read_manifest
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from vintage.store import Artifact, Kind, Store

    Inputs = Mapping[str, Sequence[Artifact] | Mapping[str, str]]

_LEAST: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "validation": {"passed": True, "summary": "1 of 1 rules hold", "failures": {}},
    "tuning": {
        "metric": "areaUnderROC",
        "larger_is_better": True,
        "rows": 3,
        "winner": {"candidate": 0, "params": {}},
        "candidates": [{"params": {}}],
    },
    "model": {"task": "classification", "rows": {"train": 3}, "params": {}},
    "evaluation": {
        "model": "m" * 64,
        "rows": {"train": 3, "test": 1},
        "metrics": {},
        "details": {},
        "gates": [],
        "decision": {"promote": True, "reasons": []},
    },
    "predictions": {
        "model": "m" * 64,
        "model_date": "2024-03-01",
        "version": 1,
        "rows": {"given": 3, "scored": 3, "rejected": 0},
        "rejected": {},
    },
    "quality": {"metric": "areaUnderROC", "larger_is_better": True, "counts": {"predictions": 3}},
    "monitor": {"state": "calm", "against": "training"},
}


def details_of(kind: Kind, **given: Any) -> Details:
    """The details of a kind: those that are given, and the least of what else there must be."""
    return DETAILS[kind].model_validate({**_LEAST.get(kind, {}), **given})


def ingredients(
    kind: Kind,
    day: date,
    inputs: Inputs | None = None,
    *,
    seed: int = 0,
    spec: Mapping[str, Any] | None = None,
    code: str = "c",
    engines: Mapping[str, str] | None = None,
) -> Ingredients:
    """What an artifact is made from.

    Args:
        kind, day: whose.
        inputs: name → artifacts, or date → key.
        seed: tells a key from those of its like.
        spec, code, engines: as the manifest has them.
    """
    named = {
        name: read if hasattr(read, "items") else {each.manifest.date: each.key for each in read}
        for name, read in (inputs or {}).items()
    }
    return Ingredients(
        kind=kind,
        date=day.isoformat(),
        inputs=named,
        spec=spec or {},
        seed=seed,
        code=code,
        engines=engines or {},
    )


def publish_as(
    store: Store,
    named: Ingredients,
    *,
    fill: Callable[[Path], object] | None = None,
    counted: Rows | int | None = None,
    conf: Mapping[str, str] | None = None,
    **details: Any,
) -> Artifact:
    """Publishes an artifact of some ingredients.

    Args:
        store: the pipeline's.
        named: what it is made from.
        fill: writes into its folder; by itself, a file that tells which artifact it is.
        counted: the rows of its Parquet, or how many it would have.
        conf: the settings of Spark.
        details: those that are not the least of its kind.
    """
    kind, told = named.kind, details_of(named.kind, **details)
    if isinstance(counted, int):
        counted = Rows(count=counted, spark_schema={}, fingerprint=f"{named.key[:32]}-{counted}")
    with store.attempt(kind, named.date) as attempt:
        attempt.data.mkdir()
        if fill is not None:
            fill(attempt.data)
        else:
            text = f"{kind} {named.date} {named.seed}"
            (attempt.data / "content").write_text(text, encoding="utf-8")
        return store.publish(attempt, named, rows=counted, details=told, spark_conf=conf)


def publish(
    store: Store, kind: Kind, day: date, inputs: Inputs | None = None, *, seed: int = 0, **details: Any
) -> Artifact:
    """Publishes an artifact that was made from others, under a key that the seed tells from its like."""
    return publish_as(store, ingredients(kind, day, inputs, seed=seed), **details)


def publish_evaluation(store: Store, day: date, model: str, *, seed: int = 1, **details: Any) -> Artifact:
    """Publishes the evaluation of a date's model, which is named by its key."""
    told = details_of("evaluation", model=model, **details)

    def fill(folder: Path) -> None:
        (folder / "evaluation.json").write_text(told.model_dump_json(), encoding="utf-8")

    inputs: Inputs = {"model": {day.isoformat(): model}, "features": {}}
    named = ingredients("evaluation", day, inputs, seed=seed)
    return publish_as(store, named, fill=fill, model=model, **details)


def snapshot(store: Store, day: date, *, rows: str, count: int = 3, seed: int = 0) -> Artifact:
    """Publishes a snapshot whose rows have a fingerprint, and makes it the current one of its date."""
    named = ingredients("snapshot", day, {"rows": {day.isoformat(): rows}}, seed=seed)
    made = publish_as(store, named, counted=Rows(count=count, spark_schema={}, fingerprint=rows))
    store.set_current(made)
    return made


def age(artifact: Artifact, days: float) -> Artifact:
    """Makes an artifact that many days old; when it was made is no part of its key."""
    then = datetime.now(UTC) - timedelta(days=days)
    path = artifact.folder / "manifest.json"
    rewrite(path, finished=then.isoformat())
    os.utime(path, (then.timestamp(), then.timestamp()))
    manifest = read_manifest(artifact.folder)
    assert manifest is not None
    return replace(artifact, manifest=manifest)


def rewrite(path: Path, **changes: Any) -> None:
    """Changes fields of a sealed file as one may who knows how it is sealed."""
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(seal(content)), encoding="utf-8")


def decide(
    store: Store, model: Artifact, evaluation: Artifact, *, version: int, action: ledger.Action = "promoted"
) -> None:
    """Adds a line to the ledger."""
    entry = ledger.Entry(
        action=action,
        pipeline=store.pipeline,
        date=str(model.date),
        model_key=model.key,
        evaluation_key=evaluation.key,
        version=version,
        champion_before=None,
        reasons=(),
    )
    assert ledger.append(store.ledger_path, entry)
