"""What every job works with: its pipeline, date, store and session; and how its errors are reported."""

from __future__ import annotations

import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from vintage.errors import (
    REFUSALS,
    DataError,
    EnvironmentProblem,
    OutOfMemory,
    SpecError,
    StoreError,
    VintageError,
    printable,
)
from vintage.session import (
    SparkProvider,
    damaged_read,
    disk_refusal,
    executors_refusal,
    jvm_is_gone,
    memory_refusal,
    root_cause,
)
from vintage.spec import (
    Home,
    InvalidSpec,
    Pipeline,
    feature_columns,
    feature_types,
    load_pipeline,
    load_suite,
    parse_partition_date,
    submit_conf,
)
from vintage.spec.names import list_names
from vintage.spec.partition import require_begun
from vintage.store import Store, windows
from vintage.store.engines import engines, java_major

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from vintage.registry.tracking import Tracking
    from vintage.spec import Problem, Suite

log = logging.getLogger(__name__)

DATES_AT_ONCE = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One step of one pipeline for one partition date."""

    home: Home
    pipeline: Pipeline
    date: dt.date
    store: Store
    spark: SparkProvider

    def begin(self) -> None:
        """Check that the store is writable, and start Spark in the background.

        Raises:
            StoreError: the store cannot be written.
        """
        self.store.check_writable()
        self.spark.begin()

    @property
    def window(self) -> tuple[dt.date, ...]:
        """The training and holdout dates, oldest first; an undated source has only the run's own."""
        return windows.window_of(self.pipeline, self.date)

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """The dates whose rows the run needs, oldest first: its window's, and those that it is tuned on.

        An undated source has rows of the run's own date alone: what it held on another cannot be read today.
        """
        tuned_on = self.pipeline.tuning_date(self.date)
        if tuned_on == self.date or not self.pipeline.source.dated:
            return self.window
        return tuple(sorted({*self.window, *windows.window_of(self.pipeline, tuned_on)}))


def open_job(
    home: Home, name: str, day: str, overrides: Sequence[str] = (), *, spark: SparkProvider | None = None
) -> Job:
    """Return a job from the words of a command line.

    Raises:
        SpecError: the pipeline, the date or an override is not what it must be, or the date is to come.
        EnvironmentProblem: there is no Java that Spark can use.
    """
    pipeline = load_pipeline(home, name).with_overrides(overrides)
    partition = parse_partition_date(day)
    require_begun(partition, datetime.now(UTC))
    java_major()
    store = Store(home.store, pipeline.name)
    provider = spark or SparkProvider(f"{pipeline.name} {partition}", conf=submit_conf(pipeline, home))
    return Job(home, pipeline, partition, store, provider)


def report(error: Exception) -> int:
    """Log the traceback of what was not foreseen, then one readable line; give the exit code."""
    known = readable(error)
    if known is not error:
        log.error("traceback of the error below", exc_info=error)
    sys.stderr.write(f"vintage: {known}\n")
    sys.stderr.flush()
    return known.exit_code


def readable(error: Exception) -> VintageError:
    """Return the error as one of Vintage's own; a foreign one keeps its innermost message."""
    short = error if isinstance(error, OutOfMemory) else memory_refusal(error) or executors_refusal(error)
    if short is not None:
        return short
    if isinstance(error, VintageError):
        return error
    refusal = disk_refusal(error)
    if refusal:
        return StoreError(f"the system refused a file: {refusal}", fix=REFUSALS[refusal])
    damage = damaged_read(error)
    if damage:
        return StoreError(
            f"Spark cannot read a file of the store: {damage}",
            expected="pages with the checksums that they were written with",
            fix="`vintage verify` lists damaged artifacts. If there are none, a machine of the cluster "
            "reads the store differently: check its mount and memory.",
        )
    if jvm_is_gone(error):
        return EnvironmentProblem(
            "the JVM of Spark ended during the job",
            expected="a JVM that runs until the job ends",
            fix="Usually it ran out of memory. If the kernel's log shows that it was killed, the machine has "
            "too little; otherwise raise spark.driver.memory. Run again; finished steps stay.",
        )
    return VintageError(f"{type(error).__name__}: {root_cause(error)}", fix="The traceback is above.")


def for_each_date(work: Callable[[date], T], dates: Iterable[date], *, doing: str) -> dict[date, T]:
    """Do the work for several dates at once, log each with its seconds, and keep the dates' order.

    Each line of the log reports how many dates are done as well.

    Raises:
        VintageError: the first error by date; the dates that went well stay done. The others go on after one
            that is too large for Spark's memory.
    """
    days = tuple(dates)
    done = count(1)

    def timed(day: date) -> T:
        started = time.monotonic()
        try:
            result = work(day)
        except Exception as error:
            short = memory_refusal(error, f"{doing} {day}")
            if short is None:
                raise
            raise short from error
        told = f"{next(done)} of {len(days)} dates"
        log.info("%s %s: %.1f s, %s", doing, day, time.monotonic() - started, told, extra={"doing": told})
        return result

    with ThreadPoolExecutor(max_workers=DATES_AT_ONCE) as pool:
        pending = {day: pool.submit(timed, day) for day in days}
        try:
            results, short_of = {}, None
            for day, future in pending.items():
                try:
                    results[day] = future.result()
                except OutOfMemory as error:
                    # Of what is in that date: the others have another chance.
                    log.warning("%s", error)
                    short_of = short_of or error
            if short_of is not None:
                raise short_of
            return results
        finally:
            # After an error or a signal what has not begun is left; the pool waits for what is under way.
            pool.shutdown(wait=False, cancel_futures=True)


