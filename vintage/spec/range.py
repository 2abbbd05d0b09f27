"""The partition dates of a range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from vintage.errors import SpecError
from vintage.spec.cron import falls_on

if TYPE_CHECKING:
    from vintage.spec.pipeline import Pipeline


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


def in_airflow(name: str, first: date, last: date) -> str:
    """The command of Airflow that retrains a pipeline's dates from the first to the last, both included.

    Airflow's range ends at a moment: to its last day's midnight it would leave that day out.
    """
    return (
        f"airflow backfill create --dag-id retrain_{name} --from-date {first} "
        f"--to-date {last}T23:59:59 --reprocess-behavior completed --max-active-runs 1"
    )
