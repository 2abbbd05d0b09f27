"""An artifact is there whole or not at all, whoever else writes and whenever the writer dies."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vintage.errors import StoreError
from vintage.store import Artifact, Ingredients, Rows, Store, integrity
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Callable

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
@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"key": 1}', "{}", '{"key": "a", "format": 2}', '{"key": "a", "digest": ""}']
)
def test_a_damaged_pointer_is_told(store: Store, content: str) -> None:
    made = publish(store)
    store.set_current(made)
    (made.folder.parent / "current.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="is not a pointer"):
        store.current("features", DAY)


def edited(path: Path, change: Callable[[dict[str, Any]], object], *, sealed: bool = False) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(seal(content) if sealed else content), encoding="utf-8")


def as_of_an_earlier_release(manifest: dict[str, Any]) -> None:
    """Drop what sealed it, and keep a field that is younger than the seal."""
    del manifest["digest"], manifest["format"]
    manifest["modules"] = {"vintage.flow.preprocess": "0f1e"}


@pytest.mark.fault("a field of a manifest edited by hand, or its digest removed", outcome="exit 4")
@pytest.mark.parametrize(
    ("change", "sealed", "told"),
    [
        (lambda manifest: manifest["details"].update(text="y"), False, "is not as it was written"),
        (lambda manifest: manifest["ingredients"].update(seed=43), False, "is not as it was written"),
        (lambda manifest: manifest.pop("digest"), False, "is not as it was written"),
        (lambda manifest: manifest.update(digest=None), False, "is not as it was written"),
        (lambda manifest: manifest.pop("format"), False, "is not as it was written"),
        (lambda manifest: manifest.update(format=1), False, "is not as it was written"),
        (lambda manifest: manifest.update(format=3), False, "of a later release"),
        (as_of_an_earlier_release, False, "is not as it was written"),
        (lambda manifest: manifest.update(finished="then"), False, "is not a manifest"),
        (lambda manifest: manifest.update(more=1), True, "is not a manifest"),
        (lambda manifest: manifest["ingredients"].update(seed=43), True, "does not match its own key"),
        (lambda manifest: manifest.update(date="2013-02-27"), True, "of another artifact than its folder"),
        (lambda manifest: manifest.update(pipeline="other"), True, "of another artifact than its folder"),
        (lambda manifest: manifest.update(kind="snapshot"), True, "of another artifact than its folder"),
    ],
)
def test_an_edited_manifest_is_told(
    store: Store, change: Callable[[dict[str, Any]], object], sealed: bool, told: str
) -> None:
    made = publish(store)
    edited(made.folder / "manifest.json", change, sealed=sealed)
    with pytest.raises(StoreError, match=told) as raised:
        store.find("features", DAY, made.key)
    assert raised.value.exit_code == 4


@pytest.mark.fault("an artifact's folder copied to another date, pipeline or key", outcome="exit 4")
@pytest.mark.parametrize("where", ["other date", "other pipeline", "other key"])
def test_a_copied_folder_is_no_artifact_of_its_new_place(store: Store, where: str) -> None:
    made = publish(store)
    other = Store(store.root, "other") if where == "other pipeline" else store
    day = date(2013, 2, 27) if where == "other date" else DAY
    key = ingredients(43).key if where == "other key" else made.key
    shutil.copytree(made.folder, other.folder / "features" / f"date={day}" / key)
    with pytest.raises(StoreError, match=r"does not match its own key|of another artifact than its folder"):
        other.find("features", day, key)


def test_a_manifest_of_an_earlier_release_has_no_digest_and_is_read(store: Store) -> None:
    made = publish(store)

    def before(manifest: dict[str, Any]) -> None:
        del manifest["digest"], manifest["format"], manifest["modules"]

    edited(made.folder / "manifest.json", before)
    found = store.find("features", DAY, made.key)
    assert found is not None
    assert (found.manifest.format, found.manifest.digest) == (1, None)
    assert found.manifest.files == made.manifest.files
    assert (found.data / "rows").read_text(encoding="utf-8") == "x"


@pytest.mark.fault(
    "a file of an artifact changed, cut, deleted or added after it was published",
    outcome="exit 4 that names the file and both digests, before anything reads it",
)
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            lambda data: (data / "rows").write_text("mang", encoding="utf-8"),
            r"SHA-256 \w{64}.*SHA-256 \w{64}",
        ),
        (lambda data: (data / "rows").write_text("cut", encoding="utf-8"), "of 4 bytes; found 3 bytes"),
        (lambda data: (data / "rows").unlink(), "no such file"),
        (lambda data: (data / "part-1").write_text("", encoding="utf-8"), "the manifest names none"),
        (
            lambda data: (data / "more").symlink_to(data.parents[1], target_is_directory=True),
            "deeper|names none",
        ),
        (lambda data: (data.parent / "more").symlink_to("nowhere"), "the manifest names none"),
    ],
)
def test_what_is_not_as_it_was_written_is_not_read(
    store: Store, damage: Callable[[Path], object], told: str, fresh: bool
) -> None:
    made = publish(store, text="long")
    if fresh:
        # As another process sees it, which did not publish it.
        integrity._compared.clear()
        made.check_files()
    damage(made.place)
    with pytest.raises(StoreError, match=told) as raised:
        made.data  # noqa: B018 - whoever asks for the folder compares
    assert raised.value.exit_code == 4


def test_a_process_reads_the_same_files_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = publish(store)
    read: list[Path] = []
    monkeypatch.setattr(integrity, "file_digest", lambda path: read.append(path) or "")
    made.check_files()
    assert read == []
    (made.place / "rows").write_text("y", encoding="utf-8")
    with pytest.raises(StoreError):
        made.check_files()
    assert read == [made.place / "rows"]


@pytest.mark.fault("a store that cannot be written", outcome="exit 4 that says what to do")
def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be written.*VINTAGE_STORE"):
        Store(tmp_path / "file" / "store", "demo").check_writable()


@pytest.mark.fault("the contract of an inferred schema edited by hand", outcome="exit 4")
def test_an_edited_contract_is_told(store: Store) -> None:
    store.record_contract("a INT")
    path = store.folder / "contract.json"
    edited(path, lambda contract: contract.update(schema="b INT"))
    with pytest.raises(StoreError, match=r"cannot be read.*its digest is"):
        store.contract()
    edited(path, lambda contract: [contract.pop(name) for name in ("format", "digest")])
    assert store.contract() == "b INT"


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
from vintage.store import Store, files
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
