"""A date for which Spark has too little memory names the setting to raise; the other dates go on."""

from __future__ import annotations

import datetime as dt

import pytest
from py4j.protocol import Py4JNetworkError

from vintage.errors import DataError, EnvironmentProblem, OutOfMemory, StoreError, VintageError
from vintage.flow.job import for_each_date, readable

DAYS = tuple(dt.date(2024, 5, day) for day in range(1, 8))


class Java:
    """A Java exception, as py4j hands it over."""

    def __init__(self, text: str, cause: Java | None = None) -> None:
        self.text, self.cause = text, cause

    def toString(self) -> str:
        return self.text

    def getCause(self) -> Java | None:
        return self.cause


class SparkError(Exception):
    """An error of Spark with what lies below it."""

    def __init__(self, java: Java) -> None:
        super().__init__("Job aborted.")
        self.java_exception = java


HEAP = Java("SparkException: Job aborted", Java("java.lang.OutOfMemoryError: Java heap space"))


LOST = "ExecutorLostFailure (executor 1 exited caused by one of the running tasks)"
DRIVER, EXECUTOR = "Raise spark.driver.memory", "Raise spark.executor.memory"


@pytest.mark.fault(
    "a value or a partition that is larger than the memory of Spark",
    outcome="exit 4 that names the setting to raise; the other dates go on",
)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", DRIVER),
        ("SparkOutOfMemoryError: [UNABLE_TO_ACQUIRE_MEMORY] 64 bytes", DRIVER),
        ("java.lang.OutOfMemoryError: GC overhead limit exceeded", DRIVER),
        (f"{LOST} exit code 52", EXECUTOR),
        (f"{LOST} Container killed by YARN for exceeding memory limits. 2 GB used", EXECUTOR),
        ("java.lang.OutOfMemoryError: Requested array size exceeds VM limit", "less than 2 GB"),
    ],
)
def test_want_of_memory_is_told_with_what_to_raise(words: str, told: str) -> None:
    found = readable(SparkError(Java("SparkException: Job aborted", Java(words))))
    assert isinstance(found, OutOfMemory)
    assert found.exit_code == 4
    assert told in str(found)
    assert "\n" not in str(found)


@pytest.mark.fault("a JVM that ends in the midst of a job", outcome="exit 4 with one line")
def test_a_jvm_that_is_gone_is_told_in_one_line() -> None:
    found = readable(Py4JNetworkError("Answer from Java side is empty"))
    assert isinstance(found, EnvironmentProblem)
    assert "the JVM of Spark ended" in str(found)


def misread(day: dt.date) -> None:
    raise DataError(f"the raw files of {day} cannot be read") from SparkError(HEAP)


def test_a_step_s_own_reading_of_it_does_not_hide_it() -> None:
    with pytest.raises(OutOfMemory, match=r"snapshot 2024-05-01: Spark ran out of memory \(.*heap space"):
        for_each_date(misread, DAYS[:1], doing="snapshot")


def test_the_other_dates_go_on() -> None:
    done: list[dt.date] = []

    def work(day: dt.date) -> None:
        if day == DAYS[1]:
            raise SparkError(HEAP)
        done.append(day)

    with pytest.raises(OutOfMemory, match="2024-05-02"):
        for_each_date(work, DAYS, doing="snapshot")
    assert sorted(done) == [day for day in DAYS if day != DAYS[1]]


@pytest.mark.parametrize(
    "error",
    [
        StoreError("the database cannot be reached: Connection refused"),
        DataError("column x: 12 not int"),
        ValueError("x"),
    ],
)
def test_other_errors_are_what_they_were(error: Exception) -> None:
    found = readable(error)
    assert not isinstance(found, OutOfMemory)
    assert isinstance(found, VintageError)
    assert str(error).rstrip(".") in str(found)
