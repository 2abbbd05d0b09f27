"""Lists what restated raw data touches: rows, models, predictions, who serves, what would retrain them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vintage.data.changed_rows import changed_rows
from vintage.data.redelivered import redelivered
from vintage.flow.restated import impact_of, restated_dates
from vintage.flow.restatement import Impact, Pending
from vintage.spec import SOURCE_VIEW
from vintage.store import Store, windows

if TYPE_CHECKING:
    from datetime import date

    from vintage.data.changed_rows import RowChange
    from vintage.flow.restatement import Restated
    from vintage.session import SparkProvider
    from vintage.spec import Pipeline

log = logging.getLogger(__name__)


def impact(
    pipeline: Pipeline, store: Store, *, day: date | None = None, spark: SparkProvider | None = None
) -> Impact:
    """Return what a pipeline's restatements touch; nothing is written.

    Args:
        pipeline: the spec.
        store: its store.
        day: the date whose rows changed; None looks at all.
        spark: compares the rows; without it manifests and raw files' names, sizes and times tell all.

    Raises:
        StoreError: a pointer is damaged, or files of a snapshot are missing.
    """
    restated = restated_dates(store, day)
    if spark is not None:
        restated = tuple(
            each.model_copy(update={"changes": _changes(pipeline, store, each, spark)}) for each in restated
        )
    pending = [
        Pending(source=each.view, date=each.day, told=each.told) for each in redelivered(pipeline, store, day)
    ]
    return impact_of(store, restated, pending)


def _changes(
    pipeline: Pipeline, store: Store, restated: Restated, spark: SparkProvider
) -> tuple[RowChange, ...]:
    """Row by row, from each version of other rows to what stands now, oldest first."""
    own = windows.store_of(store, restated.source)
    now = own.find("snapshot", restated.date, restated.standing.key)
    # The key is one of the pipeline's rows; what a joined source's rows are distinguished by nobody has said.
    key = pipeline.preprocess.key if restated.source == SOURCE_VIEW else ()
    by_rows = {each.fingerprint: each for each in restated.old}
    found = []
    for version in by_rows.values():
        before = own.find("snapshot", restated.date, version.key)
        if before is not None and now is not None:
            found.append(changed_rows(spark(), before, now, key))
    return tuple(found)
