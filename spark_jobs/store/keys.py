"""Names for what a step makes: a key is the SHA-256 of everything that decides the result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["snapshot", "validation", "features", "tuning", "model", "evaluation", "predictions"]

KEY_FORMAT: Final = 1
"""Raised when the store itself comes to mean something else by the same ingredients."""


def canonical_json(value: object) -> str:
    """JSON with one spelling for one value: sorted names, no spaces, no NaN.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


class Ingredients(BaseModel):
    """Everything that decides what a step makes, and nothing else: no time, host, path or run id.

    Attributes:
        kind: what is made.
        date: the partition date, ISO 8601.
        inputs: kind → date → key of each artifact that is read; for a snapshot, `rows` → date → fingerprint.
        spec: the part of the pipeline's YAML (and suite) that the step reads.
        seed: the seed of every random choice.
        code: digest of the source that computes it.
        engines: versions of what runs that source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    date: str
    inputs: Mapping[str, Mapping[str, str]]
    spec: Mapping[str, Any]
    seed: int
    code: str
    engines: Mapping[str, str]
    format: int = KEY_FORMAT

    @property
    def key(self) -> str:
        """The artifact's name."""
        return digest(self.model_dump(mode="json"))
