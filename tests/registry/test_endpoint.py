"""An MLflow that cannot work is named within seconds, without the password in its URI."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.postgresql import free_port
from vintage.errors import TrackingError
from vintage.registry.tracking import Tracking
from vintage.registry.tracking.endpoint import Endpoint

if TYPE_CHECKING:
    from pathlib import Path


def refusal(uri: str, folder: Path, seconds: float = 10) -> str:
    started = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        Tracking(uri, folder / "artifacts").check()
    assert time.monotonic() - started < seconds
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.fault("MLflow's server refuses the connection", outcome="exit 4 with one line")
def test_a_refused_connection(tmp_path: Path) -> None:
    closed_port = free_port()
    text = refusal(f"http://gwen:se:cret@127.0.0.1:{closed_port}/mlflow?token=abc", tmp_path)
    assert f"http://127.0.0.1:{closed_port}/mlflow cannot be reached (Connection refused)" in text
    assert "make up" in text
    for secret in ("gwen", "cret", "abc"):
        assert secret not in text


def test_a_port_that_is_none(tmp_path: Path) -> None:
    assert "cannot be reached" in refusal("http://127.0.0.1:99999999", tmp_path)


@pytest.mark.parametrize("uri", ["gopher://somewhere", "mlruns", "", "file:///tmp/mlruns"])
def test_an_unknown_kind_of_uri(tmp_path: Path, uri: str) -> None:
    text = refusal(uri, tmp_path)
    assert "is of an unknown kind" in text
    assert "MLFLOW_TRACKING_URI" in text


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be opened for writing" in refusal(f"sqlite:///{tmp_path}/file/mlflow.db", tmp_path)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text(
        "a letter to a friend, long enough to be read as a database's head" * 20
    )
    text = refusal(f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    assert "not a database" in text


def test_a_database_that_keeps_nothing(tmp_path: Path) -> None:
    assert "keeps nothing" in refusal("sqlite://", tmp_path)


@pytest.mark.fault("MLflow's server does not answer", outcome="exit 4 after a time-out")
def test_a_server_that_takes_a_call_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vintage.registry.tracking import connection

    monkeypatch.setattr(
        connection, "_IMPATIENT", {**connection._IMPATIENT, "MLFLOW_HTTP_REQUEST_TIMEOUT": "1"}
    )
    with socket.create_server(("127.0.0.1", 0)) as mute:
        text = refusal(f"http://gwen:secret@127.0.0.1:{mute.getsockname()[1]}", tmp_path, 60)
    assert "did not answer" in text
    assert "secret" not in text


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    endpoint = Endpoint(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")
    order = []

    def second() -> None:
        with endpoint.lock("run"):
            order.append("second")

    with endpoint.lock("run"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join(timeout=10)
    assert order == ["first", "second"]


def test_a_lock_that_is_never_released_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vintage.registry.tracking import endpoint as module

    monkeypatch.setattr(module, "LOCK_SECONDS", 0.2)
    endpoint = Endpoint(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")
    with endpoint.lock("run"), pytest.raises(TrackingError, match="lock 'run'"), endpoint.lock("run"):
        pytest.fail("two hold it")


def test_a_server_is_asked_without_a_lock_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with Endpoint("http://127.0.0.1:1", tmp_path / "file" / "artifacts").lock("run"):
        pass


def test_a_uri_is_shown_as_it_is_when_it_holds_no_secret(tmp_path: Path) -> None:
    for uri in (
        "sqlite:////a/b c/mlflow.db",
        "sqlite:///mlflow.db",
        "https://mlflow.example:8443/x",
        "gopher:x",
    ):
        assert Endpoint(uri, tmp_path).shown == uri
    hidden = Endpoint("postgresql+psycopg2://u:p%40w@db/mlflow?sslpassword=x", tmp_path)
    assert hidden.shown == "postgresql+psycopg2://db/mlflow"
    assert hidden.without_secrets("no u:p%40w@db here, nor p%40w") == "no db here, nor "
