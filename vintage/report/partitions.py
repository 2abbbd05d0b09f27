"""The raw rows behind a model, by source and date, with what their validation found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vintage.data.undated import UNDATED
from vintage.spec import SOURCE_VIEW
from vintage.store import Key
from vintage.store.details import FeaturesDetails, SnapshotDetails, ValidationDetails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.store import Artifact, Store


class Validation(BaseModel):
    """What a suite found in a date's rows.

    Attributes:
        passed: whether every critical rule holds.
        summary: how many rules hold, in words.
        failures: each rule that does not hold, in a line.
        docs: the file of the Data Docs.
    """

    model_config = ConfigDict(frozen=True)

    passed: bool
    summary: str
    failures: tuple[str, ...]
    docs: Path


class Partition(BaseModel):
    """The raw rows of a source for one date, as a model was trained on them or was tested on them.

    Attributes:
        source: `source`, or the name of a joined one.
        date: the partition date; of an undated joined source, that of its snapshot.
        fingerprint: of the rows' content; None for what holds no rows.
        validation: None where what a suite found is gone, or where there was none.
        undated: how many rows of the delivery had no day, and belong to no date.
        nulls: column → how many of its values are null, where any is and the snapshot counted them.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    date: dt.date
    key: Key
    rows: int
    fingerprint: str | None
    validation: Validation | None
    undated: int = 0
    nulls: Mapping[str, int] = {}


def partitions_of(
    store: Store,
    features: Mapping[dt.date, Artifact],
    snapshots: Mapping[dt.date, Artifact],
    joined: Mapping[str, Mapping[dt.date, Artifact]],
) -> Iterator[Partition]:
    """Yield the raw rows behind the features: the source's by date, then each joined source's."""
    for view, dated in {SOURCE_VIEW: snapshots, **joined}.items():
        # An undated source that is joined has one snapshot for many dates.
        seen: set[Key] = set()
        for day, found in sorted(dated.items()):
            if found.key in seen:
                continue
            seen.add(found.key)
            key = FeaturesDetails.of(features[day]).validation.get(view)
            yield Partition(
                source=view,
                date=found.date,
                key=found.key,
                rows=found.row_count,
                fingerprint=found.manifest.rows.fingerprint if found.manifest.rows else None,
                validation=_validation(store if view == SOURCE_VIEW else store.joined(view), found, key),
                undated=undated_rows(found),
                nulls=_nulls(found),
            )


def undated_rows(snapshot: Artifact) -> int:
    """Return how many rows of the delivery had no day."""
    return int(SnapshotDetails.of(snapshot).raw.get(UNDATED, 0))


def _nulls(snapshot: Artifact) -> dict[str, int]:
    counted = {name: each.get("nulls") or 0 for name, each in SnapshotDetails.of(snapshot).profile.items()}
    return {name: nulls for name, nulls in counted.items() if nulls}


def _validation(store: Store, snapshot: Artifact, key: Key | None) -> Validation | None:
    found = store.find("validation", snapshot.date, key) if key else None
    if found is None:
        return None
    details = ValidationDetails.of(found)
    return Validation(
        passed=details.passed,
        summary=details.summary,
        failures=details.failures.all,
        docs=found.place / "index.html",
    )
