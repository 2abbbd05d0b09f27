"""The manifest: what an artifact is, what produced it, and how to reproduce it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError, ValidationInfo, field_validator

from vintage.errors import StoreError, unreadable
from vintage.store.details import DETAILS, Details
from vintage.store.keys import Ingredients, Key, Kind
from vintage.store.reading import content_of
from vintage.store.sealing import seal, unseal

NAME = "manifest.json"
REPAIR = "`vintage verify --repair` sets the artifact aside, and the next run makes it again"


class DataFile(BaseModel):
    """A file of an artifact.

    Attributes:
        path: path relative to the artifact's folder.
        size: bytes.
        sha256: SHA-256 of its content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    sha256: str


class Rows(BaseModel):
    """The rows of an artifact's Parquet files.

    Attributes:
        count: number of rows.
        spark_schema: schema as Spark's JSON.
        fingerprint: digest of the rows that does not depend on their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    spark_schema: Mapping[str, Any]
    fingerprint: str


class Manifest(BaseModel):
    """The manifest of an artifact, written last into its folder; immutable from then on.

    Attributes:
        kind: kind of the artifact.
        pipeline: name of the pipeline; `<pipeline>/joins/<name>` for a joined source.
        date: partition date.
        key: SHA-256 of the ingredients.
        ingredients: everything that determines the artifact.
        rows: the rows of its Parquet files; null without any.
        details: results of its kind.
        files: all files but the manifest.
        seed: seed of every random choice.
        spark_conf: Spark settings that results depend on.
        packages: versions of Python, Java and the installed packages that take part.
        lock: SHA-256 of `uv.lock`; null when there is none.
        git: `commit`, and whether the tree is `clean`; null where it is unknown.
        airflow: the Airflow task that made the artifact; empty outside Airflow.
        mlflow_run_id: the MLflow run of the model; null for kinds that belong to no model.
        modules: module of Vintage that computed the artifact → start of its digest; empty in manifests of
            releases that did not keep it.
        started: when the step started, UTC.
        finished: when it published, UTC.
        format: version of this format; 1 has no digest.
        digest: digest of all other fields; null with format 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    pipeline: str
    date: dt.date
    key: Key
    ingredients: Ingredients
    rows: Rows | None = None
    details: SerializeAsAny[Details]
    files: tuple[DataFile, ...]
    seed: int
    spark_conf: Mapping[str, str]
    packages: Mapping[str, str]
    lock: str | None
    git: Mapping[str, str | bool | None]
    airflow: Mapping[str, str]
    mlflow_run_id: str | None = None
    modules: Mapping[str, str] = {}
    started: dt.datetime
    finished: dt.datetime
    format: int = 1
    digest: str | None = None

    @field_validator("details", mode="before")
    @classmethod
    def _parse_details(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        return value if kind is None else DETAILS[kind].model_validate(value)

    def sealed(self) -> Manifest:
        """Return the manifest with its digest."""
        both = seal(json.loads(self.model_dump_json()))
        return self.model_copy(update={"format": both["format"], "digest": both["digest"]})

    @property
    def named(self) -> str:
        """Describe the artifact: `model 9f86d081884c of wine for 2024-01-01`."""
        return f"{self.kind} {self.key.short} of {self.pipeline} for {self.date}"

    @property
    def seconds(self) -> float:
        """Seconds that the step took; 0 when the clock was set back meanwhile."""
        return max(0.0, (self.finished - self.started).total_seconds())


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of an artifact's folder; None without one: then there is no artifact.

    Raises:
        StoreError: the file is not a manifest, is not as it was written, or is not the one of this folder.
    """
    path = folder / NAME
    try:
        text = content_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        raw = json.loads(text)
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{first['msg']} at {'.'.join(map(str, first['loc'])) or 'the top'}"
        raise _damaged(f"{path} is not a manifest", told) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(f"{path} is not a manifest", str(error)) from error
    try:
        unseal(raw)
    except ValueError as error:
        raise _damaged(f"{path} is not as it was written", str(error)) from error
    if manifest.modules and manifest.digest is None:
        raise _damaged(
            f"{path} is not as it was written", "no digest, though it has `modules`, which is younger"
        )
    if not manifest.key == manifest.ingredients.key == folder.name:
        raise _damaged(
            f"{path} does not match its own key",
            f"{manifest.ingredients.key} from its ingredients",
            folder.name,
        )
    place = (*manifest.pipeline.split("/"), manifest.kind, f"date={manifest.date}", manifest.key)
    named = (manifest.ingredients.kind, manifest.ingredients.date)
    if folder.absolute().parts[-len(place) :] != place or named != (manifest.kind, manifest.date):
        raise _damaged(f"{path} is of another artifact than its folder", "/".join(place), str(folder))
    return manifest


def _damaged(what: str, found: str, expected: str = "") -> StoreError:
    return StoreError(
        what,
        expected=expected,
        found=found,
        fix=f"The file was damaged or edited; {REPAIR}.",
    )
