"""A store with what one model was made from, and sweeps of it."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.artifacts import age, publish, snapshot
from vintage.lineage.sweeping import Sweeper
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vintage.lineage.sweeping import Leftover
    from vintage.store import Artifact

DAY = date(2024, 3, 6)
OLD = 100.0
"""Days; what nothing names stays for 90."""


def sweeper(store: Store, registered: Iterable[str] = ()) -> Sweeper:
    return Sweeper(store, lambda: set(registered), older_than=timedelta(days=90))


def sweep(store: Store, registered: Iterable[str] = ()) -> tuple[Leftover, ...]:
    sweeping_now = sweeper(store, registered)
    return sweeping_now.sweep(sweeping_now.look(), settle=0)


def keys(store: Store) -> set[str]:
    return {path.parent.name for path in store.folder.rglob("manifest.json")}


def written(path: Path, *, days: float) -> Path:
    """Makes a path and all below it that many days old."""
    then = time.time() - days * 86400
    for each in (*path.rglob("*"), path):
        os.utime(each, (then, then))
    return path


def tree(store: Store) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in store.root.rglob("*")}


def full_lineage(store: Store, seed: int = 0) -> dict[str, Artifact]:
    """All that one model was made from and that was made from it, without pointers; a hundred days old."""
    raw = snapshot(store, DAY, rows=f"rows {seed}", seed=seed)
    paint = snapshot(store.joined("paint"), DAY, rows=f"paint {seed}", seed=seed)
    made = {"snapshot": raw, "paint": paint}
    made["validation"] = publish(store, "validation", DAY, {"snapshot": [raw]}, seed=seed)
    made["features"] = publish(
        store,
        "features",
        DAY,
        {"snapshot": [raw], "join.paint": [paint]},
        seed=seed,
        validation={"source": made["validation"].key},
    )
    made["tuning"] = publish(store, "tuning", DAY, {"features": [made["features"]]}, seed=seed)
    made["model"] = publish(
        store, "model", DAY, {"features": [made["features"]], "tuning": [made["tuning"]]}, seed=seed
    )
    made["evaluation"] = publish(
        store, "evaluation", DAY, {"model": [made["model"]], "features": [made["features"]]}, seed=seed
    )
    for pointer in store.folder.rglob("current.json"):
        pointer.unlink()
    return {name: age(artifact, OLD) for name, artifact in made.items()}
