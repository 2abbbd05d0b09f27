"""How a job becomes a task: its errors, its connection, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

from tests.until import until
from vintage.airflow.spark_connection import no_connection
from vintage.airflow.spark_submit import SparkJob, failure, source_connections, spark_job
from vintage.processes import end_tree
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

# A shell with a child that is deaf to SIGTERM and a grandchild in a session of its own.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
time.sleep(300)
"""


@pytest.mark.parametrize("exit_code", [2, 3, 6])
def test_what_a_retry_cannot_mend_is_final(exit_code: int) -> None:
    error = failure("snapshot", exit_code, ["INFO a line", "vintage: no rows.", "INFO the JVM says goodbye"])
    assert type(error) is AirflowFailException
    assert str(error) == "no rows."


@pytest.mark.parametrize("exit_code", [1, 4, 137, -9])
def test_other_failures_are_tried_again(exit_code: int) -> None:
    error = failure("fit", exit_code, ["vintage: the disk is full."])
    assert type(error) is AirflowException
    assert str(error) == "the disk is full."


def test_a_job_without_last_words_is_named_with_its_exit_code() -> None:
    assert str(failure("fit", 9, [])) == "fit ended with code 9; see its log"
    killed = str(failure("fit", 137, []))
    assert killed.startswith("fit ended with code 137, most likely for want of memory; ")
    assert "spark.driver.memory" in killed


def test_a_missing_connection_says_what_to_set() -> None:
    text = str(no_connection("spark_default"))
    assert "'spark_default' is missing" in text
    assert "AIRFLOW_CONN_SPARK_DEFAULT" in text


def test_a_whole_family_of_processes_ends() -> None:
    root = subprocess.Popen(["bash", "-c", f"{sys.executable} -c '{FAMILY}' & wait"])
    above = psutil.Process(root.pid)
    until(lambda: len(above.children(recursive=True)) == 2, "a child and its own", every=0.1)
    family = [above, *above.children(recursive=True)]
    end_tree(root.pid)
    root.wait()
    assert not [process for process in family if process.is_running() and process.status() != "zombie"]


def test_only_the_snapshot_is_given_the_source_s_connection(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the submitted program finds in its environment and words, told by a stand-in for it."""
    told = tmp_path / "told"
    program = tmp_path / "spark-submit"
    program.write_text(f'#!/bin/sh\n{{ printf "%s|" "$AIRFLOW_CONN_WAREHOUSE"; echo "$@"; }} >{told}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps({"conn_type": "spark", "host": "local[1]"}))
    path = home / "pipelines" / "tiny.yaml"
    files = 'format: csv\n  path: data/raw/tiny/date={date}\n  options: {header: "true"}'
    assert files in path.read_text()
    path.write_text(path.read_text().replace(files, "format: jdbc\n  connection: Warehouse\n  table: tiny"))
    settings = Home.from_environment({"VINTAGE_HOME": str(home)})
    pipeline = load_pipeline(settings, "tiny")
    asked: list[str] = []

    def connection(conn_id: str) -> Connection:
        asked.append(conn_id)
        if conn_id == "spark_default":
            return Connection(conn_id=conn_id, conn_type="spark", host="local[1]")
        return Connection(conn_id=conn_id, conn_type="postgres", host="db", login="ann", password="hush-hush")

    # The provider asks an object of the class, we the class.
    monkeypatch.setattr("vintage.airflow.spark_submit.BaseHook.get_connection", staticmethod(connection))
    for job, given in (("snapshot", True), ("fit", False)):
        asked.clear()
        task = spark_job(job, pipeline, settings)
        SparkJob.execute.__wrapped__(task, {})
        task._hook._submit_sp.stdout.close()
        environment, _, words = told.read_text().partition("|")
        assert ("Warehouse" in asked) is given
        assert (json.loads(environment)["password"] == "hush-hush") if given else environment == ""
        assert "hush-hush" not in words + caplog.text
    assert "AIRFLOW_CONN_WAREHOUSE" not in os.environ


def test_a_source_s_connection_that_airflow_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(conn_id: str) -> None:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr("vintage.airflow.spark_submit.BaseHook.get_connection", missing)
    with pytest.raises(AirflowFailException, match=r"'warehouse' is missing.*AIRFLOW_CONN_WAREHOUSE"):
        source_connections(["warehouse"])


def test_ending_what_has_ended_is_fine() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    end_tree(done.pid)


def test_a_missing_connection_is_not_taken_for_yarn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(conn_id: str) -> None:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr("vintage.airflow.spark_submit.BaseHook.get_connection", missing)
    pipeline_home = Home.from_environment({"VINTAGE_HOME": str(home)})
    task = spark_job("snapshot", load_pipeline(pipeline_home, "tiny"), pipeline_home)
    with pytest.raises(AirflowFailException, match="'spark_default' is missing"):
        SparkJob.execute.__wrapped__(task, {})


@pytest.mark.parametrize(("master", "address"), [("local[*]", "127.0.0.1"), ("spark://127.0.0.1:7077", "")])
def test_only_a_local_driver_listens_on_loopback_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: str, address: str
) -> None:
    """What the submitted program finds in its environment, told by a stand-in for spark-submit."""
    told = tmp_path / "told"
    program = tmp_path / "spark-submit"
    program.write_text(f'#!/bin/sh\nprintf %s "$SPARK_LOCAL_IP" >{told}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    connection = {"conn_type": "spark", "host": master}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    settings = Home.from_environment({"VINTAGE_HOME": str(home)})
    task = spark_job("fit", load_pipeline(settings, "tiny"), settings)
    SparkJob.execute.__wrapped__(task, {})
    assert told.read_text() == address
    # The provider leaves the pipe to the garbage collector.
    task._hook._submit_sp.stdout.close()
