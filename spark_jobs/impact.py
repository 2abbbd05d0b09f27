"""List what restated raw data touches, without looking at rows: the answer goes to a file, as JSON."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

from vintage.flow.impact import impact
from vintage.flow.job import configure_logging, report
from vintage.spec import Home, load_pipeline, parse_partition_date
from vintage.spec.permissions import close_to_others
from vintage.store import Store

log = logging.getLogger(__name__)


def main() -> NoReturn:
    """Return the program of a nightly check: as `vintage impact PIPELINE --no-rows`, its answer in a file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--pipeline", required=True, help="name of a file in pipelines/, without .yaml")
    parser.add_argument("--date", help="the date whose rows changed, YYYY-MM-DD; default: every date")
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
