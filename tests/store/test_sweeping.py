"""A sweep deletes what nothing names and nothing else, whoever works beside it and whenever it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_jobs.store import Store, sweeping
from spark_jobs.store.reports import report_folder
from spark_jobs.store.sweeping import Sweeper
from tests.lineages import age, decide, publish, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from spark_jobs.store import Artifact
    from spark_jobs.store.sweeping import Leftover

DAY = date(2024, 3, 6)
OLD = 100.0
"""Days; what nothing names stays for 90."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", "demo")


def sweeper(store: Store, registered: Iterable[str] = ()) -> Sweeper:
    return Sweeper(store, lambda: set(registered), older_than=timedelta(days=90))


def sweep(store: Store, registered: Iterable[str] = ()) -> tuple[Leftover, ...]:
    sweeping_now = sweeper(store, registered)
    return sweeping_now.sweep(sweeping_now.look(), settle=0)


def keys(store: Store) -> set[str]:
    return {path.parent.name for path in store.folder.rglob("manifest.json")}


def written(path: Path, *, days: float) -> Path:
    """Makes a path and all below it that many days old."""
    then = time.time() - days * 86400
    for each in (*path.rglob("*"), path):
        os.utime(each, (then, then))
    return path


def tree(store: Store) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in store.root.rglob("*")}


def full_lineage(store: Store, seed: int = 0) -> dict[str, Artifact]:
    """All that one model was made from and that was made from it, without pointers; a hundred days old."""
    raw = snapshot(store, DAY, rows=f"rows {seed}", seed=seed)
    paint = snapshot(store.joined("paint"), DAY, rows=f"paint {seed}", seed=seed)
    made = {"snapshot": raw, "paint": paint}
    made["validation"] = publish(store, "validation", DAY, {"snapshot": [raw]}, seed=seed)
    made["features"] = publish(
        store,
        "features",
        DAY,
        {"snapshot": [raw], "join.paint": [paint]},
        seed=seed,
        validation={"source": made["validation"].key},
    )
    made["tuning"] = publish(store, "tuning", DAY, {"features": [made["features"]]}, seed=seed)
    made["model"] = publish(
        store, "model", DAY, {"features": [made["features"]], "tuning": [made["tuning"]]}, seed=seed
    )
    made["evaluation"] = publish(
        store, "evaluation", DAY, {"model": [made["model"]], "features": [made["features"]]}, seed=seed
    )
    for pointer in store.folder.rglob("current.json"):
        pointer.unlink()
    return {name: age(artifact, OLD) for name, artifact in made.items()}


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


def attempt_of(store: Store, name: str = ".attempt-1") -> Path:
    folder = store.folder / "features" / f"date={DAY}" / name
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "part").write_text("half", encoding="utf-8")
    return folder


def test_what_killed_writers_left_goes_after_a_day(store: Store) -> None:
    old, young = written(attempt_of(store), days=2), attempt_of(store, ".attempt-2")
    joined = written(attempt_of(store.joined("paint")), days=2)
    unfinished = old.parent / f".current.json-{'0' * 32}"
    foreign = old.parent / ".nfs0001"
    for file in (unfinished, foreign, store.folder / ".attempt-probe-1"):
        file.write_text("x", encoding="utf-8")
        written(file, days=2)
    gone = sweep(store)
    assert {(each.what, each.path.name) for each in gone} == {
        ("attempt", old.name),
        ("attempt", ".attempt-probe-1"),
        ("file", unfinished.name),
    }
    assert not any(each.path.exists() for each in gone)
    assert not joined.exists()
    assert young.exists()
    assert foreign.exists()


def test_an_attempt_that_still_writes_is_alive_however_old_its_folder_is(store: Store) -> None:
    folder = written(attempt_of(store), days=3)
    (folder / "data" / "part").write_text("more", encoding="utf-8")
    written(folder / "data", days=3)
    (folder / "data" / "part").touch()
    os.utime(folder, (0, 0))
    assert sweep(store) == ()
    assert (folder / "data" / "part").read_text(encoding="utf-8") == "more"


def test_beside_a_running_job_no_artifact_goes(store: Store) -> None:
    made = full_lineage(store)
    with store.attempt("features", DAY):
        found = sweeper(store).look()
        assert found.artifacts == ()
        assert "7 artifacts that nothing names are left for another time" in found.warnings[-1]
        assert sweep(store) == ()
    assert keys(store) == {artifact.key for artifact in made.values()}
    assert len(sweep(store)) == 7


def test_a_job_that_begins_after_the_look_keeps_what_it_may_have_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full_lineage(store)
    found = sweeper(store).look()
    with store.attempt("features", DAY):
        assert sweeper(store).sweep(found, settle=0) == ()
    # And one that begins while all is hidden gets it back.
    running = store.attempt("features", DAY)
    monkeypatch.setattr(sweeping.time, "sleep", lambda _: running.__enter__())
    assert sweeper(store).sweep(found) == ()
    assert keys(store) == {artifact.key for artifact in made.values()}
    running.__exit__(None, None, None)


