"""The partition dates of a range."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError
from vintage.spec.cron import falls_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec.pipeline import Pipeline

CHECKOUT: Final = Path(__file__).resolve().parents[2]
EMBEDDED_AIRFLOW: Final = Path("data") / "airflow"


@dataclass(frozen=True)
class Dates:
    """The days of a range, oldest first: those that the schedule makes, and those that it skips."""

    scheduled: tuple[date, ...]
    skipped: tuple[date, ...]


def dates_of(pipeline: Pipeline, first: date, last: date) -> Dates:
    """Return the days from the first to the last, both included, by the calendar, whatever a clock does.

    Raises:
        SpecError: the last is before the first, or one of them is not the pipeline's.
    """
    if last < first:
        raise SpecError(f"--to {last} is before --from {first}", expected="a range, both ends included")
    for day in (first, last):
        pipeline.window_dates(day)
    every = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
    return Dates(
        tuple(day for day in every if falls_on(pipeline.schedule, day)),
        tuple(day for day in every if not falls_on(pipeline.schedule, day)),
    )


def in_airflow(name: str, first: date, last: date, environ: Mapping[str, str] = os.environ) -> str:
    """Return the command that retrains a range of dates in Airflow, as it works in this shell.

    In a checkout without the user's own Airflow it is `make backfill`, which knows the embedded Airflow or
    starts it; `airflow` itself would take, or make, another one in `~/airflow`.

    Args:
        name: the pipeline's.
        first: the first partition date.
        last: the last one, included.
        environ: where AIRFLOW_HOME names the user's own Airflow.
    """
    own = Path(environ.get("AIRFLOW_HOME") or EMBEDDED_AIRFLOW)
    embedded = own == Path(environ.get("VINTAGE_HOME") or ".") / EMBEDDED_AIRFLOW or own == EMBEDDED_AIRFLOW
    if embedded and (CHECKOUT / "local" / "backfill.py").is_file():
        where = "" if Path.cwd() == CHECKOUT else f" -C {shlex.quote(str(CHECKOUT))}"
        return f"make{where} backfill FROM={first} TO={last} PIPELINE={name}"
    # Airflow's range ends at a moment: to its last day's midnight it would leave that day out.
    return (
        f"airflow backfill create --dag-id retrain_{name} --from-date {first} "
        f"--to-date {last}T23:59:59 --reprocess-behavior completed --max-active-runs 1"
    )
