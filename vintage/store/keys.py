"""Names for what a step makes: a key is the SHA-256 of everything that decides the result."""

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
    """The name of an artifact, or of any content: a SHA-256 as hexadecimal digits.

    >>> Key("9f86d081884c7d659a2feaa0c55ad015").short
    '9f86d081884c'
    """

    __slots__ = ()

    @property
    def short(self) -> str:
        """The first 12 digits, which tell it apart for a person."""
        return self[:12]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, handler(str))


def canonical_json(value: object) -> str:
    """JSON with one spelling for one value: sorted names, no spaces, no NaN.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> Key:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return Key(hashlib.sha256(canonical_json(value).encode()).hexdigest())


class Ingredients(BaseModel):
    """Everything that decides what a step makes, and nothing else: no time, host, path or run id.

    Attributes:
        kind: what is made.
        date: the partition date.
        inputs: kind → date → key of each artifact that is read; for a snapshot, `rows` → date → fingerprint.
        spec: the part of the pipeline's YAML (and suite) that the step reads.
        seed: the seed of every random choice.
        code: digest of the source that computes it.
        engines: versions of what runs that source.
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
        """The artifact's name."""
        return digest(self.model_dump(mode="json"))
