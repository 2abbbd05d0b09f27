"""What is damaged is told, set aside in one step, and made again as it was, whenever the repair is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import (
    age,
    details_of,
    ingredients,
    publish,
    publish_as,
    publish_evaluation,
    rewrite,
    snapshot,
)
from tests.store.sweeps import DAY, OLD, full_lineage, keys, sweep, written
from vintage.errors import StoreError
from vintage.lineage.checking import SET_ASIDE, check
from vintage.store import Store, aside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vintage.store import Artifact

EVE = DAY - timedelta(days=1)


def spoil(artifact: Artifact) -> None:
    (artifact.place / "content").write_text("other", encoding="utf-8")


def test_what_is_set_aside_is_made_again_by_the_next_run(store: Store) -> None:
    made = publish(store, "features", DAY)
    store.set_current(made)
    spoil(made)
    [broken] = check(store).broken
    assert (broken.path, broken.what, broken.key, broken.repair) == (
        made.place / "content",
        "features",
        made.key,
        "",
    )
    [broken] = check(store, repair=True).broken
    assert broken.repair == SET_ASIDE
    assert store.find("features", DAY, made.key) is None
    # The pointer names it still, and nobody takes that for a loss.
    assert store.current("features", DAY) is None
    assert check(store).broken == []
    again = publish(store, "features", DAY)
    assert again.key == made.key
    assert store.current("features", DAY) == again


def test_a_pointer_to_what_is_gone_without_a_trace_is_told(store: Store) -> None:
    made = publish(store, "features", DAY)
    store.set_current(made)
    made.folder.rename(store.root / "elsewhere")
    [broken] = check(store, repair=True).broken
    assert (broken.what, broken.found) == ("pointer", made.key)
    assert store.current("features", DAY) is None


@pytest.mark.fault(
    "an artifact that is gone, and that another one was made from",
    outcome="`vintage verify` names both; exit 4",
)
@pytest.mark.parametrize("kind", ["snapshot", "features", "tuning", "model", "paint"])
def test_what_something_was_made_from_and_is_gone_is_told(store: Store, kind: str) -> None:
    made = full_lineage(store)
    assert check(store).broken == []
    gone = made[kind].folder
    gone.rename(store.root / "elsewhere")
    [broken] = [each for each in check(store, repair=True).broken if each.what != "pointer"]
    assert (broken.path, broken.key, broken.repair) == (gone / "manifest.json", gone.name, "")
    assert "was made from" in broken.expected


@pytest.mark.fault(
    "a damaged `current.json`, at `vintage verify --repair`",
    outcome="written again where one artifact can be meant, else set aside",
)
@pytest.mark.parametrize("others", [0, 1])
def test_a_damaged_pointer_is_mended_where_only_one_artifact_can_be_meant(store: Store, others: int) -> None:
    made = snapshot(store, DAY, rows="rows")
    for seed in range(others):
        snapshot(store, DAY, rows="other", seed=seed + 1)
    path = made.folder.parent / "current.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(StoreError):
        store.current("snapshot", DAY)
    check(store, repair=True)
    assert check(store).broken == []
    assert store.current("snapshot", DAY) == (None if others else made)


@pytest.mark.fault(
    "a pipe or a device under the name of a manifest or a pointer",
    outcome="told as damage; nobody waits for it",
)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_damage(store: Store, make: Callable[[Path], None]) -> None:
    made = publish(store, "features", DAY)
    store.set_current(made)
    for path in (made.folder.parent / "current.json", made.folder / "manifest.json"):
        path.unlink()
        make(path)
        [broken] = check(store, repair=True).broken
        assert (broken.path, broken.found) == (path, "no file but something else of that name")
        assert check(store).broken == []


@pytest.mark.fault(
    "a damaged contract of an inferred schema, at `vintage verify --repair`",
    outcome="written again from the snapshots' manifests",
)
def test_a_damaged_contract_is_written_again_from_the_snapshots(store: Store) -> None:
    publish_as(store, ingredients("snapshot", DAY, spec={"schema": "a INT"}), counted=0)
    store.record_contract("a INT")
    path = store.folder / "contract.json"
    path.write_text(path.read_text(encoding="utf-8").replace("a INT", "b INT"), encoding="utf-8")
    [broken] = check(store, repair=True).broken
    assert (broken.what, broken.path) == ("contract", path)
    assert store.contract() == "a INT"


def test_joined_sources_are_checked_too(store: Store) -> None:
    made = snapshot(store.joined("paint"), DAY, rows="rows")
    (made.place / "more.parquet").write_text("", encoding="utf-8")
    [broken] = check(store).broken
    assert broken.path == made.place / "more.parquet"


@pytest.mark.fault(
    "a damaged artifact that, made again, is another", outcome="exit 4; nothing is published in its place"
)
@pytest.mark.parametrize(
    ("kind", "then", "now", "told"),
    [
        ("tuning", {"rows": 1}, {"rows": 2}, "its result differs"),
        ("model", {"digest": "a"}, {"digest": "b"}, "its model digest differs; expected a; found b"),
        ("model", {"digest": "a"}, {"digest": "a", "seconds": 2}, ""),
        ("model", {"digest": "a", "reproducibility": {"mode": "parallel"}}, {"digest": "b"}, ""),
        ("validation", {"passed": True}, {"passed": True, "at": 2}, ""),
    ],
)
def test_what_a_damaged_one_promised_is_compared(
    store: Store, kind: str, then: dict[str, object], now: dict[str, object], told: str
) -> None:
    first = publish(store, kind, DAY, **then)  # type: ignore[arg-type]
    spoil(first)
    check(store, repair=True)
    if not told:
        assert publish(store, kind, DAY, **now).key == first.key  # type: ignore[arg-type]
        return
    with pytest.raises(StoreError, match=told) as raised:
        publish(store, kind, DAY, **now)  # type: ignore[arg-type]
    assert raised.value.exit_code == 4
    assert keys(store) == {path.name for path in aside.in_place_of(first.folder)}
    # Whoever knows better deletes what was promised.
    for path in aside.in_place_of(first.folder):
        path.rename(store.root / path.name)
    assert publish(store, kind, DAY, **now).key == first.key  # type: ignore[arg-type]


def test_a_promise_that_was_damaged_itself_is_none(store: Store) -> None:
    first = publish(store, "model", DAY, digest="a")
    path = first.folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"a"', '"c"'), encoding="utf-8")
    [broken] = check(store, repair=True).broken
    assert broken.path == path
    assert publish(store, "model", DAY, digest="b").key == first.key


def test_a_sweep_keeps_what_was_set_aside_with_what_it_was_made_from_until_it_was_made_again(
    store: Store,
) -> None:
    made = full_lineage(store)
    spoil(made["model"])
    check(store, repair=True)
    [hidden] = aside.in_place_of(made["model"].folder)
    assert {each.key for each in sweep(store)} == {made["evaluation"].key}
    assert hidden.is_dir()
    made_from = {"features": [made["features"]], "tuning": [made["tuning"]]}
    age(publish(store, "model", DAY, made_from), OLD)
    assert sweep(store) == ()
    written(hidden, days=2)
    gone = sweep(store)
    assert [(each.what, each.key) for each in gone if each.what == "damaged"] == [
        ("damaged", made["model"].key)
    ]
    assert not hidden.exists()


def test_what_was_set_aside_and_never_made_again_goes_as_late_as_anything(store: Store) -> None:
    made = publish(store, "tuning", DAY)
    spoil(made)
    check(store, repair=True)
    [hidden] = aside.in_place_of(made.folder)
    written(hidden, days=89)
    assert sweep(store) == ()
    written(hidden, days=91)
    assert [each.what for each in sweep(store)] == ["damaged"]


KILLED = """
import os, signal, sys
from pathlib import Path
from vintage.lineage import checking
from vintage.store import Store, aside, files
real = getattr({module}, {name!r})
def dies(*arguments, **named):
    if {after!r}: real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr({module}, {name!r}, dies)
