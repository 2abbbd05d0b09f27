"""Where artifacts live, how one comes to be visible in one atomic step, and how a reader finds it."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import shutil
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import StoreError, Unreadable, unreadable
from vintage.store import aside, files, integrity
from vintage.store.code import short_digests
from vintage.store.engines import airflow_task, git_state, package_versions
from vintage.store.leases import lease
from vintage.store.manifest import NAME, Manifest, Rows, read_manifest
from vintage.store.reading import content_of
from vintage.store.sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vintage.store.details import Details
    from vintage.store.keys import Ingredients, Key, Kind

log = logging.getLogger(__name__)

CURRENT: Final = "current.json"
CONTRACT: Final = "contract.json"
ATTEMPT_PREFIX: Final = ".attempt-"


@dataclass(frozen=True)
class Artifact:
    """A published artifact: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def key(self) -> Key:
        """The artifact's name."""
        return self.manifest.key

    @property
    def date(self) -> date:
        """The partition date."""
        return self.manifest.date

    @property
    def place(self) -> Path:
        """The path of what the artifact holds, to be reported; who reads it takes `data`."""
        return self.folder / "data"

    @property
    def data(self) -> Path:
        """The folder of what the artifact holds, once every byte of it was compared with the manifest.

        Raises:
            StoreError: the artifact is damaged.
        """
        self.check_files()
        return self.place

    @property
    def row_count(self) -> int:
        """Rows of its Parquet; 0 for an artifact that holds none."""
        return self.manifest.rows.count if self.manifest.rows else 0

    @property
    def rows_fingerprint(self) -> str:
        """The content of its Parquet; empty for an artifact that holds none."""
        return self.manifest.rows.fingerprint if self.manifest.rows else ""

    def check_files(self) -> None:
        """Compare the files of many artifacts, several at once, with their manifests.

        A process reads an artifact for that once, as long as its files do not change.

        Raises:
            StoreError: a file is not what was written, is missing, or was added.
        """
        integrity.require_intact([(self.folder, self.manifest)])


def check_files(artifacts: Iterable[Artifact]) -> None:
    """Compare the files of many artifacts, several at once, with their manifests.

    Raises:
        StoreError: an artifact is damaged.
    """
    integrity.require_intact((artifact.folder, artifact.manifest) for artifact in artifacts)


@dataclass
class Attempt:
    """A folder that belongs to one attempt alone; nothing in it is visible until it is published."""

    folder: Path
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def data(self) -> Path:
        """Where the attempt puts what it makes; does not exist yet, because Spark wants to make it."""
        return self.folder / "data"


