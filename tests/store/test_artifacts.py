"""An artifact is there whole or not at all, whoever else writes and whenever the writer dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from spark_jobs.errors import StoreError
from spark_jobs.store import Artifact, Ingredients, Rows, Store

DAY = date(2013, 2, 28)


def ingredients(seed: int = 42) -> Ingredients:
    return Ingredients(
        kind="features",
        date=DAY.isoformat(),
        inputs={"snapshot": {DAY.isoformat(): "a" * 64}},
        spec={},
        seed=seed,
        code="c",
        engines={},
    )


def publish(store: Store, *, seed: int = 42, text: str = "x", fingerprint: str = "f") -> Artifact:
    with store.attempt("features", DAY) as attempt:
        attempt.data.mkdir()
        (attempt.data / "rows").write_text(text, encoding="utf-8")
        rows = Rows(count=1, spark_schema={"fields": []}, fingerprint=fingerprint)
        return store.publish(attempt, ingredients(seed), rows=rows, details={"text": text})


def test_what_is_published_is_found_by_its_key(store: Store) -> None:
    made = publish(store)
    found = store.find("features", DAY, ingredients().key)
    assert found == made
    assert found.folder.name == found.manifest.key == ingredients().key
    assert [(file.path, file.size) for file in found.manifest.files] == [("data/rows", 1)]
    assert store.find("features", DAY, ingredients(43).key) is None


@pytest.mark.fault(
    "a job that fails while it writes an artifact", outcome="its attempt is removed; nothing is published"
)
def test_an_attempt_leaves_nothing_when_it_fails(store: Store) -> None:
    def fails() -> None:
        with store.attempt("features", DAY) as attempt:
            attempt.data.mkdir()
            (attempt.data / "rows").write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert list((store.folder / "features" / "date=2013-02-28").iterdir()) == []


@pytest.mark.fault(
    "two writers of one key, one after the other", outcome="the second adopts what the first published"
)
def test_the_first_to_publish_wins_and_the_second_adopts_it(store: Store) -> None:
    first = publish(store, text="first")
    second = publish(store, text="second")
    assert second == first
    assert (second.data / "rows").read_text(encoding="utf-8") == "first"
    assert len(list(first.folder.parent.iterdir())) == 1


@pytest.mark.fault("many writers of one key at once", outcome="one artifact")
def test_many_at_once_give_one_artifact(store: Store) -> None:
    results: list[Artifact] = []
    threads = [threading.Thread(target=lambda: results.append(publish(store))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.folder for result in results}) == 1
    assert len(results) == 8
    assert len(list(results[0].folder.parent.iterdir())) == 1


@pytest.mark.fault(
    "other content under a key that is published", outcome="an error; the published artifact stays"
)
def test_other_content_under_the_same_key_is_told(store: Store) -> None:
    publish(store, fingerprint="one")
    with pytest.raises(StoreError, match=r"made before with other content.*one.*two"):
        publish(store, fingerprint="two")


@pytest.mark.fault("a folder of an artifact without a manifest", outcome="no reader sees it")
def test_a_folder_without_a_manifest_does_not_exist(store: Store) -> None:
    folder = store.folder / "features" / "date=2013-02-28" / ingredients().key
    (folder / "data").mkdir(parents=True)
    assert store.find("features", DAY, ingredients().key) is None
    with pytest.raises(StoreError, match="is in the way"):
        publish(store)


def test_the_pointer_follows_the_last_that_was_set(store: Store) -> None:
    assert store.current("features", DAY) is None
    first, second = publish(store), publish(store, seed=43)
    store.set_current(first)
    assert store.current("features", DAY) == first
    store.set_current(second, {"note": 1})
    assert store.current("features", DAY) == second
    assert store.pointer("features", DAY) == {"key": second.key, "note": 1}
    assert store.dates("features") == (DAY,)


@pytest.mark.fault("a `current.json` that names an artifact that is gone", outcome="exit 4 that names both")
def test_a_pointer_to_a_folder_that_is_gone_is_told(store: Store) -> None:
    made = publish(store)
    store.set_current(made)
    made.folder.rename(made.folder.with_name("elsewhere"))
    with pytest.raises(StoreError, match="names an artifact that is gone"):
        store.current("features", DAY)


@pytest.mark.fault("a `current.json` that is not JSON", outcome="exit 4 that names the file")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', "{}"])
def test_a_damaged_pointer_is_told(store: Store, content: str) -> None:
    made = publish(store)
    store.set_current(made)
    (made.folder.parent / "current.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="is not a pointer"):
        store.current("features", DAY)


@pytest.mark.fault("a manifest edited by hand", outcome="exit 4")
def test_an_edited_manifest_is_told(store: Store) -> None:
    made = publish(store)
    path = made.folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["ingredients"]["seed"] = 43
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(StoreError, match="does not match its own key"):
        store.find("features", DAY, made.key)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="is not a manifest"):
        store.find("features", DAY, made.key)


@pytest.mark.fault("a file of an artifact that is gone or cut", outcome="exit 4 that names the file")
def test_a_missing_and_a_shortened_file_are_told(store: Store) -> None:
    made = publish(store, text="long")
    made.check_files()
    (made.data / "rows").write_text("cut", encoding="utf-8")
    with pytest.raises(StoreError, match=r"is damaged.*4 bytes.*3 bytes"):
        made.check_files()
    (made.data / "rows").unlink()
    with pytest.raises(StoreError, match="no such file"):
        made.check_files()


@pytest.mark.fault("a store that cannot be written", outcome="exit 4 that says what to do")
def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be written.*VINTAGE_STORE"):
        Store(tmp_path / "file" / "store", "demo").check_writable()


def test_the_first_contract_is_kept(store: Store) -> None:
    assert store.contract() is None
    assert store.record_contract("a INT") == "a INT"
    assert store.record_contract("a STRING") == "a INT"
    assert store.contract() == "a INT"


KILLED = """
import os, signal, sys, time
from datetime import date
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_artifacts import DAY, ingredients
from spark_jobs.store import Store, files
store = Store(Path({root!r}), "demo")
real = {{name: getattr(files, name) for name in ("listing", "write_durably", "sync_tree")}}
def dies(*arguments):
    if {after!r}: real[{where!r}](*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(files, {where!r}, dies)
with store.attempt("features", DAY) as attempt:
    attempt.data.mkdir()
    (attempt.data / "rows").write_text("x")
    store.publish(attempt, ingredients(), details={{}})
"""


@pytest.mark.fault(
    "SIGKILL before or after each step of publishing", outcome="nothing is visible; the next attempt succeeds"
)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("where", ["listing", "write_durably", "sync_tree"])
def test_killed_while_publishing_nothing_is_visible_and_the_next_attempt_succeeds(
    store: Store, where: str, after: bool
) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent), root=str(store.root), where=where, after=after)
    died = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert store.find("features", DAY, ingredients().key) is None
    assert publish(store).manifest.key == ingredients().key
