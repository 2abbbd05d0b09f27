"""A job goes where the connection says, otherwise unchanged; one that cannot be meant is told at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowFailException

from vintage.airflow.spark_connection import connection_problem
from vintage.airflow.spark_submit import SparkJob, spark_job
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def task(home: Path, monkeypatch: pytest.MonkeyPatch, **connection: Any) -> SparkJob:
    """The task `fit` under a connection `spark_default`."""
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps({"conn_type": "spark", **connection}))
    settings = Home.from_environment({"VINTAGE_HOME": str(home)})
    return spark_job("fit", load_pipeline(settings, "tiny"), settings)


@pytest.mark.parametrize(
    ("connection", "master"),
    [
        ({"host": "local[*]"}, "local[*]"),
        ({"host": "local[2, 4]"}, "local[2, 4]"),
        ({"host": "spark://spark-master", "port": 7077}, "spark://spark-master:7077"),
        ({"host": "spark://one:7077,two:7077"}, "spark://one:7077,two:7077"),
        ({"host": "yarn", "extra": {"deploy-mode": "client", "queue": "nightly"}}, "yarn"),
    ],
)
def test_the_connection_changes_the_master_and_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], master: str
) -> None:
    """On another cluster, the same program with the same settings and words."""
    words = task(home, monkeypatch, **connection)._get_hook()._build_spark_submit_command("fit.py")
    laptop = task(home, monkeypatch, host="local[*]")._get_hook()._build_spark_submit_command("fit.py")
    assert words[words.index("--master") + 1] == master
    for option, value in (("--queue", "nightly"), ("--deploy-mode", "client")):
        if option in words:
            at = words.index(option)
            assert words[at + 1] == value
            del words[at : at + 2]
    words[words.index(master)] = "local[*]"
    assert words == laptop


def test_a_retry_submits_anew_on_every_cluster(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's default looks for the driver of an earlier try; that one has died with its task."""
    for host in ("local[*]", "spark://m:7077", "yarn"):
        job = task(home, monkeypatch, host=host)
        hook = job._get_hook()
        assert job.durable is False
        assert not hook._should_track_driver_status
        assert not hook._should_track_yarn_application_via_rm_api()


@pytest.mark.fault("a Spark connection without a master", outcome="told before anything is submitted")
@pytest.mark.parametrize(
    ("connection", "found"),
    [
        ({}, "spark://"),
        ({"host": "nowhere"}, "nowhere"),
        ({"host": "spark://nowhere"}, "spark://nowhere"),
        ({"host": "sparkk://m", "port": 7077}, "sparkk://m:7077"),
        ({"host": "local[*]", "port": 7077}, "spark://local[*]:7077"),
        ({"host": "local[two]"}, "local[two]"),
        ({"host": "mesos://m:5050"}, "mesos://m:5050"),
    ],
)
def test_what_names_no_master_is_told_before_anything_is_submitted(
    home: Path, monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], found: str
) -> None:
    job = task(home, monkeypatch, **connection)
    with pytest.raises(AirflowFailException) as told:
        SparkJob.execute.__wrapped__(job, {})
    assert "'spark_default' names no Spark master" in str(told.value)
    assert f"found {found}" in str(told.value)


def test_another_deploy_mode_is_refused_with_the_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = task(home, monkeypatch, host="yarn", extra={"deploy-mode": "cluster"})
    with pytest.raises(AirflowFailException, match=r"expected client: .*found cluster"):
        SparkJob.execute.__wrapped__(job, {})


def test_kubernetes_is_a_master_too() -> None:
    """The provider itself asks for its package of Kubernetes when it is given one."""
    assert connection_problem("spark_default", "k8s://https://host:443", "client") is None


def test_without_spark_submit_the_task_says_where_it_looked(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    job = task(home, monkeypatch, host="local[*]")
    with pytest.raises(AirflowFailException) as told:
        SparkJob.execute.__wrapped__(job, {})
    assert "spark-submit is not on the PATH" in str(told.value)
    assert f"found {tmp_path}" in str(told.value)
