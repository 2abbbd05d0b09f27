"""The scheduler and its workers are killed in the middle of a job; another scheduler ends what they began."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from local.processes import stop
from tests.integration.scheduler.runs import BY_HAND, DAG, RUN_SECONDS, jobs_of
from tests.until import until
from vintage.registry import ledger
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.airflow_api import AirflowApi, Run
    from local.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

DAY = str(BY_HAND)


def fits(day: str) -> bool:
    """Whether the JVM of a date's fit runs."""
    for process in jobs_of(day):
        with suppress(psutil.Error):
            if process.name() == "java" and any(word.endswith("/fit.py") for word in process.cmdline()):
                return True
    return False


@pytest.mark.fault("SIGKILL of Airflow's scheduler in a job", outcome="one result once it is back")
def test_a_scheduler_that_dies_in_a_job_leaves_one_result(
    stack: Stack, api: AirflowApi, by_form: Run, finish: Callable[[Run], Run]
) -> None:
    until(lambda: fits(DAY), "the fit runs", seconds=RUN_SECONDS, every=0.1)
    [scheduler] = [service for service in stack.services if service.name == "scheduler"]
    workers = psutil.Process(scheduler.process.pid).children()
    # What they have started is not killed with them.
    for process in (psutil.Process(scheduler.process.pid), *workers):
        process.kill()
    psutil.wait_procs(workers, timeout=30)
    scheduler.process.wait()
    stack.services.remove(scheduler)
    stack.start_scheduler()

    assert finish(by_form).state == "success"
    [fit] = [task for task in api.tasks(DAG, by_form.run_id) if task.name == "fit"]
    assert fit.try_number == 2
    store = Store(stack.home / "data" / "store", "tiny")
    for kind in ("model", "evaluation"):
        folders = (store.folder / kind / f"date={DAY}").glob("[!.]*/manifest.json")
        assert len(list(folders)) == 1, kind
    assert [entry.date for entry in ledger.read(store.ledger_path)].count(DAY) == 1
    assert jobs_of(DAY) == []
    stop([scheduler], grace=5)
