"""Lists what restated raw data touches: rows, models, predictions, who serves, what would retrain them."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from spark_jobs.job import configure_logging, report
from spark_jobs.report.impact import impact_of, restated_dates
from spark_jobs.report.restatement import Impact, Pending
from spark_jobs.sources.changed_rows import changed_rows
from spark_jobs.sources.redelivered import redelivered
from spark_jobs.spec import SOURCE_VIEW, Home, load_pipeline, parse_partition_date
from spark_jobs.spec.permissions import close_to_others
from spark_jobs.store import Store, windows

if TYPE_CHECKING:
    from datetime import date

    from spark_jobs.report.restatement import Restated
    from spark_jobs.session import SparkProvider
    from spark_jobs.sources.changed_rows import RowChange
    from spark_jobs.spec import Pipeline

log = logging.getLogger(__name__)


def impact(
    pipeline: Pipeline, store: Store, *, day: date | None = None, spark: SparkProvider | None = None
) -> Impact:
    """What a pipeline's restatements touch; nothing is written.

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
    # The key is one of the pipeline's rows; what a joined source's rows are told apart by nobody has said.
    key = pipeline.preprocess.key if restated.source == SOURCE_VIEW else ()
    by_rows = {each.fingerprint: each for each in restated.old}
    found = []
    for version in by_rows.values():
        before = own.find("snapshot", restated.date, version.key)
        if before is not None and now is not None:
            found.append(changed_rows(spark(), before, now, key))
    return tuple(found)


def main() -> NoReturn:
    """The program of a nightly check: as `vintage impact --no-rows`, its answer in a file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--pipeline", required=True, help="name of a file in pipelines/, without .yaml")
    parser.add_argument("--date", help="the date whose rows changed, YYYY-MM-DD; all of them when left out")
    parser.add_argument("--output", required=True, help="file to write the answer to, as JSON")
    arguments = parser.parse_args()
    configure_logging()
    try:
        close_to_others(os.environ)
        home = Home.from_environment(os.environ)
        pipeline = load_pipeline(home, arguments.pipeline)
        day = parse_partition_date(arguments.date) if arguments.date else None
        found = impact(pipeline, Store(home.store, pipeline.name), day=day)
        Path(arguments.output).write_text(found.model_dump_json(), encoding="utf-8")
    except Exception as error:
        sys.exit(report(error))
    log.info(
        "%s: %d dates restated, %d changed since their snapshot, %d models touched, %d dates to retrain",
        found.pipeline,
        len(found.restated),
        len(found.pending),
        len(found.models),
        len(found.retrain),
    )
    sys.exit(0)


if __name__ == "__main__":
    main()
