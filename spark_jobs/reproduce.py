"""Make the model of a date again from the manifests alone, beside the original, and compare the two."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import NoReturn

from vintage.cli.reproduction_view import show
from vintage.cli.screen import Console
from vintage.flow.job import configure_logging, report
from vintage.flow.reproduce import reproduce, require_same
from vintage.processes import ends_in_order
from vintage.spec import Home, parse_partition_date
from vintage.spec.permissions import close_to_others

log = logging.getLogger(__name__)


def main() -> NoReturn:
    """Run it as a program: exit code 0 when all is the same, 6 when not, else that of the error."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--pipeline", required=True, help="name of a pipeline that was run")
    parser.add_argument("--date", required=True, help="partition date, YYYY-MM-DD")
    parser.add_argument("--key", default="", help="of the model; default: the current one of the date")
    arguments = parser.parse_args()
    configure_logging()
    try:
        with ends_in_order():
            close_to_others(os.environ)
            home = Home.from_environment(os.environ)
            day = parse_partition_date(arguments.date)
            found = reproduce(home, arguments.pipeline, day, arguments.key)
            show(found, Console(highlight=False))
            require_same(found)
    except Exception as error:
        sys.exit(report(error))
    log.info("the same in %d comparisons: %.1f s", len(found.steps), found.seconds)
    sys.exit(0)


if __name__ == "__main__":
    main()
