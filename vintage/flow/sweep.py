"""Remove unreferenced artifacts from the store: `vintage gc`."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import BaseModel, ConfigDict

from vintage.errors import SpecError, TrackingError
from vintage.lineage.sweeping import Sweeper
from vintage.registry import ledger
from vintage.spec.names import NAME, did_you_mean, list_names, sentence
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.lineage.sweeping import Leftover
    from vintage.registry.tracking import Version
    from vintage.spec import Home

log = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=90)


class Registry(Protocol):
    """The registered versions; `Tracking` is one."""

    def check(self) -> None:
        """Make sure that it answers."""

    def versions(self, pipeline: str) -> tuple[Version, ...]:
        """Return every registered version of a pipeline."""


class Swept(BaseModel):
    """Something that went, or would.

    Attributes:
        path: below the store.
        what: the artifact's kind, `report`, `attempt`, `file` or `swept`.
        date: its partition date; empty where it has none.
        key: the artifact's; empty where it is not one.
        size: bytes.
        why: what speaks for it.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    what: str
    date: str
    key: str
    size: int
    why: str


class SweptPipeline(BaseModel):
    """What a sweep did, or would do, in the store of one pipeline.

    Attributes:
        pipeline: its name.
        kept: how many artifacts something names.
        swept: what went, or would.
        warnings: what could not be read and was kept, and why nothing went that could.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    kept: int
    swept: tuple[Swept, ...]
    warnings: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes together."""
        return sum(each.size for each in self.swept)


def sweep(
    home: Home,
    registry: Registry,
    names: Sequence[str] = (),
    *,
    older_than: timedelta = KEPT_FOR,
    dry_run: bool = False,
) -> tuple[SweptPipeline, ...]:
    """Delete orphans and unreferenced artifacts, or tell what would be deleted.

    MLflow's own artifacts are copies, and are not touched.

    Args:
        home: where the store is.
        registry: names models that stay.
        names: the pipelines; all that are in the store when none is named, also those without a file by now.
        older_than: unreferenced artifacts stay that long, a day at the least.
        dry_run: whether nothing is to be changed.

    Raises:
        SpecError: no such pipeline, or too short a time.
        TrackingError: MLflow cannot be asked what is registered, or is not the one of the store.
        StoreError: something cannot be read or deleted.
    """
    if older_than < timedelta(days=1):
        raise SpecError(
            "what is younger than a day is not swept",
            expected="one day or more: a running job's artifacts have nothing that names them yet",
            found=f"{older_than.days}d",
        )
    pipelines = pipelines_of(home, names)
    if pipelines:
        # Of all, before anything goes anywhere.
        registry.check()
    done = []
    for name in pipelines:
        store = Store(home.store, name)
        sweeper = Sweeper(store, partial(_registered, registry, store), older_than=older_than)
        found = sweeper.look()
        for warning in found.warnings:
            log.warning("%s: %s", name, warning)
        gone = found.leftovers if dry_run else sweeper.sweep(found)
        told = tuple(_told(home, each) for each in gone)
        done.append(SweptPipeline(pipeline=name, kept=found.kept, swept=told, warnings=found.warnings))
    return tuple(done)


def pipelines_of(home: Home, names: Sequence[str]) -> tuple[str, ...]:
    """Return the pipelines that the store has something of, those that are named, if any is.

    Raises:
        SpecError: a name is not a valid pipeline name.
    """
    in_store = sorted(path.name for path in home.store.glob("*/") if NAME.fullmatch(path.name))
    for name in names:
        if name not in in_store and name not in home.pipeline_names():
            known = {*in_store, *home.pipeline_names()}
            raise SpecError(
                f"there is no pipeline {name!r}",
                expected=f"one of {list_names(sorted(known))}",
                fix=sentence(did_you_mean(name, known)),
            )
    return tuple(name for name in in_store if not names or name in names)


def _registered(registry: Registry, store: Store) -> set[str]:
    versions = registry.versions(store.pipeline)
    entries = ledger.read(store.ledger_path)
    if entries and not versions:
        raise TrackingError(
            f"MLflow has no version of {store.pipeline}",
            expected=f"version {entries[-1].version} at the least, which the ledger names",
            fix="Nothing of it was deleted. Look whether MLFLOW_TRACKING_URI names the MLflow of this store.",
        )
    return {version.key for version in versions}


def _told(home: Home, leftover: Leftover) -> Swept:
    return Swept(
        path=leftover.path.relative_to(home.store).as_posix(),
        what=leftover.what,
        date=leftover.date,
        key=leftover.key,
        size=leftover.size,
        why=leftover.why,
    )