class Store:
    """The artifacts of one pipeline below a root folder.

    Args:
        root: folder of all pipelines' artifacts, on a POSIX file system.
        pipeline: the pipeline's name.
    """

    def __init__(self, root: Path, pipeline: str) -> None:
        self.root = root
        self.pipeline = pipeline
        self.folder = root / pipeline

    def joined(self, name: str) -> Store:
        """Return the store of a further source: its snapshots and what validated them."""
        return Store(self.root, f"{self.pipeline}/joins/{name}")

    def check_writable(self) -> None:
        """Try a write, so that a full or read-only store is reported before any work.

        Raises:
            StoreError: nothing can be written below the root.
        """
        with files.as_store_error(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f"{ATTEMPT_PREFIX}probe-{uuid.uuid4().hex}"
            probe.write_text("probe", encoding="utf-8")
            probe.unlink()

    def find(self, kind: Kind, day: date, key: str) -> Artifact | None:
        """Return the published artifact of that key, or None.

        Raises:
            StoreError: its manifest is damaged.
        """
        folder = self._day(kind, day) / key
        manifest = read_manifest(folder)
        return None if manifest is None else Artifact(folder, manifest)

    def current(self, kind: Kind, day: date) -> Artifact | None:
        """Return the current artifact of a date; None when there is none, or it was set aside.

        Raises:
            StoreError: the pointer leads nowhere.
        """
        pointer = self.pointer(kind, day)
        if pointer is None:
            return None
        artifact = self.find(kind, day, str(pointer["key"]))
        if artifact is None:
            folder = self._day(kind, day) / str(pointer["key"])
            if aside.in_place_of(folder):
                log.warning("%s was damaged and set aside; the next run replaces it", folder)
                return None
            raise StoreError(
                f"{self._day(kind, day) / CURRENT} names an artifact that is gone",
                expected=f"a folder {pointer['key']} with a {NAME}",
                fix=f"Bring the folder back, or remove {CURRENT} and run the step again.",
            )
        return artifact

    def pointer(self, kind: Kind, day: date) -> Mapping[str, Any] | None:
        """Return the content of `current.json`, or None.

        Raises:
            StoreError: the file is damaged.
        """
        return _read_sealed(
            self._day(kind, day) / CURRENT,
            "key",
            what="is not a pointer",
            expected="a key, as it was written",
            fix="Run `vintage verify --repair`, or remove it and run the step again.",
        )

    def set_current(self, artifact: Artifact, note: Mapping[str, Any] | None = None) -> None:
        """Make the artifact the current one of its date, in one atomic step.

        Args:
            artifact: a published artifact.
            note: what to keep beside the key (a snapshot keeps what its raw files looked like).
        """
        path = self._day(artifact.manifest.kind, artifact.date) / CURRENT
        content = {"key": artifact.key, **(note or {})}
        if self.pointer(artifact.manifest.kind, artifact.date) != content:
            files.replace_text(path, json.dumps(seal(content), indent=2) + "\n")

    def dates(self, kind: Kind) -> tuple[date, ...]:
        """Return the dates that have a current artifact of that kind, oldest first."""
        found = (self.folder / kind).glob(f"date=*/{CURRENT}")
        return tuple(sorted(date.fromisoformat(path.parent.name.removeprefix("date=")) for path in found))

    @contextlib.contextmanager
    def attempt(self, kind: Kind, day: date) -> Iterator[Attempt]:
        """Yield a folder for one attempt, on the file system of its destination; removed unless published.

        Raises:
            StoreError: it cannot be written.
        """
        parent = self._day(kind, day)
        with files.as_store_error(parent):
            attempt = Attempt(parent / f"{ATTEMPT_PREFIX}{uuid.uuid4().hex}")
            attempt.folder.mkdir(parents=True)
            try:
                with lease(attempt.folder):
                    yield attempt
            finally:
                shutil.rmtree(attempt.folder, ignore_errors=True)

    def publish(
        self,
        attempt: Attempt,
        ingredients: Ingredients,
        *,
        rows: Rows | None = None,
        details: Details,
        spark_conf: Mapping[str, str] | None = None,
        mlflow_run_id: str | None = None,
    ) -> Artifact:
        """Make the attempt visible under its key, manifest last, in one rename; the first to publish wins.

        Returns:
            The published artifact: this attempt's, or the one that another attempt published before.

        Raises:
            StoreError: the write failed, the key is taken by other content, or a damaged artifact of that key
                had other content.
        """
        with files.as_store_error(attempt.folder):
            files.remove_checksums(attempt.folder)
            manifest = Manifest(
                kind=ingredients.kind,
                pipeline=self.pipeline,
                date=ingredients.date,
                key=ingredients.key,
                ingredients=ingredients,
                rows=rows,
                details=details,
                files=files.listing(attempt.folder),
                seed=ingredients.seed,
                spark_conf=spark_conf or {},
                packages=package_versions(),
                lock=files.lock_digest(),
                git=git_state(),
                airflow=airflow_task(),
                mlflow_run_id=mlflow_run_id,
                modules=short_digests(ingredients.kind),
                started=attempt.started,
                finished=datetime.now(UTC),
            ).sealed()
            final = attempt.folder.parent / manifest.key
            aside.check_promise(final, manifest)
            files.write_durably(attempt.folder / NAME, manifest.model_dump_json(indent=2) + "\n")
            files.sync_tree(attempt.folder)
            while not _renamed(attempt.folder, final):
                theirs = self._adopt(manifest)
                if theirs is not None:
                    return theirs
            files.sync_folder(final.parent)
            integrity.written(final, manifest)
        return Artifact(final, manifest)

    def contract(self) -> str | None:
        """Return the schema that the first snapshot inferred, as DDL; None before that."""
        found = _read_sealed(
            self.folder / CONTRACT,
            "schema",
            what="cannot be read",
            expected="the schema that the first snapshot inferred, as it was written",
            fix="Run `vintage verify --repair`: the snapshots' manifests have the schema too.",
        )
        return None if found is None else str(found["schema"])

    def record_contract(self, schema_ddl: str) -> str:
        """Keep the inferred schema for all later dates; the first to record one wins, and is returned."""
        with files.as_store_error(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            content = json.dumps(seal({"schema": schema_ddl}), indent=2) + "\n"
            files.create_text(self.folder / CONTRACT, content)
        return self.contract() or schema_ddl

    @property
    def ledger_path(self) -> Path:
        """The append-only record of promotions, refusals and rollbacks."""
        return self.folder / "ledger.jsonl"

    def _adopt(self, ours: Manifest) -> Artifact | None:
        """Return what another attempt published; None where a sweep took it just now."""
        theirs = self.find(ours.kind, ours.date, ours.key)
        if theirs is None:
            folder = self._day(ours.kind, ours.date) / ours.key
            if not folder.exists() or (folder / NAME).exists():
                return None
            raise StoreError(
                f"{folder} is in the way",
                expected="no such folder, or one with a manifest",
                fix="It was not made by a publish; move it away and run the step again.",
            )
        if ours.rows and theirs.manifest.rows and ours.rows.fingerprint != theirs.manifest.rows.fingerprint:
            raise StoreError(
                f"{ours.kind} {ours.key} for {ours.date} was made before with other content",
                expected=f"rows with fingerprint {theirs.manifest.rows.fingerprint}",
                found=ours.rows.fingerprint,
                fix="The step is not deterministic: look in its SQL for rand(), now(), first() and the like.",
            )
        return theirs

    def _day(self, kind: Kind, day: date) -> Path:
        return self.folder / kind / f"date={day.isoformat()}"


def _read_sealed(path: Path, field: str, *, what: str, expected: str, fix: str) -> Mapping[str, Any] | None:
    """Return what a small file of the store holds, a text by that name among it; None where there is no file.

    Raises:
        StoreError: it is not as it was written, or may not be read.
    """
    try:
        value = json.loads(content_of(path))
        if isinstance(value, dict) and isinstance(value.get(field), str):
            return unseal(value)
        found = repr(value)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        refused = unreadable(path, error)
        if isinstance(refused, Unreadable):
            raise refused from error
        found = refused.found
    except (ValueError, RecursionError) as error:
        found = str(error)
    raise StoreError(f"{path} {what}", expected=expected, found=found, fix=fix)


def _renamed(folder: Path, final: Path) -> bool:
    """Return whether the folder is there now; not where another one is."""
    try:
        folder.rename(final)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        return False
    return True
