"""Who becomes champion: a later model that passed, and no other."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import publish_evaluation
from tests.registries import FakeRegistry
from vintage.errors import ModelRefused, StoreError, TrackingError
from vintage.flow.promote import Challenger, settle
from vintage.registry import ledger
from vintage.registry.loadability import Loaded
from vintage.registry.tracking import Registered, Version
from vintage.store import Artifact, Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2013, 2, 28)


def gives_the_same() -> Loaded:
    return Loaded(ways=("PipelineModel.transform",), rows=16)


class SlowRegistry(FakeRegistry):
    """Who serves, told late, so that two who ask at once both hear of the same one."""

    def registered(self, pipeline: str) -> Registered:
        found = super().registered(pipeline)
        time.sleep(0.02)
        return found


def night(store: Store, number: int) -> tuple[Version, Artifact]:
    """The evaluated and registered model of a date, whose gates passed."""
    day = DAY + timedelta(days=number)
    key = f"{number}".rjust(64, "0")
    made = publish_evaluation(store, day, key, decision={"promote": True, "reasons": ["good"]})
    return Version(version=number, run_id="r", key=key, date=day.isoformat()), made


@pytest.mark.fault("promotions of many dates at once", outcome="the latest date serves")
def test_of_many_at_once_the_latest_date_serves_and_each_decision_is_true_when_made(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    nights = [night(store, number) for number in (3, 8, 1, 6, 2, 7, 5, 4)]
    registry.known = [version for version, _ in nights]
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


@pytest.mark.fault("MLflow fails while the alias moves", outcome="run again, it moves once")
def test_a_move_that_fails_is_made_once_when_it_is_tried_again(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.known = [version]
    registry.away = True
    with pytest.raises(TrackingError):
        settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same)
    # The ledger says who serves; the alias follows.
    assert [entry.action for entry in ledger.read(store.ledger_path)] == ["promoted"]
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
    registry.known = [version]
    settle(registry, store, Challenger(version, evaluation, "auto", "ada"), gives_the_same)
    [entry] = ledger.read(store.ledger_path)
    assert (entry.approved_by, entry.by) == ("ada", None)


def test_a_model_serves_once_a_person_has_let_it_pass_and_nothing_is_said_twice(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.known = [version]
    asked = Challenger(version, evaluation, "approve")
    for challenger in (
        asked,
        asked,
        replace(asked, approved_by="ada"),
        asked,
        replace(asked, approved_by="bo"),
    ):
        settle(registry, store, challenger, gives_the_same)
    entries = ledger.read(store.ledger_path)
    assert [(each.action, each.approved_by) for each in entries] == [
        ("registered", None),
        ("promoted", "ada"),
    ]
    assert "it is not approved" in entries[0].reasons[-1]
    assert registry.moves == [1]


def test_a_rejection_lasts_until_a_person_says_otherwise(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.known = [version]
    asked = Challenger(version, evaluation, "approve")
    for challenger in (replace(asked, rejected_by="ada"), asked, replace(asked, rejected_by="ada")):
        assert settle(registry, store, challenger, gives_the_same).told == "rejected by ada"
    [entry] = ledger.read(store.ledger_path)
    assert (entry.approved_by, registry.moves) == (None, [])
    settle(registry, store, replace(asked, approved_by="bo"), gives_the_same)
    assert registry.moves == [1]
    # Whoever comes too late is heard, and changes nothing.
    late = settle(registry, store, replace(asked, rejected_by="ada"), gives_the_same)
    assert (late.action, late.by, registry.moves) == ("rejected", "ada", [1])
    assert "it already serves" in late.reasons[-1]
    assert [each.action for each in ledger.read(store.ledger_path)] == ["rejected", "promoted", "rejected"]


def test_an_approval_survives_what_kept_the_model_from_loading(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.known = [version]
    asked = Challenger(version, evaluation, "approve")
    with pytest.raises(ModelRefused):
        settle(registry, store, replace(asked, approved_by="ada"), lambda: Loaded(problems=("in pieces",)))
    settle(registry, store, asked, gives_the_same)
    entries = ledger.read(store.ledger_path)
    assert [(each.action, each.approved_by) for each in entries] == [("refused", "ada"), ("promoted", "ada")]


def test_an_approval_that_comes_after_a_later_model_serves_is_recorded(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    (first, made), (second, later) = night(store, 1), night(store, 2)
    registry.known = [first, second]
    settle(registry, store, Challenger(first, made, "approve"), gives_the_same)
    settle(registry, store, Challenger(second, later, "approve", approved_by="ada"), gives_the_same)
    settle(registry, store, Challenger(first, made, "approve", approved_by="ada"), gives_the_same)
    told = [(each.version, each.action, each.approved_by) for each in ledger.read(store.ledger_path)]
    assert told == [(1, "registered", None), (2, "promoted", "ada"), (1, "registered", "ada")]
    assert registry.moves == [2]


@pytest.mark.fault("a model that does not load", outcome="exit 5; the champion stays")
def test_a_model_that_does_not_load_is_refused_once_and_fails_each_time(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    registry.known = [version]
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
    registry.known = [first, second]
    loaded = []

    def loads() -> Loaded:
        loaded.append(1)
        return gives_the_same()

    settle(registry, store, Challenger(second, later, "auto"), loads)
    for challenger in (Challenger(second, later, "auto"), Challenger(first, made, "auto")):
        settle(registry, store, challenger, loads)
    assert (registry.moves, loaded) == ([2], [1])


@pytest.mark.fault("a ledger that cannot be locked", outcome="exit 4; nobody moves")
def test_a_ledger_that_cannot_be_locked_moves_nobody(tmp_path: Path) -> None:
    store, registry = Store(tmp_path / "store", "demo"), SlowRegistry()
    version, evaluation = night(store, 1)
    store.ledger_path.with_suffix(".lock").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be locked"):
        settle(registry, store, Challenger(version, evaluation, "auto"), gives_the_same)
    assert registry.moves == []
