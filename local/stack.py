"""The embedded stack in one terminal: Airflow and MLflow on loopback (`make up`); Ctrl-C stops all of it."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import httpx

from local.airflow_api import AirflowApi
from local.processes import Service, ServiceDied, stop, tail
from local.settings import (
    BACKFILL_POOL,
    BACKFILL_POOL_TOLD,
    LOOPBACK,
    TASKS,
    USER,
    Secrets,
    environment,
    free_port,
    mlflow_command,
    write_private,
)
from vintage.spec.home import sqlite_uri
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

CHECKOUT: Final = Path(__file__).resolve().parent.parent
AIRFLOW: Final = (sys.executable, "-m", "local.airflow_main")
START_SECONDS: Final = 180
MLFLOW_PORT: Final = 5000
# A task's job is asked to end and killed after 5 seconds; the scheduler waits for that.
# The others have nothing to finish: the databases bear it when they are killed.
TASK_SECONDS: Final = 15
OTHER_SECONDS: Final = 2


class AlreadyRunning(RuntimeError):
    """Another stack runs on the same home; the text says where."""


@dataclass(frozen=True)
class Endpoints:
    """Where a running stack listens, and the login of its Airflow."""

    pid: int
    airflow: str
    mlflow: str | None
    user: str
    password: str


class Stack:
    """Airflow (and MLflow's server) of one home, as a context: up and answering inside, gone outside.

    Args:
        home: the folder that holds pipelines/ and expectations/; all state is in its data/.
        mlflow: start MLflow's server too. The jobs need none: they write to the same database.
        schedule: let the DAGs run by their schedules, and wait for late data in a triggerer; without it only
            what is triggered runs, which waits for nothing.
        environ: what the services inherit; what the embedded stack needs is added.
        checkout: the tree whose dags/ are loaded.
    """

    def __init__(
        self,
        home: Path,
        *,
        mlflow: bool = True,
        schedule: bool = True,
        environ: Mapping[str, str] | None = None,
        checkout: Path = CHECKOUT,
    ) -> None:
        self.home = home.absolute()
        self.folder = self.home / "data" / "airflow"
        self.logs = self.folder / "logs"
        self.services: list[Service] = []
        self._environ = dict(os.environ if environ is None else environ)
        self._checkout = checkout
        self._schedule = schedule
        self._with_mlflow = mlflow and not self._environ.get("MLFLOW_TRACKING_URI", "").startswith("http")
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        close_to_others(self._environ)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.folder)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every service; the scheduler and its tasks first, as they report to the API server."""
        with _Uninterrupted():
            stop([service for service in self.services if service.name == "scheduler"], grace=TASK_SECONDS)
            stop([service for service in self.services if service.name != "scheduler"], grace=OTHER_SECONDS)
            self.services.clear()
            (self.folder / "stack.json").unlink(missing_ok=True)
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def check(self) -> None:
        """Raise ServiceDied when one of the services has ended."""
        for service in self.services:
            service.check()

    def wait(self) -> None:
        """Wait until a service dies (ServiceDied) or an exception, such as KeyboardInterrupt, arrives."""
        while True:
            self.check()
            time.sleep(0.5)

    def airflow(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an `airflow` command against this stack's database."""
        return subprocess.run(
            [*AIRFLOW, *words],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def _start(self) -> None:
        kept = Secrets.kept_in(self.folder)
        port = free_port(self._environ.get("VINTAGE_AIRFLOW_PORT"), 8080)
        mlflow_port = 0
        if self._with_mlflow:
            mlflow_port = free_port(self._environ.get("VINTAGE_MLFLOW_PORT"), MLFLOW_PORT)
        tracking = self._environ.get("MLFLOW_TRACKING_URI")
        self.endpoints = Endpoints(
            pid=os.getpid(),
            airflow=f"http://{LOOPBACK}:{port}",
            mlflow=f"http://{LOOPBACK}:{mlflow_port}" if mlflow_port else tracking,
            user=USER,
            password=kept.password,
        )
        self.env = environment(
            self.home, self._checkout, self._environ, kept=kept, port=port, schedule=self._schedule
        )
        # What tasks link to, and what a person is asked: MLflow as `make up` shows it, also after this stack.
        shown = f"http://{LOOPBACK}:{self._environ.get('VINTAGE_MLFLOW_PORT') or MLFLOW_PORT}"
        found = self.endpoints.mlflow or ""
        self.env.setdefault("VINTAGE_MLFLOW_URL", found if found.startswith("http") else shown)
        if mlflow_port:
            self._run("mlflow", *mlflow_command(self.home, self._environ, mlflow_port))
        self._migrate()
        # Each where it is used: every process of Airflow would import what the web server needs for pages.
        plugins = self._checkout / "plugins"
        self._run("api-server", *AIRFLOW, "api-server", plugins=plugins)
        self._run("dag-processor", *AIRFLOW, "dag-processor")
        self.start_scheduler()
        if self._schedule:
            self._run("triggerer", *AIRFLOW, "triggerer", "--skip-serve-logs")
        # The API that tasks talk to; its first answer takes long, and a task would not wait for it.
        self._await_answer(f"{self.endpoints.airflow}/execution/health/ping")
        with AirflowApi(self.endpoints) as api:
            api.set_pool(BACKFILL_POOL, TASKS, BACKFILL_POOL_TOLD)
        write_private(self.folder / "stack.json", json.dumps(asdict(self.endpoints)))

    def start_scheduler(self) -> None:
        """Start the scheduler, at first or in place of one that died; it gives runs their date and note."""
        plugins = self._checkout / "plugins" / "scheduler"
        self._run("scheduler", *AIRFLOW, "scheduler", "--skip-serve-logs", plugins=plugins)

    def _run(self, name: str, *command: str, plugins: Path | None = None) -> None:
        log = self.logs / "stack" / f"{name}.log"
        env = self.env | ({"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)} if plugins else {})
        self.services.append(Service.start(name, command, env=env, log=log))

    def _migrate(self) -> None:
        """Make the database, or brings it to this Airflow; skipped for our own file at this version."""
        done = self.folder / "migrated"
        release = version("apache-airflow")
        ours = self.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith(sqlite_uri(self.folder))
        if ours and (self.folder / "airflow.db").exists() and done.exists() and done.read_text() == release:
            return
        done.unlink(missing_ok=True)
        result = self.airflow("db", "migrate")
        if result.returncode:
            raise ServiceDied(f"`airflow db migrate` failed.\n{(result.stdout + result.stderr)[-3000:]}")
        if ours:
            done.write_text(release)

    def _await_answer(self, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=30).status_code == httpx.codes.OK:
                    return
            time.sleep(0.2)
        log = self.logs / "stack" / "api-server.log"
        raise ServiceDied(f"{url} did not answer within {START_SECONDS} s.\n{log} ends:\n{tail(log)}")


def running(home: Path) -> Endpoints | None:
    """Return the stack that runs on a home, None when there is none."""
    folder = home.absolute() / "data" / "airflow"
    with suppress(OSError, ValueError, TypeError):
        endpoints = Endpoints(**json.loads((folder / "stack.json").read_text()))
        try:
            _locked(folder).close()
        except AlreadyRunning:
            return endpoints
    return None


def _locked(folder: Path) -> IO[str]:
    """Return the lock that a running stack holds; the kernel drops it however the stack ends."""
    lock = (folder / "stack.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyRunning(f"a stack runs already on {folder.parent.parent}") from error
    return lock


class _Uninterrupted:
    """A second Ctrl-C does not break off the stopping."""

    def __enter__(self) -> None:
        both = (signal.SIGINT, signal.SIGTERM)
        self._kept = {which: signal.signal(which, signal.SIG_IGN) for which in both}

    def __exit__(self, *_: object) -> None:
        for which, handler in self._kept.items():
            signal.signal(which, handler)


def main() -> int:
    """Start the stack, say where it is, and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    home = Path(os.environ.get("VINTAGE_HOME") or CHECKOUT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    say = sys.stdout.write
    started = time.monotonic()
    say("Starting Airflow and MLflow …\n")
    try:
        with Stack(home) as stack:
            where = stack.endpoints
            say(
                f"Airflow  {where.airflow}   user {where.user}, password {where.password}\n"
                f"MLflow   {where.mlflow}/#/experiments?workflowType=machine_learning\n"
                f"Logs     {stack.logs}\n"
                f"Up after {time.monotonic() - started:.0f} s. Ctrl-C stops all of it.\n"
            )
            sys.stdout.flush()
            stack.wait()
    except AlreadyRunning as error:
        where_running = running(home)
        say(f"vintage: {error}{f': {where_running.airflow}' if where_running else ''}.\n")
        return 4
    except ServiceDied as error:
        say(f"vintage: {error}\n")
        return 4
    except KeyboardInterrupt:
        say("\nStopped.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
