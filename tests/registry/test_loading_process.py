"""The process that loads models ends with whoever started it, and what ends it before is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.until import until
from vintage.errors import EnvironmentProblem
from vintage.registry.loadability import Loading, Place
from vintage.registry.loading_process import PASSED_ON, LoadingProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[LoadingProcess]:
    place = Place(
        pipeline="demo",
        home=tmp_path,
        stage_paths=(),
        spark_conf={},
    )
    with LoadingProcess(place) as process:
        yield process


def started(apart: LoadingProcess) -> psutil.Process:
    """The process, just started."""
    before = {child.pid for child in psutil.Process().children()}
    apart.start()
    [process] = [child for child in psutil.Process().children() if child.pid not in before]
    return process


@pytest.mark.fault("the process that loads a model ends", outcome="exit 4; the model is not refused for it")
def test_a_process_that_is_gone_is_an_error_of_the_machine(apart: LoadingProcess, tmp_path: Path) -> None:
    process = started(apart)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.status() == psutil.STATUS_ZOMBIE, "it has ended", every=0.05)
    wanted = Loading(pipeline="demo", version=3, model=tmp_path, served=tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"version 3 of demo did not finish.*exit code -9"):
        apart.load(wanted)


def test_what_was_not_needed_ends_with_its_owner(
    apart: LoadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "MLFLOW_TRACKING_PASSWORD",
        "AIRFLOW_CONN_DB",
        "PYSPARK_GATEWAY_SECRET",
    ):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:s3cret@host/mlflow")
    process = started(apart)
    given = process.environ()
    assert "s3cret" not in str(given)
    own = {"SPARK_LOCAL_IP", "MLFLOW_DFS_TMP", "MLFLOW_TRACKING_URI"}
    assert set(given) - PASSED_ON == own
    assert given["PATH"] == os.environ["PATH"]
    apart.start()
    assert process.is_running()
    apart.close()
    assert not process.is_running()
    apart.close()
