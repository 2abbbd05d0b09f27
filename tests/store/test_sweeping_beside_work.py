"""A sweep beside those who write, and one that is killed: what may still be wanted stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spark_jobs.store import Store, sweeping
from spark_jobs.store.sweeping import Sweeper
from tests.lineages import age, publish
from tests.store.sweeps import DAY, OLD, full_lineage, keys, sweep, sweeper, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_jobs.store import Artifact


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
