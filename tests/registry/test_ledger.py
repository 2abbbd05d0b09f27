"""The ledger only grows, says each thing once, and survives a crash in the middle of a line."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from spark_jobs.errors import StoreError
from spark_jobs.registry.ledger import Entry, append, read

if TYPE_CHECKING:
    from pathlib import Path


def entry(**changes: object) -> Entry:
    given = {
        "action": "promoted",
        "pipeline": "demo",
        "date": "2013-02-28",
        "model_key": "m",
        "evaluation_key": "e",
        "version": 1,
        "champion_before": None,
        "reasons": ("good",),
    }
    return Entry.model_validate(given | changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "ledger.jsonl"


def test_a_decision_is_recorded_once(path: Path) -> None:
    assert append(path, entry())
    assert not append(path, entry())
    assert append(path, entry(action="refused"))
    assert [each.action for each in read(path)] == ["promoted", "refused"]


def test_a_model_that_serves_again_has_its_line_again(path: Path) -> None:
    assert append(path, entry())
    assert append(path, entry(action="promoted", version=2, model_key="n"))
    assert append(path, entry(action="rolled_back", why="slow", by="gwen"))
    assert not append(path, entry(action="rolled_back", why="slow", by="gwen"))
    assert append(path, entry(action="promoted", version=2, model_key="n"))
    assert [each.version for each in read(path)] == [1, 2, 1, 2]


def test_a_line_from_before_people_had_a_say_is_read(path: Path) -> None:
    append(path, entry())
    line = json.loads(path.read_text(encoding="utf-8"))
    for name in ("why", "by", "approved_by"):
        del line[name]
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    [found] = read(path)
    assert (found.why, found.by, found.approved_by, found.told) == (None, None, None, "promoted")


def test_what_a_person_is_told_of_a_decision() -> None:
    assert entry(action="rolled_back", why="slow", by="gwen").told == "rolled back by gwen: slow"
    assert entry(approved_by="ada").told == "promoted approved by ada"


def test_no_ledger_is_an_empty_one(path: Path) -> None:
    assert read(path) == ()


def test_a_line_cut_in_half_is_left_where_it_is(path: Path) -> None:
    append(path, entry())
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    append(path, entry(version=2))
    assert [each.version for each in read(path)] == [1, 2]
    assert path.read_bytes().startswith(whole + whole[:40] + b"\n")


def test_many_writers_lose_no_line(path: Path) -> None:
    threads = [threading.Thread(target=append, args=(path, entry(version=number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.version for each in read(path)) == list(range(20))


def test_a_ledger_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        append(tmp_path / "file" / "ledger.jsonl", entry())