checking.check(Store(Path({root!r}), "demo"), repair=True)
"""


@pytest.mark.fault(
    "SIGKILL at each step of `vintage verify --repair`", outcome="the store works; the next repair goes on"
)
@pytest.mark.parametrize(
    ("module", "name"),
    [("Path", "rename"), ("files", "replace_text"), ("files", "sync_folder")],
)
@pytest.mark.parametrize("after", [False, True])
def test_a_killed_repair_is_finished_by_the_next(store: Store, module: str, name: str, after: bool) -> None:
    first, second = publish(store, "features", EVE), publish(store, "features", DAY)
    pointed = publish(store, "tuning", DAY)
    for each in (first, second, pointed):
        store.set_current(each)
    spoil(first)
    spoil(second)
    (pointed.folder.parent / "current.json").write_text("{", encoding="utf-8")
    script = KILLED.format(module=module, name=name, after=after, root=str(store.root))
    died = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    # Each of the two is either damaged, and told, or to be made again.
    for each in (first, second):
        found = store.find("features", each.date, each.key)
        if found is not None:
            with pytest.raises(StoreError, match="is damaged"):
                found.check_files()
        else:
            assert store.current("features", each.date) is None
    check(store, repair=True)
    assert check(store).broken == []
    for each in (first, second):
        assert publish(store, "features", each.date).key == each.key
        found = store.current("features", each.date)
        assert found is not None
        found.check_files()
    assert store.current("tuning", DAY) == pointed


def test_a_manifest_that_tells_other_than_its_file_is_damage(store: Store) -> None:
    made = publish_evaluation(store, DAY, "m" * 64, decision={"promote": False, "reasons": []})
    rewrite(made.folder / "manifest.json", details=details_of("evaluation").as_json())
    found = store.find("evaluation", DAY, made.key)
    assert found is not None
    with pytest.raises(StoreError, match=r"expected what .*evaluation.json tells; found other decision"):
        found.check_files()
