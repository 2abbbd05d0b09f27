"""A job's one session, opened in the background where the job has other work first."""

import threading

import pytest

from spark_jobs import session
from spark_jobs.errors import EnvironmentProblem
from spark_jobs.session import SparkProvider


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
