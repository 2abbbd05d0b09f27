"""The process that loads models ends with whoever started it, and what ends it before is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from spark_jobs.errors import EnvironmentProblem
from spark_jobs.registry.loadability import Loading, Place
from spark_jobs.registry.loading_process import LoadingProcess
from tests.until import until

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


def test_a_process_that_is_gone_is_an_error_of_the_machine(apart: LoadingProcess, tmp_path: Path) -> None:
    process = started(apart)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.status() == psutil.STATUS_ZOMBIE, "it has ended", every=0.05)
    wanted = Loading(pipeline="demo", version=3, model=tmp_path, served=tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"version 3 of demo did not do its work.*exit code -9"):
        apart.load(wanted)


def test_what_was_not_needed_ends_with_its_owner(apart: LoadingProcess) -> None:
    process = started(apart)
    apart.start()
    assert process.is_running()
    apart.close()
    assert not process.is_running()
    apart.close()
