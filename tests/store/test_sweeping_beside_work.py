"""A sweep beside those who write, and one that is killed: what may still be wanted stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import age, publish
from tests.store.sweeps import DAY, OLD, full_lineage, keys, sweep, sweeper, written
from tests.until import until
from vintage.lineage import sweeping
from vintage.lineage.sweeping import Sweeper
from vintage.store import Store, leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.store import Artifact


def attempt_of(store: Store, name: str = ".attempt-1") -> Path:
    folder = store.folder / "features" / f"date={DAY}" / name
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "part").write_text("half", encoding="utf-8")
    return folder


@pytest.mark.fault("what killed writers left", outcome="`gc` deletes it after a day")
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


@pytest.mark.fault("`gc` beside a running job", outcome="no artifact goes")
def test_beside_a_running_job_no_artifact_goes(store: Store) -> None:
    made = full_lineage(store)
    with store.attempt("features", DAY):
        found = sweeper(store).look()
        assert found.artifacts == ()
        assert "7 unreferenced artifacts are kept for now" in found.warnings[-1]
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
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(sleep=lambda _: running.__enter__()))
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


@pytest.mark.fault("an unnamed artifact whose folder is a link to another disk", outcome="the link goes")
def test_of_a_link_only_the_link_goes(store: Store, tmp_path: Path) -> None:
    made = age(publish(store, "tuning", DAY), OLD)
    moved = tmp_path / "moved"
    made.folder.rename(moved)
    made.folder.symlink_to(moved)
    assert store.find("tuning", DAY, made.key) is not None
    kept = {path: path.stat().st_mtime_ns for path in (moved, *moved.rglob("*"))}
    assert [each.key for each in sweep(store)] == [made.key]
    assert not made.folder.is_symlink()
    assert {path: path.stat().st_mtime_ns for path in (moved, *moved.rglob("*"))} == kept
    assert sweep(store) == ()


@pytest.mark.fault("links among attempts and half-written files", outcome="`gc` deletes the link alone")
def test_a_link_among_attempts_leads_nowhere(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "manifest.json").write_text("theirs", encoding="utf-8")
    parent = attempt_of(store).parent
    places = [".attempt-link", ".attempt-nowhere", ".swept-link", f".current.json-{'0' * 32}"]
    for name in places:
        (parent / name).symlink_to(outside if "nowhere" not in name else tmp_path / "gone")
        os.utime(parent / name, (0, 0), follow_symlinks=False)
    within = written(attempt_of(store, ".attempt-2"), days=2)
    (within / "data" / "link").symlink_to(outside)
    os.utime(within / "data" / "link", (0, 0), follow_symlinks=False)
    written(within / "data", days=2)
    os.utime(within, (0, 0))
    gone = {each.path.name for each in sweep(store)}
    assert gone == {".attempt-link", ".attempt-nowhere", ".attempt-2", f".current.json-{'0' * 32}"}
    assert (outside / "manifest.json").read_text(encoding="utf-8") == "theirs"


@pytest.mark.parametrize("linked", ["date", "kind", "pipeline"])
def test_behind_a_linked_folder_nothing_is_swept_and_that_is_said(
    store: Store, tmp_path: Path, linked: str
) -> None:
    made = age(publish(store, "tuning", DAY), OLD)
    written(attempt_of(store).parent.rename(made.folder.parent / ".attempt-1"), days=2)
    place = {"date": made.folder.parent, "kind": made.folder.parents[1], "pipeline": store.folder}[linked]
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    found = sweeper(store).look()
    assert f"{place} is a link; nothing behind it is swept" in found.warnings
    assert sweep(store) == ()
    made.check_files()
    assert (made.folder.parent / ".attempt-1").is_dir()


@pytest.mark.fault("a clock that is a year ahead, on the machine that sweeps", outcome="a live attempt stays")
def test_an_attempt_whose_process_holds_its_lease_is_alive_whatever_the_clocks_say(store: Store) -> None:
    full_lineage(store)
    ahead = datetime.now(UTC) + timedelta(days=365)
    with store.attempt("features", DAY) as attempt:
        written(attempt.folder, days=3)
        for now in (None, ahead):
            sweeping_now = Sweeper(store, set, older_than=timedelta(days=90), now=now)
            assert sweeping_now.look().leftovers == ()
    assert len(sweeper(store).look().artifacts) == 7


def test_a_sweep_takes_the_time_from_the_file_system(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, young = full_lineage(store), attempt_of(store)
    lately = publish(store, "tuning", DAY, seed=5)
    shutil.rmtree(young)
    ahead = time.time() + 365 * 86400
    monkeypatch.setattr(leases.time, "time", lambda: ahead)
    assert {each.key for each in sweep(store)} == {each.key for each in made.values()}
    assert keys(store) == {lately.key}


def test_a_lease_is_renewed_and_ends_with_its_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.01)
    with store.attempt("features", DAY) as attempt:
        assert leases.is_held(attempt.folder)
        os.utime(attempt.folder, (0, 0))
        until(lambda: attempt.folder.stat().st_mtime > 0, "renewed", seconds=60, every=0.05)
    script = (
        "import os, sys, signal, datetime, pathlib; from vintage.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1]), 'demo').attempt('features', datetime.date(2024, 3, 6)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(store.root)], check=False)
    [left] = (store.folder / "features" / f"date={DAY}").glob(".attempt-*")
    assert not leases.is_held(left)
    assert sweep(store) == ()
    written(left, days=2)
    assert [each.path for each in sweep(store)] == [left]


def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Does something between the hiding and the second look, whatever other threads sleep for."""
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(sleep=lambda _: work()))


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


@pytest.mark.fault(
    "an artifact that is named while `gc` hides it", outcome="it comes back with all that it was made from"
)
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
from vintage.lineage import sweeping
from vintage.store import Store, leases
def dies(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
setattr(sweeping.{module}, {name!r}, dies)
sweeper = sweeping.Sweeper(Store(Path({root!r}), "demo"), set, older_than=timedelta(days=90))
sweeper.sweep(sweeper.look())
"""


@pytest.mark.fault("SIGKILL of `gc`", outcome="the next finishes or undoes it")
@pytest.mark.parametrize("then", ["unreferenced", "a pointer names it"])
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

    monkeypatch.setattr(sweeping, "time", SimpleNamespace(sleep=other))
    assert first.sweep(first.look()) == ()
    assert len(gone) == 7
    assert keys(store) == set()
