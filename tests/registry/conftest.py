"""One MLflow for the room's tests: in a SQLite file, and behind a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from tests.integration.postgresql import free_port
from tests.registry.offices import Office
from tests.until import until
from vintage.registry.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=["sqlite", pytest.param("server", marks=pytest.mark.integration)])
def tracking_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ml flow")
    database = f"sqlite:///{folder / 'mlflow.db'}"
    if request.param == "sqlite":
        yield database
        return
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--backend-store-uri",
        database,
        "--artifacts-destination",
        str(folder / "kept"),
        "--workers",
        "1",
    ]
    with (folder / "server.log").open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def new_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office in which nothing has happened."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "here").mkdir()
    return Office(folder / "here", folder / "artifacts")


@pytest.fixture(scope="module")
def tracking(tracking_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(tracking_uri, tmp_path_factory.mktemp("home") / "artifacts")


def _wait_for(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    def log() -> str:
        return f"the MLflow server has started:\n{output.read_text()[-3000:]}"

    def answers() -> bool:
        assert server.poll() is None, log()
        # Refused before it listens.
        with suppress(OSError), urlopen(url, timeout=5):  # noqa: S310 - a server of this test, on loopback
            return True
        return False

    until(answers, log)
