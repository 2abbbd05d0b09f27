"""Reads all that the store holds, and MLflow's copies of it, and tells what is damaged: `vintage verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vintage.errors import StoreError, TrackingError
from vintage.flow.sweep import pipelines_of
from vintage.lineage.checking import Broken, check
from vintage.registry import ledger
from vintage.registry.copies import copies_of
from vintage.registry.tracking import Tracking
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.registry.copies import Copy
    from vintage.spec import Home


class Damaged(BaseModel):
    """A file that is not as it was written.

    Attributes:
        path: below the store; of MLflow's copy of a model, its version.
        what: the artifact's kind, `pointer`, `contract`, `ledger` or `copy`.
        date: the partition date; empty where there is none.
        key: the artifact's; empty where it is not one.
        expected, found: what ought to be there, and what is.
        repair: what was done about it; empty when nothing was.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    what: str
    date: str
    key: str
    expected: str
    found: str
    repair: str


class VerifiedPipeline(BaseModel):
    """What a check found in the store of one pipeline.

    Attributes:
        pipeline: its name.
        artifacts, files, size: how many were read, and their bytes.
        copies: how many of MLflow's copies of models were read.
        damaged: what is not as it was written.
        unread: why MLflow's copies were not read; empty when they were.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    artifacts: int
    files: int
    size: int
    copies: int
    damaged: tuple[Damaged, ...]
    unread: str

    @property
    def left(self) -> tuple[Damaged, ...]:
        """What is still in a reader's way."""
        return tuple(each for each in self.damaged if not each.repair)


def verify(home: Home, names: Sequence[str] = (), *, repair: bool = False) -> tuple[VerifiedPipeline, ...]:
    """Compare every file in the store, and in MLflow's copies of models, with its manifest.

    Args:
        home: where the store and MLflow are.
        names: the pipelines; all that are in the store when none is named.
        repair: whether damaged artifacts are set aside, and pointers and contracts repaired; copies are not.

    Raises:
        SpecError: there is no such pipeline.
        StoreError: something cannot be read for another reason than damage, or cannot be repaired.
    """
    return tuple(_verified(home, name, repair=repair) for name in pipelines_of(home, names))


def _verified(home: Home, name: str, *, repair: bool) -> VerifiedPipeline:
    store = Store(home.store, name)
    found = check(store, repair=repair)
    try:
        ledger.read(store.ledger_path)
    except StoreError as error:
        found.broken.append(Broken(store.ledger_path, "ledger", "", "", error.expected, str(error)))
    copies, unread = _copies(home, store, {each.key for each in found.broken})
    return VerifiedPipeline(
        pipeline=name,
        artifacts=found.artifacts,
        files=found.files,
        size=found.size,
        copies=len(copies),
        damaged=(
            *(
                Damaged(
                    path=each.path.relative_to(home.store).as_posix(),
                    what=each.what,
                    date=each.date,
                    key=each.key,
                    expected=each.expected,
                    found=each.found,
                    repair=each.repair,
                )
                for each in found.broken
            ),
            *(_damaged_copy(each) for each in copies if each.problems),
        ),
        unread=unread,
    )


def _copies(home: Home, store: Store, broken: set[str]) -> tuple[list[Copy], str]:
    """MLflow's copies of the models that the store has, and why they were not read."""
    tracking = Tracking.of(home)
    if not tracking.exists:
        return [], ""
    try:
        versions = tracking.registered(store.pipeline).versions
        return list(copies_of(store, tracking, versions, leave=broken)), ""
    except TrackingError as error:
        return [], str(error)


def _damaged_copy(copy: Copy) -> Damaged:
    pipeline = copy.model.manifest.pipeline
    return Damaged(
        path=f"version {copy.version.version} of {pipeline} in MLflow",
        what="copy",
        date=copy.version.date,
        key=copy.model.key,
        expected=f"the files of the model; `vintage registry repair {pipeline} --apply` copies it anew",
        found=copy.told,
        repair="",
    )
