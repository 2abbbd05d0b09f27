"""A PostgreSQL on loopback by the programs of Debian's package; as user postgres where root runs the test."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local.processes import Service, stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOOPBACK = "127.0.0.1"
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def start(data: Path, port: int, user: str, *, log: Path, words: tuple[str, ...] = ()) -> Service:
    """A server, at once ready for its user on the socket beside its data, where it asks for no password.

    Args:
        data: its folder, below folders that everybody may enter; made when it is empty.
        port: where it listens, on loopback.
        user: its first, who may do everything.
        log: the file for its output.
        words: further words of its command line.
    """
    become: list[str] = []
    sockets = data.with_name("sockets")
    for folder in (data, sockets):
        folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # initdb refuses root.
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for folder in (data, sockets):
            shutil.chown(folder, "postgres", "postgres")
    if not any(data.iterdir()):
        make = [str(PROGRAMS[-1] / "initdb"), "-D", str(data), "-U", user, "-E", "UTF8", "--no-sync"]
        ways = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        subprocess.run([*become, *make, *ways], check=True, capture_output=True, cwd=data)
    here = ["-D", str(data), "-p", str(port), "-k", str(sockets), "-h", LOOPBACK, "-c", "fsync=off"]
    service = Service.start(
        "postgres", [*become, str(PROGRAMS[-1] / "postgres"), *here, *words], env=os.environ, log=log
    )
    while subprocess.run(
        [str(PROGRAMS[-1] / "pg_isready"), *_way(data, port)], capture_output=True, check=False
    ).returncode:
        service.check()
        time.sleep(0.1)
    return service


def on_socket(data: Path, port: int) -> Mapping[str, str]:
    """What psql must know to reach it there."""
    return {"PGHOST": str(data.with_name("sockets")), "PGPORT": str(port)}


@contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of a new database, with a password; its server ends with the context."""
    folder = Path(tempfile.mkdtemp(prefix="vintage-postgres-"))
    folder.chmod(0o755)
    data, port, password = folder / "data", free_port(), secrets.token_urlsafe(18)
    service = start(data, port, "postgres", log=folder / "log")
    try:
        subprocess.run(
            ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"],
            env={**os.environ, **on_socket(data, port)},
            input=f"CREATE ROLE {name} LOGIN PASSWORD '{password}'; CREATE DATABASE {name} OWNER {name};",
            text=True,
            check=True,
        )
        yield f"postgresql+psycopg2://{name}:{password}@{LOOPBACK}:{port}/{name}"
    finally:
        stop([service], grace=10)
        shutil.rmtree(folder)


def _way(data: Path, port: int) -> list[str]:
    return ["-h", str(data.with_name("sockets")), "-p", str(port)]
