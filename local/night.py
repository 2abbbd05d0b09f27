"""One night, now: retrains a pipeline for one date through Airflow and shows what came of it (`make run`)."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NoReturn

from rich.console import Console
from rich.status import Status

from examples.catalogue import EXAMPLES
from examples.files import LoaderError
from examples.prepare import prepare
from local.airflow_api import DONE, TASK_DONE, WAITS_FOR_A_PERSON, AirflowApi, AirflowRefused, Run, Task
from local.processes import ServiceDied
from local.stack import CHECKOUT, AlreadyRunning, Endpoints, Stack, running
from local.waiting import Waiting
from vintage.errors import VintageError
from vintage.spec import Home, last_closed_date, load_pipeline, parse_partition_date
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXAMPLE: Final = "flight_delay"
RUN_PREFIX: Final = "make_run__"
LOG_LINES: Final = 15
LAST_WORDS: Final = ("vintage: ", "AirflowException: ", "AirflowFailException: ")


class NightFailed(RuntimeError):
    """The run did not succeed; what went wrong is already on the screen."""


def say(text: str = "") -> None:
    """One line for the person who waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run one night; 0 when the run succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pipeline", default=EXAMPLE, help="a file of pipelines/, without .yaml (%(default)s)"
    )
    parser.add_argument(
        "--date",
        help=f"partition date ({EXAMPLES[EXAMPLE].date} for {EXAMPLE}; for a pipeline of your own the last "
        "closed day)",
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        close_to_others(os.environ)
        home = Home.from_environment(os.environ)
        pipeline = load_pipeline(home, options.pipeline)
        day = parse_partition_date(options.date) if options.date else usual_date(pipeline.name)
        if pipeline.name in EXAMPLES and home.path == CHECKOUT:
            say("Raw data of the example: writing what is absent …")
            prepare([pipeline.name], CHECKOUT / "data" / "raw")
        with airflow(home.path) as (where, check), AirflowApi(where) as api:
            run_night(api, f"retrain_{pipeline.name}", day, check)
        show(home, pipeline.name, day)
    except NightFailed:
        return 1
    except VintageError as error:
        say(f"vintage: {error}")
        return error.exit_code
    except (ServiceDied, AirflowRefused, AlreadyRunning, LoaderError) as error:
        say(f"vintage: {error}")
        return 4
    except KeyboardInterrupt:
        say("\nStopped. What was finished is kept and will be found by the next run.")
        return 130
    return 0


def usual_date(pipeline: str) -> date:
    """Return the date that is run when none is asked for."""
    return EXAMPLES[pipeline].date if pipeline in EXAMPLES else last_closed_date(datetime.now(UTC))


@contextmanager
def airflow(home: Path) -> Iterator[tuple[Endpoints, Callable[[], None]]]:
    """Yield a running Airflow and a check that it still runs: that of `make up`, else one of our own."""
    if where := running(home):
        say(f"Using the Airflow that runs at {where.airflow}")
        yield where, lambda: None
        return
    say("Starting Airflow …")
    started = time.monotonic()
    # Only what we trigger shall run here; the schedule is for `make up`.
    with Stack(home, mlflow=False, schedule=False) as stack:
        say(f"Airflow answers after {time.monotonic() - started:.0f} s")
        yield stack.endpoints, stack.check


@contextmanager
def unpaused(api: AirflowApi, dag_id: str, check: Callable[[], None]) -> Iterator[None]:
    """Yield a DAG whose runs are worked on; one that was paused is paused again afterwards."""
    was_paused = api.wait_for_dag(dag_id, check)
    if was_paused:
        api.pause(dag_id, paused=False)
    try:
        yield
    finally:
        if was_paused:
            with suppress(Exception):
                api.pause(dag_id, paused=True)


def run_night(api: AirflowApi, dag_id: str, day: date, check: Callable[[], None]) -> None:
    """Trigger a new run for a date and follow it to its end.

    Raises:
        NightFailed: a task failed; the end of its log has been shown.
    """
    api.wait_for_dag(dag_id, check)
    for left in api.runs(dag_id):
        # A run of ours that was killed outright would come to life again before the new one.
        if left.run_id.startswith(RUN_PREFIX) and left.state not in DONE:
            api.fail(dag_id, left.run_id)
    started = time.monotonic()
    with unpaused(api, dag_id, check):
        run = api.trigger(
            dag_id,
            run_id=f"{RUN_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(2)}",
            partition_key=day.isoformat(),
        )
        say(f"{dag_id} for {day}")
        try:
            follow(api, dag_id, run, check)
        except BaseException:
            with suppress(Exception):
                api.fail(dag_id, run.run_id)
            raise
    say(f"  done after {time.monotonic() - started:.0f} s")


def follow(api: AirflowApi, dag_id: str, run: Run, check: Callable[[], None]) -> None:
    """Show each task of a run as it ends.

    Raises:
        NightFailed: one failed; it is not waited for its retries.
    """
    shown: set[str] = set()
    waiting = Waiting(api, dag_id)
    with Status("", console=Console(highlight=False, markup=False)) as status:
        while not _followed(api, dag_id, run, shown, (status, waiting)):
            check()
            time.sleep(0.5)


def _followed(
    api: AirflowApi, dag_id: str, run: Run, shown: set[str], screen: tuple[Status, Waiting]
) -> bool:
    """Show what has ended since; whether the run is over."""
    state = api.run(dag_id, run.run_id).state
    tasks = api.tasks(dag_id, run.run_id)
    status, waiting = screen
    status.update(waiting.tasks(run.run_id, tasks))
    for task in tasks:
        if task.state in {"failed", "up_for_retry"}:
            _show_failure(api, dag_id, run, task)
        if task.state == WAITS_FOR_A_PERSON and WAITS_FOR_A_PERSON not in shown:
            shown.add(WAITS_FOR_A_PERSON)
            say(f"  {task.name:<14}waits for a person: {api.where_to_answer(dag_id, run.run_id, task)}")
        if task.state in TASK_DONE and task.name not in shown:
            shown.add(task.name)
            say(f"  {task.name:<14}{task.state:<10}{task.seconds or 0:6.1f} s")
    if state == "failed":
        say(f"vintage: the run {run.run_id} was ended as failed")
        raise NightFailed
    return state == "success"


def _show_failure(api: AirflowApi, dag_id: str, run: Run, task: Task) -> NoReturn:
    say(f"  {task.name:<14}{'failed':<10}{task.seconds or 0:6.1f} s")
    log = api.log_lines(dag_id, run.run_id, task)
    lines = [line for text in log for line in text.splitlines() if not line.startswith("::")]
    # What a job says last, or what Airflow says of a task that started none.
    words = [number for number, line in enumerate(lines) if line.startswith(LAST_WORDS)]
    end = words[-1] + 1 if words else len(lines)
    say(f"\nThe log of {task.name}:")
    for line in lines[max(0, end - LOG_LINES) : end]:
        say(f"    {line}")
    why = lines[words[-1]].partition(": ")[2] if words else f"{task.name} failed; its log ends as above"
    say(f"\nvintage: {why}")
    raise NightFailed


def show(home: Home, pipeline: str, day: date) -> None:
    """Print what the run made, and where to look next."""
    say()
    command = [sys.executable, "-m", "vintage", "show", pipeline, "--date", day.isoformat()]
    subprocess.run(command, check=False)
    docs = sorted(home.store.glob(f"{pipeline}/*/date={day}/*/**/index.html"))
    report = sorted(home.store.glob(f"{pipeline}/reports/date={day}/*/report.html"), key=_changed)
    say("\nWhere to look next:")
    say("  make up                                Airflow and MLflow in the browser")
    say(f"  vintage show {pipeline} --date {day}     this summary again")
    for page in docs[-1:]:
        say(f"  {page}     the Data Docs of the validation")
    say(f"  {home.store / pipeline}     all that was made, by kind and date")
    for page in report[-1:]:
        say(f"  {page}     the report")


def _changed(page: Path) -> float:
    return page.stat().st_mtime


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
