"""A sweep deletes what nothing names and nothing else, whoever works beside it and whenever it is killed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.artifacts import age, decide, publish
from tests.store.sweeps import DAY, OLD, full_lineage, keys, sweep, sweeper, tree, written
from vintage.lineage.sweeping import Sweeper
from vintage.store import Store
from vintage.store.reports import report_folder

if TYPE_CHECKING:
    from vintage.store import Artifact


def test_what_nothing_names_goes_with_its_report(store: Store) -> None:
    made = full_lineage(store)
    report = report_folder(store, made["evaluation"])
    report.mkdir(parents=True)
    (report / "report.html").write_text("page", encoding="utf-8")
    gone = sweep(store)
    assert {each.key for each in gone} == {artifact.key for artifact in made.values()}
    assert sum(each.size for each in gone if each.what == "report") == 4
    assert keys(store) == set()
    assert not report.exists()
    assert list(store.folder.rglob(".*")) == []


@pytest.mark.parametrize("named_by", ["pointer", "ledger", "registry", "youth"])
def test_what_is_named_stays_with_all_that_it_was_made_from(store: Store, named_by: str) -> None:
    made, other = full_lineage(store), full_lineage(store, seed=1)
    registered: list[str] = []
    if named_by == "pointer":
        store.set_current(made["evaluation"])
    elif named_by == "ledger":
        decide(store, made["model"], made["evaluation"], version=1, action="refused")
    elif named_by == "registry":
        # Its evaluations stay too, though nothing names them.
        registered = [made["model"].key]
    else:
        age(made["evaluation"], 89)
    gone = {each.key for each in sweep(store, registered)}
    assert gone == {artifact.key for artifact in other.values()}
    assert keys(store) == {artifact.key for artifact in made.values()}
    for artifact in made.values():
        artifact.check_files()


def test_predictions_that_are_current_keep_their_model_and_those_before_them_go(store: Store) -> None:
    made, other = full_lineage(store), full_lineage(store, seed=1)
    before, now = (
        age(publish(store, "predictions", DAY, {name: [each[name]] for name in ("model", "features")}), OLD)
        for each in (other, made)
    )
    store.set_current(now)
    gone = {each.key for each in sweep(store)}
    assert gone == {*(artifact.key for artifact in other.values()), before.key, made["evaluation"].key}
    assert keys(store) == {now.key, *(each.key for name, each in made.items() if name != "evaluation")}


def test_a_baseline_stays_with_the_evaluation_that_was_held_against_it(store: Store) -> None:
    made = full_lineage(store)
    later = publish(store, "evaluation", DAY, {"baseline": [made["model"]]}, seed=7)
    assert made["evaluation"].key in {each.key for each in sweep(store)}
    assert later.key in keys(store)
    assert made["model"].key in keys(store)
    assert made["paint"].key in keys(store)


def test_an_edited_or_unknown_manifest_is_told_and_kept_with_what_it_names(store: Store) -> None:
    made = full_lineage(store)
    path = made["model"].folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"kind"', '"sort"', 1), encoding="utf-8")
    found = sweeper(store).look()
    assert any("is not a manifest" in warning for warning in found.warnings)
    assert [each.key for each in found.artifacts] == [made["evaluation"].key]
    sweep(store)
    assert keys(store) == {artifact.key for name, artifact in made.items() if name != "evaluation"}


@pytest.mark.fault("`gc` beside a damaged pointer", outcome="all of the date stays")
def test_a_damaged_pointer_keeps_its_date(store: Store) -> None:
    made = full_lineage(store)
    (made["tuning"].folder.parent / "current.json").write_text("{", encoding="utf-8")
    found = sweeper(store).look()
    assert any("is not a pointer" in warning for warning in found.warnings)
    assert {each.what for each in found.artifacts} == {"model", "evaluation"}


def test_a_line_of_the_ledger_that_nobody_can_read_still_names_its_model(store: Store) -> None:
    made = full_lineage(store)
    line = f'{{"action": "pinned", "model": "{made["model"].key}"}}\n'
    store.ledger_path.write_text(line, encoding="utf-8")
    assert sweep(store) == ()


def test_looking_changes_nothing(store: Store) -> None:
    full_lineage(store)
    written(store.folder, days=OLD)
    before = tree(store)
    found = sweeper(store).look()
    assert len(found.artifacts) == 7
    assert tree(store) == before


def test_a_folder_without_a_manifest_is_left(store: Store) -> None:
    """A publish would say that it is in the way; nobody knows whose it is."""
    folder = store.folder / "model" / f"date={DAY}" / ("a" * 64)
    folder.mkdir(parents=True)
    written(folder, days=OLD)
    assert sweep(store) == ()
    assert folder.exists()


ages = st.sampled_from([1.0, 89.0, 91.0, 400.0])
picks = st.integers(min_value=0, max_value=2**16)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_the_store_exactly_what_nothing_names_goes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Held against a graph that is kept beside the store, and not read out of it."""
    store = Store(tmp_path_factory.mktemp("store"), "demo")
    paint = store.joined("paint")
    made: list[Artifact] = []
    edges: dict[str, set[str]] = {}
    models: dict[str, str] = {}
    stays: set[str] = set()

    def chosen(kind: str, of: str = "demo") -> list[Artifact]:
        there = [each for each in made if (each.manifest.kind, each.manifest.pipeline) == (kind, of)]
        # One a date, as inputs are named by it.
        picked = {
            each.manifest.date: each
            for each in there
            if data.draw(st.booleans(), label=f"{kind} {each.manifest.date}")
        }
        return list(picked.values())

    for number in range(data.draw(st.integers(3, 12), label="artifacts")):
        day = DAY - timedelta(days=data.draw(st.integers(0, 2)))
        kind = data.draw(st.sampled_from(["snapshot", "features", "tuning", "model", "evaluation", "paint"]))
        inputs: dict[str, list[Artifact]] = {}
        if kind == "features":
            inputs = {"snapshot": chosen("snapshot"), "join.paint": chosen("snapshot", paint.pipeline)}
        elif kind in {"tuning", "model"}:
            inputs = {"features": chosen("features"), "tuning": chosen("tuning") if kind == "model" else []}
        elif kind == "evaluation":
            inputs = {"model": chosen("model")[:1], "features": chosen("features")}
            inputs["baseline"] = chosen("model")[:1]
        where = paint if kind == "paint" else store
        each = publish(where, "snapshot" if kind == "paint" else kind, day, inputs, seed=number)
        days = data.draw(ages, label="age")
        made.append(age(each, days))
        edges[each.key] = {one.key for part in inputs.values() for one in part}
        if inputs.get("model"):
            models[each.key] = inputs["model"][0].key
        if days < 90:
            stays.add(each.key)
        if data.draw(st.sampled_from([True, False, False]), label="current"):
            where.set_current(each)
    current = {
        artifact.key
        for where in (store, paint)
        for kind in ("snapshot", "features", "tuning", "model", "evaluation")
        for day in where.dates(kind)
        if (artifact := where.current(kind, day)) is not None
    }
    fitted = [each for each in made if each.manifest.kind == "model"]
    named = {each.key for each in fitted if data.draw(st.sampled_from([True, False, False]), label="named")}
    registered = {key for key in named if data.draw(st.booleans(), label="registered")}
    for each in fitted:
        if each.key in named - registered:
            decide(store, each, each, version=1)
    stays |= current | named | {key for key, model in models.items() if model in named}
    while more := {name for key in stays for name in edges[key]} - stays:
        stays |= more

    gone = {each.key for each in sweep(store, registered)}
    assert keys(store) == stays
    assert gone == edges.keys() - stays
    for artifact in made:
        if artifact.key in stays:
            artifact.check_files()


@pytest.mark.fault("`gc` beside an artifact from the future", outcome="it stays")
def test_the_clock_of_an_artifact_may_be_ahead(store: Store) -> None:
    made = age(publish(store, "tuning", DAY), -5)
    assert sweep(store) == ()
    assert made.folder.exists()


def test_less_than_a_day_counts_as_a_day(store: Store) -> None:
    """A job publishes several artifacts before it sets pointers to them."""
    age(publish(store, "tuning", DAY), 0.5)
    none = Sweeper(store, set, older_than=timedelta(0), now=datetime.now(UTC))
    assert none.look().artifacts == ()
