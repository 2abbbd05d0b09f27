"""A scheduled night waits for the files of its date, with a triggerer's time and not a worker's."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from tests.airflow.conftest import RUN_AFTER, load_dags
from vintage.airflow.waiting import FilesTrigger, delivered
from vintage.errors import SpecError
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from airflow.triggers.base import TriggerEvent

    from vintage.airflow.waiting import WaitForData

DAY = "2024-03-01"


def task() -> WaitForData | None:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["retrain_tiny"].task_dict.get("wait_for_data")


def declare(home: Path, old: str, new: str) -> None:
    path = home / "pipelines" / "tiny.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def context(run_type: str) -> dict[str, Any]:
    run = SimpleNamespace(partition_key=DAY, run_after=RUN_AFTER, run_type=run_type)
    return {"dag_run": run, "params": {}}


def deliver(home: Path, text: str = "id,x,label\n", name: str = "rows.csv") -> Path:
    path = home / "data" / "raw" / "tiny" / f"date={DAY}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_that_are_there_are_not_waited_for(home: Path) -> None:
    deliver(home)
    waits = task()
    assert waits is not None
    waits.execute(context("scheduled"))


@pytest.mark.parametrize("run_type", ["manual", "backfill"])
def test_a_run_by_hand_and_a_backfill_wait_for_nothing(home: Path, run_type: str) -> None:
    waits = task()
    assert waits is not None
    waits.execute(context(run_type))


def test_a_scheduled_run_is_handed_to_the_triggerer(home: Path) -> None:
    declare(home, "window:", "wait: {timeout: 90m, poke: 5s}\nwindow:")
    waits = task()
    assert waits is not None
    before = time.time()
    with pytest.raises(TaskDeferred) as deferred:
        waits.execute(context("scheduled"))
    path, made_with = deferred.value.trigger.serialize()
    assert path == "vintage.airflow.waiting.FilesTrigger"
    assert made_with["paths"] == [str(home / "data" / "raw" / "tiny" / f"date={DAY}")]
    assert made_with["poke_seconds"] == 5
    assert 5400 <= made_with["until"] - before < 5460
    assert waits.execution_timeout > dt.timedelta(minutes=90)

    resumed = {"method": deferred.value.method_name, "kwargs": deferred.value.kwargs}
    assert resumed == {"method": "execute_complete", "kwargs": {"date": DAY}}
    waits.execute_complete(context("scheduled"), {"absent": []}, **resumed["kwargs"])
    with pytest.raises(AirflowFailException) as failed:
        waits.execute_complete(context("scheduled"), {"absent": made_with["paths"]}, **resumed["kwargs"])
    assert f"the raw data of {DAY} has not come within 90 minutes" in str(failed.value)
    assert made_with["paths"][0] in str(failed.value)


def fired(trigger: FilesTrigger, *, meanwhile: list[Any] | None = None) -> dict[str, Any]:
    """The event of a trigger, which sleeps a hundredth of a second, while something is done step by step."""

    async def first() -> TriggerEvent:
        async def steps() -> None:
            for step in meanwhile or []:
                await asyncio.sleep(0.05)
                step()

        doing = asyncio.create_task(steps())
        event = await anext(aiter(trigger.run()))
        await doing
        return event

    answer: dict[str, Any] = asyncio.run(first()).payload
    return answer


def trigger_of(home: Path, *, seconds: float) -> FilesTrigger:
    waits = task()
    assert waits is not None
    paths = [path.replace("{date}", DAY) for path in waits.paths]
    _, made_with = FilesTrigger(paths, time.time() + seconds, 0.01).serialize()
    # As a triggerer makes it.
    return FilesTrigger(**made_with)


def test_late_files_end_the_waiting_once_they_are_whole(home: Path) -> None:
    sizes: list[int] = []

    def grow() -> None:
        path = deliver(home, "id,x,label\n" + "1,2,3\n" * len(sizes))
        sizes.append(path.stat().st_size)

    steps = [lambda: deliver(home, "", "_SUCCESS"), lambda: deliver(home, ""), *[grow] * 3]
    assert fired(trigger_of(home, seconds=30), meanwhile=steps) == {"absent": []}
    assert len(sizes) >= 1


@pytest.mark.fault("raw files that never come", outcome="the run fails and names the paths")
def test_files_that_never_come_are_named(home: Path) -> None:
    deliver(home, "", "rows.csv")
    trigger = trigger_of(home, seconds=0.1)
    assert fired(trigger) == {"absent": trigger.paths}


@pytest.mark.fault("a raw file that is still being written", outcome="waited for")
def test_a_file_that_still_grows_is_not_taken_for_whole(home: Path) -> None:
    path = deliver(home)
    folder = str(path.parent)
    first = delivered(folder)
    path.write_text("id,x,label\n1,2,3\n")
    assert [name for name, *_ in first] == [str(path)]
    assert delivered(folder) != first
    # Two looks at the same are needed.
    looks = iter([first, delivered(folder), delivered(folder)])
    seen: list[Any] = []

    def look(_: str) -> Any:
        seen.append(next(looks))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vintage.airflow.waiting.delivered", look)
        assert fired(FilesTrigger([folder], time.time() + 30, 0.001)) == {"absent": []}
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("window:", "wait: {timeout: 0s}\nwindow:"),
        ("tiny/date={date}", "tiny"),
    ],
    ids=["told so", "a source without dates"],
)
def test_there_is_no_task_where_nothing_is_waited_for(home: Path, old: str, new: str) -> None:
    declare(home, old, new)
    if "window" not in new:
        declare(home, "window: {days: 3, min_days: 1}", "window: {days: 1}")
    assert task() is None


@pytest.mark.parametrize("bad", ["{timeout: 6}", "{timeout: 6 hours}", "{poke: 0s}", "{pole: 1m}"])
def test_a_wrong_time_is_refused_with_its_line(home: Path, bad: str) -> None:
    declare(home, "window:", f"wait: {bad}\nwindow:")
    with pytest.raises(SpecError, match=r"tiny\.yaml:12: "):
        load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
