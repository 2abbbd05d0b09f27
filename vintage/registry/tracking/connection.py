"""The one client of a process: opened when first used, quiet, quick to report that no server answers."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from vintage.errors import TrackingError
from vintage.registry.tracking.endpoint import Endpoint
from vintage.spec.home import sqlite_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient

log = logging.getLogger(__name__)

# Set where the user has not: MLflow retries a dead server for minutes by default, reports its use over the
# network, and writes links and progress bars into the log of a job.
_QUIET: Final[Mapping[str, str]] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
_IMPATIENT: Final[Mapping[str, str]] = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
}
# The packages whose exceptions are MLflow's own way to fail.
_THEIRS: Final = frozenset({"mlflow", "requests", "urllib3", "sqlalchemy", "alembic"})


class Connection:
    """An MLflow client that opens itself.

    Attributes:
        endpoint: where MLflow is.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self.endpoint = Endpoint(uri, artifacts)
        self._opening = threading.Lock()
        self._opened: MlflowClient | None = None

    def preload(self) -> None:
        """Open the client in the background."""
        threading.Thread(target=self._preload, name="mlflow", daemon=True).start()

    def check(self) -> None:
        """Send MLflow a small request with a short timeout.

        Raises:
            TrackingError: it does not answer.
        """
        with self.asking("answer") as client, _environment(_IMPATIENT):
            client.search_experiments(max_results=1)

    @contextmanager
    def asking(self, what: str) -> Iterator[MlflowClient]:
        """Give the client for one request.

        Args:
            what: what MLflow is asked to do, for the message when it does not.

        Raises:
            TrackingError: MLflow cannot be reached or refuses.
        """
        try:
            yield self._client()
        except Exception as error:
            if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _THEIRS:
                raise
            reason = self.endpoint.without_secrets(
                next(iter(str(error).strip().splitlines()), "no reason given")
            )
            raise TrackingError(
                f"MLflow at {self.endpoint.shown} did not {what} ({reason[:500]})",
                fix="See its log, fix the cause and run again; finished steps are not repeated.",
            ) from error

    def _client(self) -> MlflowClient:
        with self._opening:
            if self._opened is None:
                self.endpoint.check()
                settle_environment()
                started = time.monotonic()
                from mlflow import MlflowClient

                if self.endpoint.database is not None:
                    self._make_database(self.endpoint.database)
                registry = os.environ.get("MLFLOW_REGISTRY_URI") or self.endpoint.uri
                self._opened = MlflowClient(self.endpoint.uri, registry)
                log.info("MLflow at %s is open: %.1f s", self.endpoint.shown, time.monotonic() - started)
            return self._opened

    def _make_database(self, database: Path) -> None:
        """Make a new database beside its place and move it there.

        MLflow builds its tables step by step and without a lock: of two processes one would fail, and
        a killed one would leave a database that no later one can open.
        """
        from mlflow import MlflowClient

        with self.endpoint.lock("database"):
            if database.exists() and database.stat().st_size > 0:
                return
            log.info("making the MLflow database %s", database)
            unfinished = database.with_name(f".{database.name}.unfinished")
            unfinished.unlink(missing_ok=True)
            MlflowClient(sqlite_uri(unfinished)).search_experiments(max_results=1)
            unfinished.replace(database)

    def _preload(self) -> None:
        try:
            self._client()
        except Exception as error:
            # The job's first call meets it again, and reports it.
            log.debug("MLflow was not opened ahead: %s", error)

    @contextmanager
    def as_default(self) -> Iterator[None]:
        """Make this the process's default for one call: a database's registry finds logged models there."""
        import mlflow

        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.endpoint.uri)
        try:
            yield
        finally:
            # MLflow takes None for "not set", and its stub does not say so.
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def settle_environment() -> None:
    """Set what MLflow reads from the environment when it is imported; what the user has set stays."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def already_there_is_fine() -> Iterator[None]:
    """Ignore that another process made it first."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def quoted(value: str) -> str:
    """Return a value of a search filter; MLflow knows two quotation marks and no escape."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    raise TrackingError(
        f"MLflow cannot look for {value!r}", expected="a name without both kinds of quotation marks"
    )
