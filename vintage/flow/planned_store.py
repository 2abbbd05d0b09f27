"""A store as it would be if more were made: what is on the disk, and beside it what is only planned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vintage.store.artifacts import Artifact, Store
from vintage.store.details import DETAILS, Details
from vintage.store.manifest import Manifest, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vintage.store.keys import Ingredients, Kind

T = TypeVar("T")

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PlannedStore(Store):
    """Finds planned artifacts as if they had been published; writes nothing.

    What was read of the disk is remembered, for all stores that share `seen`: a plan asks for the same dates
    again and again.

    Args:
        root: folder of all pipelines' artifacts.
        pipeline: the pipeline's name.
        seen: what was read of the disk so far.
    """

    def __init__(self, root: Path, pipeline: str, seen: dict[tuple[object, ...], Any] | None = None) -> None:
        super().__init__(root, pipeline)
        self._disk = Store(root, pipeline)
        self._seen = {} if seen is None else seen
        self._joined: dict[str, PlannedStore] = {}
        self._planned: dict[tuple[Kind, date, str], Artifact] = {}
        self._current: dict[tuple[Kind, date], Artifact] = {}
        self._notes: dict[tuple[Kind, date], Mapping[str, Any]] = {}
        self._contract: str | None = None

    def unplanned(self) -> PlannedStore:
        """Return the same store without what was planned."""
        return PlannedStore(self.root, self.pipeline, self._seen)

    def plan(
        self,
        ingredients: Ingredients,
        *,
        rows: Rows | None = None,
        details: Details | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Has an artifact of these ingredients be found from now on, and be the current one of its date.

        Args:
            ingredients: what it would be made from.
            rows: what its Parquet would hold.
            details: the details of its manifest.
            note: what would be kept beside the pointer to it.
        """
        manifest = Manifest(
            kind=ingredients.kind,
            pipeline=self.pipeline,
            date=ingredients.date,
            key=ingredients.key,
            ingredients=ingredients,
            rows=rows,
            details=details or DETAILS[ingredients.kind].model_construct(),
            files=(),
            seed=ingredients.seed,
            spark_conf={},
            packages={},
            lock=None,
            git={},
            airflow={},
            started=_NEVER,
            finished=_NEVER,
        )
        artifact = Artifact(self._day(ingredients.kind, ingredients.date) / ingredients.key, manifest)
        self._planned[ingredients.kind, ingredients.date, artifact.key] = artifact
        self.point_to(artifact, note)
        return artifact

    def point_to(self, artifact: Artifact, note: Mapping[str, Any] | None = None) -> None:
        """Has an artifact be the current one of its date from now on."""
        place = (artifact.manifest.kind, artifact.date)
        self._current[place] = artifact
        self._notes[place] = {"key": artifact.key, **(note or {})}

    def is_planned(self, artifact: Artifact) -> bool:
        """Return whether the artifact does not exist yet."""
        return (artifact.manifest.kind, artifact.date, artifact.key) in self._planned

    def made(self, kind: Kind, day: date) -> Artifact | None:
        """Return the artifact that is current on the disk, whatever is planned."""
        return self._once(("current", kind, day), lambda: self._disk.current(kind, day))

    def plan_contract(self, schema_ddl: str) -> str:
        """Has the schema be recorded from now on, where none is yet."""
        self._contract = self.contract() or schema_ddl
        return self._contract

    def joined(self, name: str) -> PlannedStore:
        """Return the store of a further source, with what is planned of it."""
        if name not in self._joined:
            self._joined[name] = PlannedStore(self.root, super().joined(name).pipeline, self._seen)
        return self._joined[name]

    def find(self, kind: Kind, day: date, key: str) -> Artifact | None:
        """Return the artifact of that key, planned or published, or None."""
        planned = self._planned.get((kind, day, key))
        return planned or self._once(("find", kind, day, key), lambda: self._disk.find(kind, day, key))

    def current(self, kind: Kind, day: date) -> Artifact | None:
        """Return the artifact that is, or will be, current for that date."""
        return self._current.get((kind, day)) or self.made(kind, day)

    def pointer(self, kind: Kind, day: date) -> Mapping[str, Any] | None:
        """Return what `current.json` holds, or will hold."""
        planned = self._notes.get((kind, day))
        return planned or self._once(("pointer", kind, day), lambda: self._disk.pointer(kind, day))

    def dates(self, kind: Kind) -> tuple[date, ...]:
        """Return the dates that have, or will have, a current artifact of that kind, oldest first."""
        made = self._once(("dates", kind), lambda: self._disk.dates(kind))
        return tuple(sorted({*made, *(day for each, day in self._current if each == kind)}))

    def contract(self) -> str | None:
        """Return the schema that the first snapshot inferred, or will infer."""
        return self._contract or self._disk.contract()

    def _once(self, place: tuple[object, ...], read: Callable[[], T]) -> T:
        """Return what is read of the disk, the first time alone."""
        named = (self.folder, *place)
        if named not in self._seen:
            self._seen[named] = read()
        found: T = self._seen[named]
        return found
