"""What commands print with `--json` that no other room has a model of."""

from __future__ import annotations

# Pydantic reads the annotations when the classes are made.
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from vintage.flow.sweep import SweptPipeline
from vintage.flow.verify import VerifiedPipeline


class Started(BaseModel):
    """What `vintage init` made.

    Attributes:
        pipeline, suite: the files.
        raw: the folder of the sample.
        dates: its partition dates, oldest first.
        date_column: the column that they come from; None where there is none.
        key, label: as guessed or told.
        left_out: column of the file → why it is not in the schema.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    suite: str
    raw: str
    dates: tuple[str, ...]
    date_column: str | None
    key: tuple[str, ...]
    label: str
    left_out: Mapping[str, str]


class Checked(BaseModel):
    """What `vintage check` found.

    Attributes:
        home: the folder of the pipelines.
        pipelines, suites: how many there are.
        problems: each with its file and line; the exit code is 2 where there are any.
        warnings: what only may go wrong.
    """

    model_config = ConfigDict(frozen=True)

    home: str
    pipelines: int
    suites: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


class Written(BaseModel):
    """What `vintage report` wrote: the path of the page."""

    model_config = ConfigDict(frozen=True)

    page: str


class Repaired(BaseModel):
    """What `vintage registry repair` would do or did.

    Attributes:
        pipeline: whose registry.
        applied: whether it was done.
        contradictions: what is or was wrong.
        steps: each step of the repair.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    applied: bool
    contradictions: tuple[str, ...]
    steps: tuple[str, ...]


class Swept(BaseModel):
    """What `vintage gc` removed or would remove: all bytes, and each pipeline."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    size: int
    pipelines: tuple[SweptPipeline, ...]


class Verified(BaseModel):
    """What `vintage verify` found, by pipeline."""

    model_config = ConfigDict(frozen=True)

    pipelines: tuple[VerifiedPipeline, ...]
