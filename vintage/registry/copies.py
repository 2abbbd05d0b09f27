"""MLflow's copy of a model: fetched, and compared with the manifest before anything of it is loaded."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.errors import StoreError, TrackingError
from vintage.registry.agreement import is_dated
from vintage.registry.tracking import DESCRIPTION, MODEL, described_alike
from vintage.store import check_files
from vintage.store.files import file_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from vintage.registry.tracking import Tracking, Version
    from vintage.store import Artifact, Store
    from vintage.store.manifest import DataFile

_TOLD: Final = 3
_PREFIX: Final = f"data/{MODEL}/"


@dataclass(frozen=True)
class Copy:
    """What MLflow holds of a version.

    Attributes:
        version: whose.
        model: what it is a copy of.
        problems: how its files differ from the model's; empty where they do not.
    """

    version: Version
    model: Artifact
    problems: tuple[str, ...]

    @property
    def told(self) -> str:
        """The problems for a person to read."""
        more = f"; and {len(self.problems) - _TOLD} more" if len(self.problems) > _TOLD else ""
        return "; ".join(self.problems[:_TOLD]) + more


@contextmanager
def verified_copy(tracking: Tracking, model: Artifact, version: Version) -> Iterator[Path]:
    """Yield a folder of what MLflow holds for a version, each byte of which is as the store's manifest says.

    MLflow writes ids of its own into the file that describes the model. All else in it must be the same; then
    the store's takes its place, whose digest is known.

    Raises:
        StoreError: the model in the store, or MLflow's copy of it, is not what was made.
        TrackingError: MLflow cannot be reached, or has no copy.
    """
    check_files([model])
    with _fetched(tracking, model, version) as (copy, found):
        if found.problems:
            raise StoreError(
                f"MLflow's copy of version {version.version} of {model.manifest.pipeline} is not the model "
                f"that was fitted for {model.manifest.date}",
                expected=f"the files of {model.data / MODEL}",
                found=found.told,
                fix="Nothing of it was loaded, and nothing was decided. Find out who wrote there; then "
                f"`vintage registry repair {model.manifest.pipeline}` copies the model anew.",
            )
        original = described_alike(copy / DESCRIPTION, model.data / MODEL)
        shutil.copyfile(original or model.data / MODEL / DESCRIPTION, copy / DESCRIPTION)
        yield copy


def copies_of(
    store: Store, tracking: Tracking, versions: Iterable[Version], *, leave: Collection[str] = ()
) -> Iterator[Copy]:
    """Yield what MLflow holds of each version whose model is in the store, and how its files differ.

    Args:
        store: the pipeline's.
        tracking: where the copies are.
        versions: whose.
        leave: keys of models that the store itself has not as they were made.

    Raises:
        StoreError: a model in the store is damaged.
    """
    for version in versions:
        model = None
        if is_dated(version) and version.key not in leave:
            model = store.find("model", date.fromisoformat(version.date), version.key)
        if model is None:
            continue
        try:
            with _fetched(tracking, model, version) as (_, found):
                pass
        except TrackingError as error:
            found = Copy(version, model, (str(error),))
        yield found


@contextmanager
def _fetched(tracking: Tracking, model: Artifact, version: Version) -> Iterator[tuple[Path, Copy]]:
    """Yield a temporary folder with MLflow's copy of a version, and how it differs from the model."""
    with tempfile.TemporaryDirectory(prefix="vintage-copy-") as scratch:
        folder = tracking.fetch_copy(version, model.manifest.pipeline, Path(scratch))
        yield folder, Copy(version, model, tuple(problems_of(folder, model)))


def problems_of(copy: Path, model: Artifact) -> list[str]:
    """Return how the files of a copy differ from those of the model; empty where they do not."""
    wanted = _files(model)
    there = {path.relative_to(copy).as_posix(): path for path in copy.rglob("*") if not path.is_dir()}
    problems = [f"{name} is missing" for name in sorted(wanted.keys() - there.keys())]
    problems += [f"{name} is no file of the model" for name in sorted(there.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & there.keys()):
        path, entry = there[name], wanted[name]
        if name == DESCRIPTION:
            if described_alike(path, model.data / MODEL) is None:
                problems.append(f"{name} describes another model")
            continue
        digest = "" if path.stat().st_size != entry.size else file_digest(path)
        if not digest:
            problems.append(f"{name} has {path.stat().st_size} bytes instead of {entry.size}")
        elif digest != entry.sha256:
            problems.append(f"{name} has SHA-256 {digest[:12]}… instead of {entry.sha256[:12]}…")
    return problems


def _files(model: Artifact) -> Mapping[str, DataFile]:
    """Name within the folder → what the manifest says of it."""
    files = model.manifest.files
    return {each.path.removeprefix(_PREFIX): each for each in files if each.path.startswith(_PREFIX)}
