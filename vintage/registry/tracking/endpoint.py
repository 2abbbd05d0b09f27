"""Where MLflow is: whether it can be there at all, how to name it in a message, and a lock beside it."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from vintage.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

SERVERS: Final = ("http", "https")
DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")
CONNECT_SECONDS: Final = 5.0
BUSY_SECONDS: Final = 10.0
LOCK_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Endpoint:
    """An MLflow tracking URI and the folder for the artifacts of an embedded one."""

    uri: str
    artifacts: Path

    @property
    def shown(self) -> str:
        """The URI without user name, password and query, for messages."""
        head, mark, rest = self.uri.partition("://")
        place = rest.partition("?")[0]
        host, slash, path = place.partition("/")
        return head + mark + host.rpartition("@")[2] + slash + path

    def without_secrets(self, text: str) -> str:
        """Return the text with nothing of the URI but what may be shown."""
        secret = self.uri.partition("://")[2].partition("/")[0].rpartition("@")[0]
        text = text.replace(self.uri, self.shown)
        for part in (f"{secret}@", secret.partition(":")[2]):
            text = text.replace(part, "") if secret and part else text
        return text

    @property
    def scheme(self) -> str:
        """`http`, `sqlite`, …, without the driver that `postgresql+psycopg2` names."""
        head, mark, _ = self.uri.partition(":")
        return head.lower().partition("+")[0] if mark else ""

    @property
    def is_server(self) -> bool:
        """Whether requests go to an MLflow server, which then decides where artifacts are."""
        return self.scheme in SERVERS

    @property
    def database(self) -> Path | None:
        """The SQLite file."""
        path = unquote(self.uri.partition(":///")[2].partition("?")[0])
        return Path(path) if self.scheme == "sqlite" else None

    def check(self) -> None:
        """Find in seconds what MLflow would retry for minutes.

        Raises:
            TrackingError: the URI is of no known kind, no server listens, or its file cannot be written.
        """
        if self.scheme not in (*SERVERS, *DATABASES):
            raise TrackingError(
                f"The MLflow tracking URI {self.shown} is of an unknown kind",
                expected="sqlite:///<file>, http(s)://<host>:<port> or postgresql://<host>/<database>",
                fix="Set MLFLOW_TRACKING_URI, or unset it for the embedded default.",
            )
        if self.database is not None:
            self._check_file(self.database)
        elif self.is_server:
            self._check_socket()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep the processes of this machine from doing the same thing at once.

        Raises:
            TrackingError: another process holds it too long, or the folder cannot be written.
        """
        folder = (self.database or self.artifacts).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(folder / f".{name}.lock", os.O_CREAT | os.O_RDWR, 0o666)
        except OSError as error:
            if self.database is not None:
                raise self._unwritable(error) from error
            # A server keeps its own order; without a lock, duplicates are found and removed afterwards.
            log.debug("no lock %s in %s: %s", name, folder, error)
            yield
            return
        try:
            self._wait_for(file, name)
            yield
        finally:
            os.close(file)

    def _wait_for(self, file: int, name: str) -> None:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TrackingError(
                        f"Another process has held the lock {name!r} of MLflow at {self.shown} for minutes",
                        fix="Look for a job that hangs, end it and run again.",
                    ) from None
                time.sleep(0.05)
            else:
                return

    def _check_file(self, database: Path) -> None:
        if not database.name:
            raise TrackingError(
                f"The MLflow tracking URI {self.shown} keeps nothing",
                expected="the path of a file, as in sqlite:////data/mlflow.db",
            )
        try:
            with self.lock("database"):
                if not database.exists():
                    return
            with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> TrackingError:
        return TrackingError(
            f"The MLflow database {self.database} cannot be opened for writing ({error})",
            expected="a writable SQLite file, or a folder where it can be made",
            fix="Free the path or its permissions, or set MLFLOW_TRACKING_URI.",
        )

    def _check_socket(self) -> None:
        try:
            parts = urlsplit(self.uri)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise self._unreachable(str(error)) from error
        if parts.scheme in getproxies() and not proxy_bypass(host):
            return
        try:
            socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from error

    def _unreachable(self, reason: str) -> TrackingError:
        return TrackingError(
            f"MLflow at {self.shown} cannot be reached ({reason})",
            expected="a running MLflow tracking server",
            fix="Start it (`make up` for the embedded one), or correct or unset MLFLOW_TRACKING_URI.",
        )
