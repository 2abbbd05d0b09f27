"""Keys of artifacts: the SHA-256 of everything that determines the result."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from vintage.spec.flow import Kind

__all__ = ["KEY_FORMAT", "Ingredients", "Key", "Kind", "canonical_json", "digest"]

KEY_FORMAT: Final = 1
"""Raised when the store itself comes to mean something else by the same ingredients."""


class Key(str):
    """The key of an artifact, or the digest of any content: a SHA-256 in hexadecimal digits.

    >>> Key("9f86d081884c7d659a2feaa0c55ad015").short
    '9f86d081884c'
    """

    __slots__ = ()

    @property
    def short(self) -> str:
        """The first 12 digits, enough for a person to distinguish keys."""
        return self[:12]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, handler(str))


def canonical_json(value: object) -> str:
    """Return JSON with one spelling for each value: sorted names, no spaces, no NaN.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot represent.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> Key:
    """Return the SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return Key(hashlib.sha256(canonical_json(value).encode()).hexdigest())


class Ingredients(BaseModel):
    """Everything that determines an artifact, and nothing else: no time, host, path or run id.

    Attributes:
        kind: kind of the artifact.
        date: partition date.
        inputs: kind → date → key of each artifact that the step reads; for a snapshot, `rows` → date →
            fingerprint.
        spec: the part of the pipeline's YAML (and suite) that the step reads.
        seed: seed of every random choice.
        code: digest of the source code that computes the artifact.
        engines: versions of Spark, Python and Java.
        format: version of the key format.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    date: dt.date
    inputs: Mapping[str, Mapping[dt.date, Key]]
    spec: Mapping[str, Any]
    seed: int
    code: Key
    engines: Mapping[str, str]
    format: int = KEY_FORMAT

    @property
    def key(self) -> Key:
        """The key of the artifact."""
        return digest(self.model_dump(mode="json"))
