"""Retrains a pipeline for each date of a range in Airflow, both ends included (`make backfill FROM= TO=`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from local.airflow_api import DONE, WAITS_FOR_A_PERSON, AirflowApi, AirflowRefused, Run, Task
from local.night import EXAMPLE, airflow, say, unpaused
from local.processes import ServiceDied
from local.stack import AlreadyRunning
from local.waiting import Waiting
from vintage.errors import VintageError
from vintage.spec import Home, load_pipeline, parse_partition_date

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable


def main(arguments: list[str] | None = None) -> int:
    """Run a backfill to its end; 0 when every date succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pipeline", default=EXAMPLE, help="a file of pipelines/, without .yaml (%(default)s)"
    )
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first partition date")
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last partition date")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        home = Home.from_environment(os.environ)
        dag_id = f"retrain_{load_pipeline(home, options.pipeline).name}"
        first, last = parse_partition_date(options.first), parse_partition_date(options.last)
        with airflow(home.path) as (where, check), AirflowApi(where) as api:
            return run_backfill(api, dag_id, first, last, check)
    except VintageError as error:
        say(f"vintage: {error}")
        return error.exit_code
    except (ServiceDied, AirflowRefused, AlreadyRunning) as error:
        say(f"vintage: {error}")
        return 4
    except KeyboardInterrupt:
        say("\nStopped. What was finished is kept and will be found by the next run.")
        return 130


def run_backfill(
    api: AirflowApi, dag_id: str, first: dt.date, last: dt.date, check: Callable[[], None]
) -> int:
    """Start the backfill and show each date as it ends; 1 when one failed."""
    with unpaused(api, dag_id, check):
        before = {run.run_id for run in api.runs(dag_id)}
        number = api.backfill(dag_id, first, last)
        say(f"{dag_id} from {first} to {last}")
        try:
            return _follow(api, dag_id, before, check)
        except BaseException:
            with suppress(Exception):
                api.cancel_backfill(number)
                for run in _ours(api, dag_id, before):
                    if run.state not in DONE:
                        api.fail(dag_id, run.run_id)
            raise


def _ours(api: AirflowApi, dag_id: str, before: set[str]) -> list[Run]:
    return [run for run in api.runs(dag_id) if run.run_id not in before]


def _follow(api: AirflowApi, dag_id: str, before: set[str], check: Callable[[], None]) -> int:
    shown: dict[str, Run] = {}
    asked: set[str] = set()
    waiting = Waiting(api, dag_id, len(_ours(api, dag_id, before)))
    with Status("", console=Console(highlight=False, markup=False)) as status:
        while True:
            check()
            runs = _ours(api, dag_id, before)
            told = []
            for run in runs:
                if run.state == "running":
                    tasks = api.tasks(dag_id, run.run_id)
                    told.append(f"{run.partition_key}: {waiting.tasks(run.run_id, tasks)}")
                    _ask(api, dag_id, run, tasks, asked)
                if run.state in DONE and run.run_id not in shown:
                    shown[run.run_id] = run
                    say(f"  {run.partition_key}  {run.state:<8}{waiting.whole(len(shown))}")
            status.update("; ".join([waiting.whole(len(shown)), *told]))
            if len(shown) == len(runs):
                return int(any(run.state == "failed" for run in shown.values()))
            time.sleep(1)


def _ask(api: AirflowApi, dag_id: str, run: Run, tasks: list[Task], asked: set[str]) -> None:
    """Say once where a person answers what a run waits for."""
    for task in tasks:
        if task.state == WAITS_FOR_A_PERSON and run.run_id not in asked:
            asked.add(run.run_id)
            say(f"  {run.partition_key}  waits for a person: {api.where_to_answer(dag_id, run.run_id, task)}")


if __name__ == "__main__":
    sys.exit(main())
