"""What the registry tells MLflow, and what it hears back, in Vintage's terms."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vintage.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "vintage.key"
DATE: Final = "vintage.date"
PIPELINE: Final = "vintage.pipeline"
LEDGER: Final = "vintage.ledger"
"""Of the registered model: how many lines the ledger has, and the digest of them."""

# MLflow refuses longer ones, or cuts them without a word.
LONGEST_NAME: Final = 250
LONGEST_PARAM: Final = 6000
LONGEST_TAG: Final = 8000
LONGEST_DESCRIPTION: Final = 5000
LONGEST_DIGEST: Final = 36

_NOT_IN_NAMES: Final = re.compile(r"[^\w.\-: /]")
_COLUMN_TYPES: Final[Mapping[str, str]] = {
    "byte": "integer",
    "short": "integer",
    "integer": "integer",
    "int": "integer",
    "long": "long",
    "bigint": "long",
    "float": "float",
    "double": "double",
    "boolean": "boolean",
    "string": "string",
    "binary": "binary",
    "date": "datetime",
    "timestamp": "datetime",
    "timestamp_ntz": "datetime",
}


@dataclass(frozen=True)
class TrainingData:
    """One date's rows as one side of a model's data.

    Attributes:
        name: what MLflow lists it as; differs from date to date.
        date: the partition date.
        fingerprint: of the rows, independent of their order.
        rows: how many there are.
        path: where they are.
        schema: column → Spark type.
        context: what the model did with them.
    """

    name: str
    date: str
    fingerprint: str
    rows: int
    path: str
    schema: Mapping[str, str]
    context: Literal["training", "testing"]

    @property
    def digest(self) -> str:
        """The fingerprint at the length that MLflow takes; the profile has all of it."""
        return self.fingerprint[:LONGEST_DIGEST]

    @property
    def columns(self) -> list[dict[str, str | bool]]:
        """The schema in MLflow's names; a type that MLflow has no name for keeps Spark's."""
        return [
            {"name": name, "type": _COLUMN_TYPES.get(kind, kind), "required": False}
            for name, kind in self.schema.items()
        ]


@dataclass(frozen=True)
class Table:
    """A table that MLflow shows.

    Attributes:
        columns: their names.
        rows: the cells of each, as JSON has them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | bool | None, ...], ...]


@dataclass(frozen=True)
class Version:
    """A registered version of a pipeline's model.

    Attributes:
        version: counted by the registry from 1; gaps may occur.
        run_id: the MLflow run that made it.
        key: the model's key; empty for a version that someone registered by hand.
        date: the partition date, as YYYY-MM-DD; empty likewise.
    """

    version: int
    run_id: str
    key: str
    date: str


@dataclass(frozen=True)
class Registered:
    """What the registry knows of a pipeline.

    Attributes:
        versions: every version, oldest first.
        champion: the version that has the alias; None when there is none.
        ledger: how far the ledger went at its last record; None before that.
    """

    versions: tuple[Version, ...] = ()
    champion: Version | None = None
    ledger: str | None = None

    def with_key(self, key: str) -> Version | None:
        """Return the version of a model; that which has the alias, or the lowest, should there be several."""
        if self.champion is not None and self.champion.key == key:
            return self.champion
        return next((version for version in self.versions if version.key == key), None)


@dataclass(frozen=True)
class TriedCandidate:
    """One candidate of a tuning.

    Attributes:
        number: its place in the grid, from 0.
        params: `Stage.param` → value, as text.
        metrics: name → value: the mean, and that of each part which judged it.
        error: why it gave no model; empty when it did.
        won: whether it is the one that was chosen.
    """

    number: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    error: str = ""
    won: bool = False


def shortened(text: str, longest: int) -> str:
    """Return the text, or its beginning and a digest of the whole, so that long texts stay distinct."""
    if len(text) <= longest:
        return text
    tail = f"… sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]} of {len(text)} characters"
    return text[: longest - len(tail)] + tail


def accepted_name(name: str) -> str:
    """Return a param's, metric's or tag's name in the characters and the length that MLflow takes."""
    clean = _NOT_IN_NAMES.sub("_", name)
    if len(clean) <= LONGEST_NAME:
        return clean
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{clean[: LONGEST_NAME - len(digest) - 1]}_{digest}"


def accepted_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags as MLflow takes them."""
    return {accepted_name(name): accepted_text(str(value), LONGEST_TAG) for name, value in tags.items()}


def accepted_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the params as MLflow takes them."""
    return {accepted_name(name): accepted_text(str(value), LONGEST_PARAM) for name, value in params.items()}


def accepted_text(text: str, longest: int) -> str:
    """Return a text that every database of MLflow accepts: no NUL, no half of a character."""
    return shortened(printable(text, keep="\n\t"), longest)
