"""Profiles of artifacts, read without Spark: counts, and the sketches that Spark made."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import datasketches
import numpy as np

from vintage.data.profile import FORMAT, NAME
from vintage.errors import StoreError
from vintage.store.details import SnapshotDetails
from vintage.store.integrity import read_intact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from vintage.store import Artifact

SKETCHES: Final = "sketches.json"
"""Of a snapshot of format 1: the sketches alone; its manifest has the rest."""


@dataclass(frozen=True)
class ColumnProfile:
    """What the values of a column are like in one artifact.

    Attributes:
        type: in Spark's words, such as `decimal(9,2)`.
        rows: how many rows there are.
        nulls: how many of them have none.
        sketch: the quantiles of a numeric column; None where it is no number, or has no value.
        values: the commonest values and how many rows have each; None where they were not counted.
    """

    type: str
    rows: int
    nulls: int
    sketch: Any = None
    values: Mapping[str, int] | None = None

    @property
    def known(self) -> int:
        """How many rows have a value."""
        return self.rows - self.nulls

    @property
    def exact(self) -> bool:
        """Whether every value is counted, and not only the commonest."""
        return self.values is not None and sum(self.values.values()) == self.known

    @property
    def kind(self) -> str:
        """How it is compared: as a `number`, a `category`, or by its nulls alone, as `other`."""
        if self.sketch is not None:
            return "number"
        return "other" if self.values is None else "category"


Profile = dict[str, ColumnProfile]
"""Column → its profile."""

_RANKS: Final = [(place + 0.5) / 200 for place in range(200)]


def pooled_quantiles(columns: Sequence[ColumnProfile], ranks: Sequence[float]) -> NDArray[np.float64]:
    """Return quantiles of the values of numeric columns together: the same ones each time.

    A merge of KLL sketches flips coins. Here each sketch gives 200 quantiles of its own, which stand for as
    many values as it has seen.

    Args:
        columns: one or more that have a sketch.
        ranks: of the quantiles, 0 to 1.
    """
    points = np.array([column.sketch.get_quantiles(_RANKS) for column in columns])
    weights = np.repeat([float(column.sketch.n) for column in columns], len(_RANKS))
    return np.asarray(np.quantile(points.ravel(), ranks, weights=weights, method="inverted_cdf"))


def read_profile(artifact: Artifact) -> Profile | None:
    """Return the profile that stands beside an artifact's rows; None where an earlier release kept none.

    Raises:
        StoreError: it is damaged, or of a later release.
    """
    content = read_intact(artifact.folder, artifact.manifest, NAME)
    if content is not None:
        return parse_profile(content, artifact.folder / NAME)
    content = read_intact(artifact.folder, artifact.manifest, SKETCHES)
    if content is None or not isinstance(artifact.manifest.details, SnapshotDetails):
        return None
    sketches = json.loads(content)
    return {
        name: _column(each, sketches.get(name, {}), artifact.row_count)
        for name, each in artifact.manifest.details.profile.items()
    }


def parse_profile(content: bytes | str, file: Path) -> Profile:
    """Return the profile that a file holds.

    Raises:
        StoreError: a later release wrote it.
    """
    told = json.loads(content)
    if told["format"] > FORMAT:
        raise StoreError(
            f"{file} was written by a later release",
            expected=f"a format up to {FORMAT}",
            found=str(told["format"]),
            fix="Use that release.",
        )
    return {name: _column(each, each, told["rows"]) for name, each in told["columns"].items()}


def _column(told: Mapping[str, Any], sketches: Mapping[str, str], rows: int) -> ColumnProfile:
    sketch = None
    if "kll" in sketches:
        sketch = datasketches.kll_doubles_sketch.deserialize(base64.b64decode(sketches["kll"]))
    top = told.get("top")
    values = None
    if top is not None:
        # Nulls are counted by themselves; a sketch of frequent items counts them with the values.
        values = {str(each["item"]): each["count"] for each in top if each["item"] is not None}
    empty = sketch is None or sketch.is_empty()
    return ColumnProfile(told["type"], rows, told["nulls"], None if empty else sketch, values)
