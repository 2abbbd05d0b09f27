"""What every job's main does: read arguments, open the store, call the job, end with one readable line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from vintage.flow.job import configure_logging, open_job, report
from vintage.processes import ends_in_order
from vintage.spec import Home
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vintage.flow.job import Job

log = logging.getLogger(__name__)

RESULT_FILE: Final = "VINTAGE_RESULT_FILE"
"""Variable of the environment: a file for the result of a job."""


def main(
    run: Callable[..., object], description: str | None, further: Mapping[str, str] | None = None
) -> NoReturn:
    """Run one job as a program: exit code 0, or that of its error with one line last in the log.

    Args:
        run: takes the job, and each further argument by its name.
        description: for `--help`.
        further: name → help of an argument that this job alone has; None where it is not given.
    """
    parser = _parser(description)
    for name, told in (further or {}).items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=told)
    arguments = parser.parse_args()
    configure_logging()
    started = time.monotonic()
    with ends_in_order() as signals, ExitStack() as last:
        try:
            close_to_others(os.environ)
            home = Home.from_environment(os.environ)
            job = open_job(home, arguments.pipeline, arguments.date, arguments.set)
            last.callback(job.spark.stop)
            made = run(job, **{name: getattr(arguments, name) for name in further or {}})
            if file := os.environ.get(RESULT_FILE):
                tell(job, made, Path(file))
        except Exception as error:
            if signals:
                raise
            sys.exit(report(error))
    log.info("done in %.1f s", time.monotonic() - started)
    sys.exit(0)


def tell(job: Job, made: object, file: Path) -> None:
    """Write what came of a job into a file, as JSON."""
    from vintage.report.job_result import result_of

    file.write_text(
        result_of(job.home, job.store, job.date, made, job.window).model_dump_json(), encoding="utf-8"
    )


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--pipeline", required=True, help="name of a file in pipelines/, without .yaml")
    parser.add_argument("--date", required=True, help="partition date, YYYY-MM-DD")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STAGE.PARAM=VALUE",
        help="a stage's Param for this run alone",
    )
    return parser