def test_where_a_model_is_made_again_is_work_for_a_day_and_goes_then(store: Store) -> None:
    made = full_lineage(store)
    scratch = Store(store.folder / ".attempt-reproduce-1", "demo")
    attempt_of(scratch)
    assert sweep(store) == ()
    written(scratch.root, days=2)
    gone = sweep(store)
    assert {each.key for each in gone} == {"", *(artifact.key for artifact in made.values())}
    assert not scratch.root.exists()


def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Does something between the hiding and the second look."""
    monkeypatch.setattr(sweeping.time, "sleep", lambda _: work())


def test_what_was_named_after_the_look_is_not_even_hidden(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full_lineage(store)
    sweeping_now = sweeper(store)
    found = sweeping_now.look()
    store.set_current(made["model"])
    seen: list[bool] = []
    meanwhile(monkeypatch, lambda: seen.append(made["model"].folder.exists()))
    gone = sweeping_now.sweep(found)
    assert [each.what for each in gone] == ["evaluation"]
    assert seen == [True]


def test_what_is_named_while_it_is_hidden_comes_back_with_all_that_it_was_made_from(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full_lineage(store)
    sweeping_now = sweeper(store)
    # A job found the model just before, and sets the pointer now.
    meanwhile(monkeypatch, lambda: store.set_current(made["model"]))
    gone = sweeping_now.sweep(sweeping_now.look())
    assert [each.what for each in gone] == ["evaluation"]
    assert store.current("model", DAY) == store.find("model", DAY, made["model"].key)
    assert keys(store) == {artifact.key for name, artifact in made.items() if name != "evaluation"}


def test_what_is_registered_while_it_is_hidden_comes_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full_lineage(store)
    registered: set[str] = set()
    sweeping_now = Sweeper(store, lambda: registered, older_than=timedelta(days=90))
    meanwhile(monkeypatch, lambda: registered.add(made["model"].key))
    assert sweeping_now.sweep(sweeping_now.look()) == ()
    assert keys(store) == {artifact.key for artifact in made.values()}


def test_what_is_made_anew_while_the_old_is_hidden_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = publish(store, "tuning", DAY)
    age(made, OLD)
    (made.data / "content").write_text("the old one", encoding="utf-8")
    sweeping_now = sweeper(store)
    meanwhile(monkeypatch, lambda: store.set_current(publish(store, "tuning", DAY)))
    sweeping_now.sweep(sweeping_now.look())
    found = store.current("tuning", DAY)
    assert found is not None
    assert (found.data / "content").read_text(encoding="utf-8") == f"tuning {DAY} 0"
    found.check_files()
    assert [path.name for path in found.folder.parent.iterdir() if path.is_dir()] == [found.key]


def test_a_publish_that_finds_the_key_taken_and_then_swept_takes_its_place(store: Store) -> None:
    first = publish(store, "tuning", DAY)

    class Swept(Store):
        """A sweep takes the artifact between the rename that fails and the look at what is there."""

        def find(self, *words: object) -> Artifact | None:
            if first.folder.exists():
                first.folder.rename(first.folder.with_name(".swept-1"))
            return super().find(*words)

    made = publish(Swept(store.root, store.pipeline), "tuning", DAY)
    assert made.folder == first.folder
    made.check_files()


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from spark_jobs.store import Store, sweeping
def dies(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
setattr(sweeping.{module}, {name!r}, dies)
sweeper = sweeping.Sweeper(Store(Path({root!r}), "demo"), set, older_than=timedelta(days=90))
sweeper.sweep(sweeper.look())
"""


@pytest.mark.parametrize("then", ["nothing names it", "a pointer names it"])
@pytest.mark.parametrize(("module", "name"), [("time", "sleep"), ("shutil", "rmtree")])
def test_a_killed_sweep_is_finished_or_undone_by_the_next(
    store: Store, module: str, name: str, then: str
) -> None:
    made = publish(store, "tuning", DAY)
    age(made, OLD)
    script = KILLED.format(module=module, name=name, root=str(store.root))
    died = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert store.find("tuning", DAY, made.key) is None
    if then == "a pointer names it":
        store.set_current(made)
    sweep(store)
    left = [path.name for path in made.folder.parent.iterdir() if path.is_dir()]
    if then == "a pointer names it" and name == "sleep":
        # Hidden and whole: somebody found it before.
        assert left == [made.key]
        made.check_files()
    else:
        assert left == []


def test_a_sweep_that_finds_all_deleted_by_another_has_nothing_left_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_lineage(store)
    first, gone = sweeper(store), []

    def other(_: float) -> None:
        monkeypatch.undo()
        gone.extend(sweep(store))

    monkeypatch.setattr(sweeping.time, "sleep", other)
    assert first.sweep(first.look()) == ()
    assert len(gone) == 7
    assert keys(store) == set()


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


def test_the_clock_of_an_artifact_may_be_ahead(store: Store) -> None:
    made = age(publish(store, "tuning", DAY), -5)
    assert sweep(store) == ()
    assert made.folder.exists()


def test_less_than_a_day_counts_as_a_day(store: Store) -> None:
    """A job publishes several artifacts before it sets pointers to them."""
    age(publish(store, "tuning", DAY), 0.5)
    none = Sweeper(store, set, older_than=timedelta(0), now=datetime.now(UTC))
    assert none.look().artifacts == ()
