"""What Airflow needs before any of its parts starts: the login of its UI, its database, a pool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from local.settings import BACKFILL_POOL, BACKFILL_POOL_TOLD, USER, write_private


def write_login(path: Path, password: str) -> None:
    """Write the only login where Airflow's simple auth manager reads it, closed to other users."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps({USER: password}))


def main() -> None:
    """Write the login, make or migrate the database, and make the pool of the backfills."""
    write_login(
        Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]),
        os.environ.pop("VINTAGE_AIRFLOW_PASSWORD"),
    )
    slots = max(1, int(os.environ["AIRFLOW__CORE__PARALLELISM"]) - 1)
    pool = ("pools", "set", BACKFILL_POOL, str(slots), BACKFILL_POOL_TOLD)
    for words in (("db", "migrate"), pool):
        ended = subprocess.run([sys.executable, "-m", "airflow", *words], check=False)
        if ended.returncode:
            sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
