"""The passwords and keys of docker-compose.yaml: made at random, once, in a file closed to other users.

It runs where nothing is installed but Docker and a Python, so it imports the standard library alone.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SECRETS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_DATABASE_PASSWORD",
    "MLFLOW_DATABASE_PASSWORD",
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_FERNET_KEY",
    "VINTAGE_AIRFLOW_PASSWORD",
)
HEADER = "# Written by make up-compose, once; what a new release needs is added. Never commit it.\n"


def complete(path: Path) -> list[str]:
    """Add what the file lacks, keeps the rest, and closes it to other users; the names of what it added."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEADER
    held = {line.partition("=")[0].strip() for line in text.splitlines() if "=" in line}
    missing = [name for name in SECRETS if name not in held]
    if text and not text.endswith("\n"):
        text += "\n"
    text += "".join(f"{name}={_random()}\n" for name in missing)
    # Beside its place first, closed to others from the start: what is there is whole, or is as it was.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
    return missing


def _random() -> str:
    """256 bits, as letters and digits that need no quoting; a Fernet key has just this form."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def main() -> None:
    """Complete the checkout's .env."""
    path = CHECKOUT / ".env"
    if complete(path):
        sys.stdout.write(f"Passwords and keys were written to {path}\n")


if __name__ == "__main__":
    main()
