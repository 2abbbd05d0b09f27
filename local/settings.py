"""Settings of the embedded stack's services: ports, keys, folders and Airflow's own settings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet

from vintage.spec.home import sqlite_uri
from vintage.spec.permissions import umask_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK: Final = "127.0.0.1"
USER: Final = "admin"
LOCK_SECONDS: Final = 30
TASKS: Final = max(2, (os.cpu_count() or 2) // 2)
"""Jobs at once: each takes all cores, and two fill the pauses in which one of them starts."""
BACKFILL_POOL: Final = "backfill"
"""The pool of a backfill's tasks: as many, so that a night finds a slot of its own beside them."""
BACKFILL_POOL_TOLD: Final = "Backfills: all slots but one, which is left to the nights."


@dataclass(frozen=True)
class Secrets:
    """What set-up makes once and keeps: the login and the keys that Airflow's parts share."""

    password: str
    fernet_key: str
    api_secret: str
    jwt_secret: str

    @classmethod
    def kept_in(cls, folder: Path) -> Secrets:
        """Return those of the folder; made when it has none."""
        path = folder / "secrets.json"
        if not path.exists():
            made = cls(
                password=secrets.token_urlsafe(12),
                fernet_key=Fernet.generate_key().decode(),
                api_secret=secrets.token_urlsafe(32),
                jwt_secret=secrets.token_urlsafe(48),
            )
            write_private(path, json.dumps(asdict(made)))
        return cls(**json.loads(path.read_text()))


def environment(
    home: Path, checkout: Path, given: Mapping[str, str], *, kept: Secrets, port: int, schedule: bool
) -> dict[str, str]:
    """Return the environment of every service, and so of every task and job.

    Args:
        home: the folder that holds pipelines/ and expectations/.
        checkout: the tree whose dags/ and spark_jobs/ are run.
        given: what is set already; a connection, the user's own interpreter or store stays.
        kept: the login and keys.
        port: where the API server listens.
        schedule: whether DAGs run by their schedules.
    """
    folder = home / "data" / "airflow"
    users, closed = folder / "users.json", int(umask_of(given), 8)
    write_private(users, json.dumps({USER: kept.password}))
    ours = {
        # The jobs are found by name and import vintage, from wherever they are started.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(checkout), str(checkout / "local" / "policy"), given.get("PYTHONPATH")])
        ),
        "VINTAGE_HOME": str(home),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(checkout / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(TASKS + 1),
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__FERNET_KEY": kept.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(users),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database(folder, given),
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": kept.api_secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": kept.jwt_secret,
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        # How soon a task hears that its run was ended, and its worker that it is done.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(schedule),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        # Airflow gives them to logs whatever its umask.
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": f"0o{0o777 & ~closed:o}",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": f"0o{0o666 & ~closed:o}",
    }
    defaults = {
        "PYSPARK_PYTHON": sys.executable,
        # How soon a changed pipeline file shows; a stack for one run has the cores for that run.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30" if schedule else "60",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30" if schedule else "60",
        # No background workers for what nobody here uses, and no reports to anybody.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "false",
        # Of Airflow itself, which shows them by its plugin.
        "VINTAGE_STORE_URL": "/vintage/store",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": "local[*]"}),
    }
    return {**defaults, **given, **ours}


def database(folder: Path, given: Mapping[str, str]) -> str:
    """Airflow's database: VINTAGE_AIRFLOW_DATABASE, a URL, else a file in the folder.

    Airflow's own variable is not heeded: in somebody's shell it names an Airflow that must not be migrated.
    """
    # A writer waits for another so many seconds, not the usual 5, before it says "database is locked".
    embedded = f"{sqlite_uri(folder / 'airflow.db')}?timeout={LOCK_SECONDS}"
    return given.get("VINTAGE_AIRFLOW_DATABASE") or embedded


def mlflow_command(home: Path, environ: Mapping[str, str], port: int) -> list[str]:
    """MLflow's server over the same database and artifacts that the jobs write to."""
    folder = home / "data" / "mlflow"
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    store = environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(folder / "mlflow.db")
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", "1"),
        *(
            "--backend-store-uri",
            store,
            "--default-artifact-root",
            (folder / "artifacts").absolute().as_uri(),
        ),
    ]


def free_port(wanted: str | None, usual: int) -> int:
    """Return the wanted port, else the usual one if it is free, else any free one."""
    if wanted:
        return int(wanted)
    for port in (usual, 0):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            chosen: int = probe.getsockname()[1]
            return chosen
    raise OSError(f"no free port on {LOOPBACK}")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
