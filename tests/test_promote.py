"""Who becomes champion: a later model that passed, and no other."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from spark_jobs.errors import ModelRefused, StoreError, TrackingError
from spark_jobs.promote import Challenger, choose, settle
from spark_jobs.registry import ledger
from spark_jobs.registry.loadability import Loaded
from spark_jobs.registry.tracking import Version
from spark_jobs.store import Artifact, Store
from tests.evaluations import publish_evaluation

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2013, 2, 28)


def champion(day: str, version: int = 1) -> Version:
    return Version(version=version, run_id="r", key="k", date=day)


@pytest.mark.parametrize(
    ("before", "mode", "passed", "action"),
    [
        (None, "auto", True, "promoted"),
        (None, "auto", False, "refused"),
        (None, "never", True, "registered"),
        (champion("2013-02-27"), "auto", True, "promoted"),
        (champion("2013-02-27"), "auto", False, "refused"),
        (champion("2013-02-28"), "auto", True, "registered"),
        (champion("2013-03-01"), "auto", True, "registered"),
        (champion("2013-02-28", version=2), "auto", True, "promoted"),
        (champion("2013-02-28", version=2), "auto", False, "refused"),
    ],
)
def test_what_becomes_of_a_version(before: Version | None, mode: str, passed: bool, action: str) -> None:
    chosen, reasons = choose(2, DAY, before, mode=mode, passed=passed, reasons=("the gates' reason",))
    assert chosen == action
    assert reasons[0] == "the gates' reason"
    serves = before is not None and before.version == 2
    assert (len(reasons) == 2) == (chosen == "registered" or (serves and not passed))


def gives_the_same() -> Loaded:
    return Loaded(ways=("PipelineModel.transform",), rows=16)


class SlowRegistry:
    """Who serves, told late, so that two who ask at once both hear of the same one."""

    def __init__(self) -> None:
        self.serves: Version | None = None
        self.versions: dict[int, Version] = {}
        self.moves: list[int] = []
        self.away = False

    def champion(self, pipeline: str) -> Version | None:
        found = self.serves
        time.sleep(0.02)
        return found

    def set_champion(self, pipeline: str, version: int) -> None:
        if self.away:
            raise TrackingError("MLflow cannot be reached")
        self.serves = self.versions[version]
        self.moves.append(version)


def night(store: Store, number: int) -> tuple[Version, Artifact]:
    """The evaluated and registered model of a date, whose gates passed."""
    day = DAY + timedelta(days=number)
    key = f"{number}".rjust(64, "0")
    made = publish_evaluation(store, day, key, decision={"promote": True, "reasons": ["good"]})
    return Version(version=number, run_id="r", key=key, date=day.isoformat()), made


def test_of_many_at_once_the_latest_date_serves_and_each_decision_is_true_when_made(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    nights = [night(store, number) for number in (3, 8, 1, 6, 2, 7, 5, 4)]
    registry.versions = {version.version: version for version, _ in nights}
    together = threading.Barrier(len(nights))

    def decide(version: Version, evaluation: Artifact) -> None:
        together.wait()
        settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same)

    threads = [threading.Thread(target=decide, args=each) for each in nights]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.moves[-1] == 8
    assert registry.moves == sorted(registry.moves)
    entries = ledger.read(store.ledger_path)
    assert len(entries) == len(nights)
    served: int | None = None
    for entry in entries:
        assert entry.champion_before == served
        assert (entry.action == "promoted") == (served is None or entry.version > served)
        served = entry.version if entry.action == "promoted" else served


def test_a_move_that_fails_is_made_once_when_it_is_tried_again(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.versions = {1: version}
    registry.away = True
    with pytest.raises(TrackingError):
        settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same)
    assert ledger.read(store.ledger_path) == ()
    registry.away = False
    for _ in range(2):
        assert (
            settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same).action
            == "promoted"
        )
    assert registry.moves == [1]
    assert [entry.action for entry in ledger.read(store.ledger_path)] == ["promoted"]


def test_who_let_a_model_pass_stands_in_the_ledger(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.versions = {1: version}
    settle(registry, store, Challenger(version, evaluation, "auto", "ada"), gives_the_same)
    [entry] = ledger.read(store.ledger_path)
    assert (entry.approved_by, entry.by) == ("ada", None)


def test_a_model_that_does_not_load_is_refused_once_and_fails_each_time(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.versions = {1: version}
    for _ in range(2):
        with pytest.raises(ModelRefused, match=r"version 1 of demo .*cannot serve; found in pieces"):
            settle(
                registry,
                store,
                Challenger(version, evaluation, "auto"),
                lambda: Loaded(problems=("in pieces",)),
            )
    [entry] = ledger.read(store.ledger_path)
    assert (entry.action, entry.reasons, registry.moves) == ("refused", ("good", "in pieces"), [])


def test_what_need_not_be_loaded_is_not(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    (first, made), (second, later) = night(store, 1), night(store, 2)
    registry.versions = {1: first, 2: second}
    loaded = []

    def loads() -> Loaded:
        loaded.append(1)
        return gives_the_same()

    settle(registry, store, Challenger(second, later, "auto"), loads)
    for challenger in (Challenger(second, later, "auto"), Challenger(first, made, "auto")):
        settle(registry, store, challenger, loads)
    assert (registry.moves, loaded) == ([2], [1])


def test_a_ledger_that_cannot_be_locked_moves_nobody(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    store.ledger_path.with_suffix(".lock").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be locked"):
        settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same)
    assert registry.moves == []