def open_tracking(job: Job) -> Tracking:
    """MLflow, once it answers; its import, seconds of work, runs while Spark starts.

    Raises:
        EnvironmentProblem: Spark did not start.
        TrackingError: MLflow cannot be reached.
    """
    # First, because two threads that import the same packages at once get in each other's way.
    import pyspark.ml  # noqa: F401

    from vintage.registry.tracking import Tracking

    tracking = Tracking.of(job.home)
    tracking.preload()
    job.spark()
    tracking.check()
    return tracking


def require_valid_stages(job: Job) -> None:
    """Check stages and own code by class, Param and column, with no JVM; before the first job does anything.

    What may keep the model from being reproduced is logged.

    Raises:
        SpecError: reports every problem.
    """
    from vintage.ml.repeatability import repeatability_warnings

    problems = stage_problems(job.pipeline)
    if problems:
        raise InvalidSpec(problems)
    for warning in repeatability_warnings(job.pipeline):
        log.warning("%s", warning)


def require_valid_suites(job: Job) -> None:
    """Check that Great Expectations accepts the suites, before the first job starts.

    Its import takes seconds, so that a suite which validated a date before, as it is, is not asked about.

    Raises:
        SpecError: reports every problem.
    """
    suites = {view: load_suite(job.home, name) for view, name in job.pipeline.suites.items()}
    new = [
        suite for view, suite in suites.items() if not _validated(windows.store_of(job.store, view), suite)
    ]
    if not new:
        return
    from vintage.validation.rules import check_suite

    problems = list(dict.fromkeys(problem for suite in new for problem in check_suite(suite)))
    if problems:
        raise InvalidSpec(problems)


def _validated(store: Store, suite: Suite) -> bool:
    """Whether the latest validation was by this suite, and by the version of Great Expectations of today."""
    try:
        dates = store.dates("validation")
        latest = store.current("validation", dates[-1]) if dates else None
    except StoreError:
        # What is damaged is reported by whoever reads it.
        return False
    if latest is None:
        return False
    made = latest.manifest.ingredients
    known = suite.model_dump(mode="json"), engines("great-expectations")
    return (made.spec.get("suite"), made.engines) == known


def stage_problems(pipeline: Pipeline) -> list[Problem]:
    """Return what is wrong with stages, grid and own code by class, Param and column, without a JVM."""
    from vintage.data.user_function import function_problems
    from vintage.ml.column_types import type_problems
    from vintage.ml.grid import check_grid
    from vintage.ml.label_flow import label_problems
    from vintage.ml.stages import check_stages, over_columns
    from vintage.spec.label_checks import label_type_problems
    from vintage.spec.repeatable_checks import statement_problems

    columns = feature_columns(pipeline)
    pipeline = over_columns(pipeline, columns)
    problems = [*statement_problems(pipeline), *label_type_problems(pipeline)]
    of_stages = check_stages(pipeline, columns)
    if not of_stages:
        of_stages = [*label_problems(pipeline), *type_problems(pipeline, feature_types(pipeline))]
        of_stages += check_grid(pipeline, columns)
    problems += of_stages
    return function_problems(pipeline) + problems


def ship_user_code(job: Job, paths: Sequence[str]) -> None:
    """Import what dotted paths lead to, as it lies there now, and have executors import the same.

    Raises:
        SpecError: something cannot be imported.
    """
    from vintage.store.shipping import ship
    from vintage.store.user_code import CannotImport

    try:
        ship(job.spark, job.home.path, paths)
    except CannotImport as error:
        raise SpecError(error.what, fix=error.hint) from error


def require_enough(job: Job, usable: Sequence[date], absent: Mapping[date, str] | None = None) -> None:
    """Hold a window to `min_days`.

    Args:
        job: its window.
        usable: the window's dates that have rows.
        absent: why others have none.

    Raises:
        DataError: fewer dates than that have rows.
    """
    if len(usable) < job.pipeline.window.min_days:
        reasons: dict[str, list[str]] = {}
        for day, reason in (absent or {}).items():
            reasons.setdefault(reason, []).append(str(day))
        raise DataError(
            f"too few days to train {job.pipeline.name} for {job.date}",
            expected=f"at least {job.pipeline.window.min_days} dates with rows in the {len(job.window)} days "
            f"up to {job.date}",
            found="; ".join(
                [
                    f"{len(usable)} ({', '.join(map(str, usable)) or 'none'})",
                    *(f"{reason}: {list_names(days)}" for reason, days in reasons.items()),
                ]
            ),
            fix="Deliver the missing dates, choose a later date, or lower window.min_days.",
        )


def configure_logging() -> None:
    """One line a fact on standard error, with the time in UTC."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=os.environ.get("VINTAGE_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        force=True,
    )
    for handler in logging.getLogger().handlers:
        if handler.formatter is not None:
            handler.setFormatter(_Printable(handler.formatter._fmt, handler.formatter.datefmt))
    for noisy in ("py4j", "great_expectations", "mlflow", "alembic", "urllib3", "matplotlib", "git"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Printable(logging.Formatter):
    """Writes out what a terminal would obey: a value of the data may stand in any message."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep="\n\t")
