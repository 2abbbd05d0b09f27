"""The embedded stack as a person meets it: its two addresses, its ends, and that nothing stays behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from local.stack import running
from tests.airflow.conftest import CHECKOUT, write_home
from tests.integration.conftest import plain_environment
from tests.until import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

UP_SECONDS = 400


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose databases the first stack makes; the next ones start on what the one before left."""
    return write_home(tmp_path_factory.mktemp("up") / "home")


@pytest.fixture
def up(home: Path) -> Iterator[subprocess.Popen[str]]:
    """`make up`, as soon as it runs."""
    with start(home) as process:
        yield process
        if process.poll() is None:
            process.terminate()


def start(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHECKOUT / "local" / "stack.py")],
        env={**plain_environment(), "VINTAGE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What a process prints until some words come."""
    assert process.stdout is not None
    text, deadline = "", time.monotonic() + UP_SECONDS
    while words not in text and time.monotonic() < deadline:
        line = process.stdout.readline()
        assert line, f"ended with {process.poll()} after: {text}"
        text += line
    return text


def page_of(address: str) -> str:
    """What a server shows; nothing before it listens."""
    try:
        return httpx.get(address, timeout=30).text
    except httpx.TransportError:
        return ""


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def alive(family: list[psutil.Process]) -> list[str]:
    return [str(process) for process in family if process.is_running() and process.status() != "zombie"]


def test_up_shows_both_uis_on_loopback_alone_and_ctrl_c_ends_all(
    up: subprocess.Popen[str], home: Path
) -> None:
    text = read_until(up, "Ctrl-C")
    airflow, mlflow = re.findall(r"http://127\.0\.0\.1:\d+", text)
    password = re.search(r"password (\S+)", text)
    assert password is not None
    login = httpx.post(
        f"{airflow}/auth/token", json={"username": "admin", "password": password[1]}, timeout=60
    )
    assert login.status_code == httpx.codes.CREATED
    refused = httpx.post(f"{airflow}/auth/token", json={"username": "admin", "password": "admin"}, timeout=60)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    until(lambda: "MLflow" in page_of(mlflow), "MLflow's page")

    family = family_of(up)
    heard = {
        link.laddr.ip
        for process in family
        for link in process.net_connections("inet")
        if link.status == psutil.CONN_LISTEN
    }
    assert heard == {"127.0.0.1"}

    assert running(home) is not None
    second = start(home)
    assert "runs already" in second.communicate(timeout=60)[0]
    assert second.returncode == 4

    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=90) == 0
    assert alive(family) == []
    assert running(home) is None


@pytest.mark.fault("a service of the embedded stack dies", outcome="it is named, and the others end")
def test_a_service_that_dies_is_named_and_ends_the_rest(up: subprocess.Popen[str]) -> None:
    read_until(up, "Ctrl-C")
    family = family_of(up)
    [scheduler] = [
        process for process in family if process.ppid() == up.pid and "scheduler" in process.cmdline()
    ]
    scheduler.kill()
    said = read_until(up, "vintage: ")
    assert "scheduler ended with exit code -9" in said
    assert up.wait(timeout=90) == 4
    assert alive(family) == []


@pytest.mark.fault("SIGKILL of the embedded stack", outcome="its services end too")
def test_services_end_with_a_stack_that_is_killed_outright(up: subprocess.Popen[str]) -> None:
    read_until(up, "Ctrl-C")
    family = family_of(up)
    up.kill()
    up.wait()
    until(lambda: alive(family) == [], lambda: alive(family))
