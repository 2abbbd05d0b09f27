"""The server as a process and under load: it starts without Spark, swaps without a failure, ends in order."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.postgresql import free_port
from tests.serving.conftest import with_intercept
from tests.until import until
from vintage.errors import SpecError
from vintage.serving import Follower, Limits, application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving.conftest import Desk
    from vintage.serving import Followed

BODY = json.dumps({"instances": [{"colour": "red", "size": 1.0}]})
HEADERS = {"Content-Type": "application/json"}


def scored(
    connection: http.client.HTTPConnection, path: str = "/invocations"
) -> tuple[int, dict[str, object]]:
    connection.request("POST", path, BODY, HEADERS)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@contextmanager
def served(followed: Followed) -> Iterator[int]:
    """A server in a thread, and its port."""
    import uvicorn

    config = uvicorn.Config(
        application([followed], Limits()), port=0, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the server has started")
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.fault("champions change, and one of them is damaged, under load", outcome="no request fails")
def test_champions_change_under_load_and_no_request_fails(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted(with_intercept(0.0))
    followed.follow()
    ends = threading.Event()
    made: list[tuple[int, dict[str, object]]] = []

    def ask(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not ends.is_set():
            made.append(scored(connection))
        connection.close()

    follower = Follower([followed], 0.01)
    with served(followed) as port:
        clients = [threading.Thread(target=ask, args=(port,)) for _ in range(4)]
        for each in clients:
            each.start()
        follower.start()
        for number in range(1, 4):
            version = desk.promoted(with_intercept(float(number)))
            until(
                lambda key=version.key: followed.model and followed.model.version.key == key, "it took over"
            )
            count = len(made)
            until(lambda count=count: len(made) > count + 20, "it answers")
        bad = desk.promoted(with_intercept(9.0), golden=[1.0, 2.0])
        until(lambda: followed.refused and followed.refused.version == bad, "it was refused")
        ends.set()
        for each in clients:
            each.join(30)
        follower.stop()
    assert {status for status, _ in made} == {200}
    # Every answer is of the model that it names, and none is of the bad one.
    assert {(told["model"]["version"], told["predictions"][0]["prediction"]) for _, told in made} == {  # type: ignore[index]
        (number + 1, 1.0 + number) for number in range(4)
    }


@pytest.fixture
def home(desk: Desk, tmp_path: Path) -> Path:
    """A home with the desk's pipeline, and a pyspark that nobody may import."""
    desk.promoted()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "paint.yaml").write_text("", encoding="utf-8")
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "pyspark.py").write_text(
        "raise ImportError('there is no Spark')", encoding="utf-8"
    )
    return tmp_path


def test_a_process_serves_without_spark_and_a_registry_and_ends_once_it_has_answered(home: Path) -> None:
    port = free_port()
    environment = {
        "PATH": "/nonexistent",
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(home / "blocked"), os.getcwd()]),  # noqa: PTH109
        "VINTAGE_HOME": str(home),
        "VINTAGE_STORE": str(home),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "vintage", "serve", "paint", "--port", str(port), "--poll", "0.2"]
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=err, cwd=home)

    def log() -> str:
        return (home / "err").read_text(encoding="utf-8")

    def answers() -> bool:
        assert process.poll() is None, log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers, log)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        status, told = scored(connection, "/paint/invocations")
        assert (status, told["predictions"]) == (200, [{"prediction": 1.5}])
        connection.request("GET", "/health")
        assert "MLflow" in json.loads(connection.getresponse().read())["paint"]["registry"]
        # Half of a request, then the signal, then the rest.
        late = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n"
        head += "Content-Type: application/json"
        late.sendall(f"{head}\r\n\r\n{BODY[:9]}".encode())
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        until(lambda: "Shutting down" in log() or "Waiting for" in log(), log)
        late.sendall(BODY[9:].encode())
        assert late.recv(65536).startswith(b"HTTP/1.1 200 ")
        late.close()
        connection.close()
        assert process.wait(60) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in (home / "out").read_text(encoding="utf-8").splitlines()]
    assert [(each["pipeline"], each["status"], each["rows"]) for each in lines] == [("paint", 200, 1)] * 2


@pytest.mark.parametrize("text", ["rows", "rows=", "rows=0", "rows=-1", "rows=1e3", "lines=5", "rows=٣"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="is no limit"):
        Limits().with_given([text])


def test_limits_are_given_by_name() -> None:
    assert Limits().with_given(["rows=5", "body=7"]) == Limits(body=7, rows=5)
