"""Artifacts in a store that name each other as a run's do, with next to nothing in them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.manifests import details as details_of
from vintage.registry import ledger
from vintage.store import Ingredients, Rows
from vintage.store.manifest import read_manifest
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from vintage.store import Artifact, Store
    from vintage.store.keys import Kind

Inputs = dict[str, list["Artifact"]]


def publish(
    store: Store, kind: Kind, day: date, inputs: Inputs | None = None, *, seed: int = 0, **details: Any
) -> Artifact:
    """Publishes an artifact that was made from others, under a key that the seed tells from its like."""
    named: Mapping[str, Mapping[str, str]] = {
        name: {each.manifest.date: each.key for each in made} for name, made in (inputs or {}).items()
    }
    made_from = Ingredients(
        kind=kind, date=day.isoformat(), inputs=named, spec={}, seed=seed, code="c", engines={}
    )
    with store.attempt(kind, day) as attempt:
        attempt.data.mkdir()
        (attempt.data / "content").write_text(f"{kind} {day} {seed}", encoding="utf-8")
        return store.publish(attempt, made_from, details=details_of(kind, **details))


def snapshot(store: Store, day: date, *, rows: str, count: int = 3, seed: int = 0) -> Artifact:
    """Publishes a snapshot whose rows have a fingerprint, and makes it the current one of its date."""
    made_from = Ingredients(
        kind="snapshot",
        date=day.isoformat(),
        inputs={"rows": {day.isoformat(): rows}},
        spec={},
        seed=seed,
        code="c",
        engines={},
    )
    with store.attempt("snapshot", day) as attempt:
        attempt.data.mkdir()
        made = store.publish(
            attempt, made_from, rows=Rows(count=count, spark_schema={}, fingerprint=rows), details={}
        )
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
