"""What Airflow needs before any of its parts starts: the login of its UI, and its database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

USER = "admin"


def write_login(path: Path, password: str) -> None:
    """Writes the only login where Airflow's simple auth manager reads it, closed to other users."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({USER: password}, file)


def main() -> None:
    """Writes the login, and makes or migrates the database."""
    write_login(
        Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]),
        os.environ.pop("VINTAGE_AIRFLOW_PASSWORD"),
    )
    sys.exit(subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=False).returncode)


if __name__ == "__main__":
    main()
