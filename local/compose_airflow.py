"""What Airflow needs before any of its parts starts: the login of its UI, its database, a pool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from local.settings import BACKFILL_POOL

USER = "admin"


def write_login(path: Path, password: str) -> None:
    """Writes the only login where Airflow's simple auth manager reads it, closed to other users."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({USER: password}, file)


def main() -> None:
    """Writes the login, makes or migrates the database, and makes the pool of the backfills."""
    write_login(
        Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]),
        os.environ.pop("VINTAGE_AIRFLOW_PASSWORD"),
    )
    slots = max(1, int(os.environ["AIRFLOW__CORE__PARALLELISM"]) - 1)
    pool = ("pools", "set", BACKFILL_POOL, str(slots), "Backfills: all slots but one, left to the nights.")
    for words in (("db", "migrate"), pool):
        ended = subprocess.run([sys.executable, "-m", "airflow", *words], check=False)
        if ended.returncode:
            sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
