"""What is planned is found as if it were there, what is there stays as it is, and nothing is written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.artifacts import ingredients, publish_as
from vintage.flow.planned_store import PlannedStore
from vintage.store import Ingredients, Rows, Store

if TYPE_CHECKING:
    from pathlib import Path

DAY, NEXT = date(2013, 2, 28), date(2013, 3, 1)


def snapshot(day: date = DAY, seed: int = 1) -> Ingredients:
    return ingredients("snapshot", day, seed=seed)


def test_planned_and_published_are_found_alike(tmp_path: Path) -> None:
    store = Store(tmp_path, "demo")
    made = publish_as(store, snapshot())
    store.set_current(made, {"files": []})
    before = sorted(tmp_path.rglob("*"))

    planned = PlannedStore(tmp_path, "demo")
    new = planned.plan(
        snapshot(seed=2), rows=Rows(count=3, spark_schema={}, fingerprint="f"), note={"files": [1]}
    )
    later = planned.plan(snapshot(NEXT))
    assert planned.find("snapshot", DAY, made.key) == made
    assert planned.find("snapshot", DAY, new.key) == new
    assert planned.find("snapshot", NEXT, made.key) is None
    assert planned.current("snapshot", DAY) == new
    assert planned.pointer("snapshot", DAY) == {"key": new.key, "files": [1]}
    assert planned.made("snapshot", DAY) == made
    assert planned.made("snapshot", NEXT) is None
    assert planned.dates("snapshot") == (DAY, NEXT)
    assert [planned.is_planned(each) for each in (made, new, later)] == [False, True, True]

    planned.point_to(made)
    assert planned.current("snapshot", DAY) == made
    again = planned.unplanned()
    assert again.find("snapshot", DAY, new.key) is None
    assert again.current("snapshot", DAY) == made
    assert again.dates("snapshot") == (DAY,)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_joined_source_keeps_its_plan_apart(tmp_path: Path) -> None:
    planned = PlannedStore(tmp_path, "demo")
    new = planned.joined("stock").plan(snapshot())
    assert planned.joined("stock").current("snapshot", DAY) == new
    assert planned.current("snapshot", DAY) is None
    assert planned.plan_contract("id INT") == planned.contract() == "id INT"
    assert planned.joined("stock").contract() is None
