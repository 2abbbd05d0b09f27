"""Whether a twin takes raw rows: the SQL of preprocess is compiled, and compared with the stored features."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from vintage.ml.row_sql import LeftToSpark, compile_query, raw_types
from vintage.registry.tracking import MODEL, TWIN
from vintage.spec import SOURCE_VIEW
from vintage.store.details import RawParityDetails
from vintage.twin import Twin, TwinError
from vintage.twin.raw import RawTwin, is_raw
from vintage.twin.raw_parity import Digests, closest, digests_of, first_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from vintage.spec import Pipeline
    from vintage.store import Artifact
    from vintage.twin.description import Description, Preparation

log = logging.getLogger(__name__)

EXAMPLES: Final = 16


def compiled(pipeline: Pipeline, snapshot: Artifact, described: Description) -> Preparation | LeftToSpark:
    """Compile what makes the columns that a model reads of a raw row.

    Args:
        pipeline: its preprocess.
        snapshot: of one date; all of a window have the same columns.
        described: the model's twin.
    """
    preprocess = pipeline.preprocess
    if preprocess.function is not None:
        return LeftToSpark(f"preprocess.function is your own code: {preprocess.function}")
    if preprocess.sql is None or snapshot.manifest.rows is None:
        return LeftToSpark("preprocess has no SQL")
    raw = raw_types(snapshot.manifest.rows.spark_schema)
    wanted = {each.name: each.type for each in described.inputs}
    found = compile_query(preprocess.sql, raw, wanted)
    if isinstance(found, LeftToSpark):
        return found
    odd = [each for each in found.inputs if not is_raw(each.type)]
    if odd:
        return LeftToSpark(f"the raw column `{odd[0].name}` is of type {odd[0].type.upper()}")
    return found


def examples(snapshot: Artifact, preparation: Preparation) -> dict[str, list[Any]]:
    """Return the first raw rows of a snapshot, as JSON has them: column → values."""
    return first_rows(files_of(snapshot), preparation.inputs, EXAMPLES)


def holdout_raw_parity(
    model: Artifact, snapshots: Mapping[date, Mapping[str, Artifact]], features: Mapping[date, Artifact]
) -> RawParityDetails | None:
    """Hold what a twin makes of raw rows against the stored features, for every row of some dates.

    Which raw row became which row of the features is not stored, so each date is compared as a whole: the
    same rows, each as often. That the WHERE keeps what Spark kept, is proved by the same.

    Args:
        model: whose files were verified.
        snapshots: date → view → raw rows.
        features: the holdout's dates, with their features.

    Returns:
        Up to the first date that differs; None for a model that does not take raw rows.
    """
    folder = model.data / MODEL / TWIN
    if not folder.is_dir() or (twin := Twin.load(folder)).preparation is None:
        return None
    started, rows = time.monotonic(), 0
    for day, made in features.items():
        raw = snapshots.get(day, {}).get(SOURCE_VIEW)
        if raw is None:
            return RawParityDetails(rows=rows, differs=f"the snapshot of {day} is not in the store")
        try:
            told = _of_date(RawTwin(twin), files_of(raw), files_of(made))
        except TwinError as error:
            told = str(error)
        except Exception as error:
            # Of whatever kind: features it takes all the same.
            log.warning("the raw rows of %s cannot be compared", day, exc_info=error)
            told = f"the raw rows cannot be compared: {type(error).__name__}: {error}"
        rows += raw.row_count
        if told:
            log.warning("the model takes features, not raw rows: on %s %s", day, told)
            return RawParityDetails(rows=rows, differs=f"on {day} {told}")
    log.info("%d raw rows give the stored features: %.1f s", rows, time.monotonic() - started)
    return RawParityDetails(rows=rows)


def files_of(artifact: Artifact) -> list[Path]:
    """Return the Parquet of an artifact, whose bytes were compared with its manifest."""
    return sorted(artifact.data.glob("*.parquet"))


def _of_date(twin: RawTwin, raw: Sequence[Path], features: Sequence[Path]) -> str:
    """Return how what a date's raw rows give differs from its features; empty where it does not."""
    ours, theirs = Digests(), Digests()
    for digest, _ in _made(twin, raw):
        ours.add(digest)
    for digest, _ in digests_of(features, twin.twin.inputs):
        theirs.add(digest)
    if ours == theirs:
        return ""
    more = Counter(digest for digest, _ in digests_of(features, twin.twin.inputs))
    more.subtract(digest for digest, _ in _made(twin, raw))
    for number, (digest, row) in enumerate(_made(twin, raw)):
        if more[digest] < 0:
            others = (other for known, other in digests_of(features, twin.twin.inputs) if more[known] > 0)
            return _told(twin, number, row, closest(row, others))
    return f"the SQL keeps {ours.count} rows, and Spark kept {theirs.count}"


def _made(twin: RawTwin, raw: Sequence[Path]) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    yield from digests_of(raw, twin.inputs, twin.raw.features, twin.twin.inputs)


def _told(twin: RawTwin, number: int, row: tuple[Any, ...], other: tuple[Any, ...] | None) -> str:
    if other is None:
        return f"kept row {number} of the SQL occurs more often than among the stored features"
    names = [each.name for each in twin.twin.inputs]
    column = next(
        place for place, pair in enumerate(zip(row, other, strict=True)) if repr(pair[0]) != repr(pair[1])
    )
    return f"`{names[column]}` of kept row {number} is {row[column]!r}, Spark's is {other[column]!r}"
