"""A job's one session, opened in the background where the job has other work first."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import pytest

from vintage import session
from vintage.errors import EnvironmentProblem
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline, submit_conf
from vintage.spec.submission import PINNED_JVM

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHECKOUT = Path(__file__).parents[1]


class Opened:
    """Stands for a session: what it is asked is whether it was ended."""

    version = "4"
    sparkContext = type("Context", (), {"master": "local"})

    def __init__(self) -> None:
        self.ended = threading.Event()

    def stop(self) -> None:
        self.ended.set()


def test_what_goes_wrong_in_the_background_is_told_when_the_session_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []

    def none(*_: object) -> None:
        tries.append(1)
        raise EnvironmentProblem("Spark did not start")

    monkeypatch.setattr(session, "_open", none)
    provider = SparkProvider("none")
    provider.begin()
    with pytest.raises(EnvironmentProblem, match="Spark did not start"):
        provider()
    assert len(tries) == 1
    provider.stop()


def test_a_session_that_is_still_being_opened_is_ended_with_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, asked, answered = Opened(), threading.Event(), threading.Event()

    def slowly(*_: object) -> Opened:
        asked.set()
        assert answered.wait(10)
        return opened

    monkeypatch.setattr(session, "_open", slowly)
    provider = SparkProvider("slow")
    provider.begin()
    assert asked.wait(10)
    threading.Timer(0.1, answered.set).start()
    provider.stop()
    assert opened.ended.is_set()


def test_what_is_recorded_does_not_tell_by_which_job_it_was_made(tmp_path: Path) -> None:
    archive = tmp_path / "archive.jsa"
    archive.touch()
    home = Home.from_environment({"VINTAGE_HOME": str(CHECKOUT), "VINTAGE_CDS_ARCHIVE": str(archive)})
    pipeline = load_pipeline(home, "flight_delay")

    def recorded(job: str) -> dict[str, str]:
        opened = MagicMock()
        opened.sparkContext.getConf().getAll.return_value = submit_conf(pipeline, home, job).items()
        launcher = opened.sparkContext._jvm.org.apache.spark.launcher
        launcher.JavaModuleOptions.defaultModuleOptions.return_value = "--add-opens=java.base/java.lang=ALL"
        return session.recorded_conf(opened)

    assert submit_conf(pipeline, home, "fit") != submit_conf(pipeline, home)
    assert recorded("fit") == recorded("")
    assert recorded("")["spark.driver.extraJavaOptions"] == " ".join(PINNED_JVM)


@pytest.mark.spark
def test_of_a_jvm_s_options_spark_s_own_are_not_recorded(spark: SparkSession) -> None:
    given = spark.sparkContext.getConf().get("spark.driver.extraJavaOptions", "")
    assert "--add-opens" in str(given)
    assert session.recorded_conf(spark)["spark.driver.extraJavaOptions"] == " ".join(PINNED_JVM)
