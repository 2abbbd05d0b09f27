"""The ledger only grows, drops no line, and names the line that is not what was written."""

from __future__ import annotations

import json
import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from vintage.errors import StoreError
from vintage.registry.ledger import Entry, append, read, read_ledger

if TYPE_CHECKING:
    from collections.abc import Callable
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


def of(number: int) -> Entry:
    """The promotion of a model of its own."""
    return entry(version=number, model_key=f"m{number}")


def as_before(each: Entry) -> bytes:
    """A line as releases wrote it that did not chain lines."""
    return each.model_dump_json(exclude={"champion_before_key"}).encode() + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "ledger.jsonl"


@pytest.fixture
def four(path: Path) -> Path:
    """A ledger of four decisions."""
    for number in (1, 2, 3, 4):
        append(path, of(number))
    return path


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_decision_is_recorded_once(path: Path) -> None:
    assert append(path, entry())
    assert not append(path, entry())
    # The same model under another number, as after a repair of the registry, is the same decision.
    assert not append(path, entry(version=9))
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
    for name in ("why", "by", "approved_by", "champion_before_key", "chain"):
        del line[name]
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    [found] = read(path)
    assert (found.why, found.by, found.approved_by, found.told) == (None, None, None, "promoted")


def test_what_a_person_is_told_of_a_decision() -> None:
    assert entry(action="rolled_back", why="slow", by="gwen").told == "rolled back by gwen: slow"
    assert entry(approved_by="ada").told == "promoted approved by ada"


def test_no_ledger_and_an_empty_one_are_two_things(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert (read(path), read_ledger(path).state, caplog.messages) == ((), "absent", [])
    path.parent.mkdir()
    path.touch()
    assert (read(path), read_ledger(path).state) == ((), "empty")
    assert caplog.messages == [f"the ledger {path} is an empty file"] * 2
    assert append(path, entry())
    assert read_ledger(path).state == "lines"


@pytest.mark.parametrize("kept", [1, 12, 40, 150, -2, -1])
def test_a_last_line_that_a_crash_cut_is_left_where_it_is_with_a_warning(
    path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    append(path, entry(reasons=("größer, ❄",)))
    append(path, of(2))
    [first, second] = lines_of(path)
    path.write_bytes(first + second[:kept])
    whole = kept == -1
    # Without its newline alone, the line is whole.
    assert [each.version for each in read(path)] == ([1, 2] if whole else [1])
    assert any("line 2 of the ledger" in message for message in caplog.messages) != whole
    append(path, of(3))
    assert [each.version for each in read(path)] == ([1, 2, 3] if whole else [1, 3])
    assert path.read_bytes().startswith(first + second[:kept] + b"\n")


def test_a_cut_within_a_character_and_zeros_that_were_never_written_are_a_cut(path: Path) -> None:
    append(path, of(1))
    append(path, entry(reasons=("❄",)))
    [first, second] = lines_of(path)
    for tail in (second[: second.index("❄".encode()) + 2], second[:30] + b"\0" * 50, b"\0" * 8):
        path.write_bytes(first + tail)
        assert [each.version for each in read(path)] == [1]


def test_old_lines_are_read_and_the_first_of_now_covers_them(path: Path) -> None:
    path.parent.mkdir()
    old = [as_before(of(number)) for number in (1, 2, 3)]
    # An earlier release went on below a line that a crash had cut.
    path.write_bytes(old[0] + old[1][:50] + b"\n" + old[2])
    assert [each.version for each in read(path)] == [1, 3]
    append(path, of(4))
    append(path, of(5))
    assert [each.version for each in read(path)] == [1, 3, 4, 5]
    content = path.read_bytes()
    for changed in (
        content.replace(b'"m1"', b'"m7"'),
        content.removeprefix(old[0]),
        content.replace(old[1][:50], old[1][:49]),
    ):
        path.write_bytes(changed)
        with pytest.raises(StoreError, match=r"line [34] of the ledger .* one before it, was edited"):
            read(path)


@pytest.mark.fault(
    "a byte of the ledger that is another",
    outcome="exit 4 with the line's number",
)
def test_every_byte_of_every_line_counts(four: Path) -> None:
    content = four.read_bytes()
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    for place in range(0, len(content), 3):
        for change in (0x01, 0x10, 0x80):
            four.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
            number = sum(end < place for end in ends) + 1
            with pytest.raises(StoreError, match=f"line {number} of the ledger") as told:
                read(four)
            assert told.value.exit_code == 4
            with pytest.raises(StoreError, match=f"line {number} of the ledger"):
                append(four, of(9))


@pytest.mark.parametrize(
    ("edit", "number"),
    [
        (lambda a, b, c, d: [b, c, d], 1),
        (lambda a, b, c, d: [a, c, d], 2),
        (lambda a, b, c, d: [a, b, d], 3),
        (lambda a, b, c, d: [b, a, c, d], 1),
        (lambda a, b, c, d: [a, c, b, d], 2),
        (lambda a, b, c, d: [a, b, d, c], 3),
        (lambda a, b, c, d: [a, a, b, c, d], 2),
        (lambda a, b, c, d: [a, b, c, d, d], 5),
        (lambda a, b, c, d: [a, b, as_before(of(9)), c, d], 3),
        (lambda a, b, c, d: [a, b, c, d, as_before(of(9))], 5),
        (lambda a, b, c, d: [a, b"\n", b, c, d], 2),
        (lambda a, b, c, d: [a, b, c, d, b"\n"], 5),
        (lambda a, b, c, d: [a, b, c, d, b"null\n"], 5),
        (lambda a, b, c, d: [a, b, c, d, b"[" * 9000 + b"\n"], 5),
        (lambda a, b, c, d: [a, b[:60] + b"\n", c, d], 3),
        (lambda a, b, c, d: [a, b, c, d[:60] + b"\n"], 4),
        (lambda a, b, c, d: [a, b.replace(b"m2", b"m1"), c, d], 2),
        (lambda a, b, c, d: [a, b, c, d.replace(b"m4", b"m1")], 4),
        (lambda a, b, c, d: [a, b, c, d.replace(b"promoted", b"refused")], 4),
        (lambda a, b, c, d: [a, b, c.replace(b"\n", b"\r\n"), d], 3),
        (lambda a, b, c, d: [a, b, c.replace(b'":', b'": '), d], 3),
    ],
)
@pytest.mark.fault(
    "a line of the ledger that was edited, removed, inserted or swapped",
    outcome="exit 4 with the line's number",
)
def test_an_edited_removed_inserted_or_moved_line_is_told_with_its_number(
    four: Path, edit: Callable[..., list[bytes]], number: int
) -> None:
    four.write_bytes(b"".join(edit(*lines_of(four))))
    with pytest.raises(StoreError, match=f"line {number} of the ledger"):
        read(four)


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b'{"', b'{x"', 1),
        lambda line: line.replace(b'"}', b"x}"),
        lambda line: line.replace(b'"}', b'",'),
        lambda line: line.replace(b"promoted", b"promotes"),
        lambda line: line.replace(b'"version":2', b'"version":"two"'),
        lambda line: line[:-1] + b" ",
    ],
)
def test_a_line_of_an_earlier_release_that_is_damaged_is_told(
    path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path.parent.mkdir()
    lines = [as_before(of(number)) for number in (1, 2, 3)]
    path.write_bytes(lines[0] + damage(lines[1]) + lines[2])
    with pytest.raises(StoreError, match=r"line 2 of the ledger .* is damaged"):
        read(path)


@pytest.mark.parametrize("chained", [True, False])
@pytest.mark.fault(
    "a line of the ledger with a field of a later release",
    outcome="exit 4 with the line's number and the field",
)
def test_a_field_of_a_later_release_says_so(path: Path, chained: bool) -> None:
    append(path, of(1))
    append(path, of(2))
    [first, second] = lines_of(path)
    before = second if chained else as_before(of(2))
    path.write_bytes(first + before.replace(b'{"action', b'{"shadow":true,"action'))
    told = r"line 2 of the ledger .* a field that this release does not know.*found shadow"
    with pytest.raises(StoreError, match=told):
        read(path)


@pytest.mark.fault("a ledger whose last lines are gone", outcome="exit 4: MLflow recorded more")
def test_how_far_a_ledger_went_tells_that_its_last_lines_are_gone(four: Path) -> None:
    heads = read_ledger(four).heads
    assert [head.lines for head in heads] == [1, 2, 3, 4]
    [one, two, three, _] = lines_of(four)
    four.write_bytes(one + two + three)
    shorter = read_ledger(four)
    assert [shorter.goes_on_from(head) for head in heads] == [True, True, True, False]
    append(four, of(7))
    other = read_ledger(four)
    assert [other.goes_on_from(head) for head in heads] == [True, True, True, False]
    assert other.last_move == 4


def test_many_writers_lose_no_line(path: Path) -> None:
    threads = [threading.Thread(target=append, args=(path, of(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.version for each in read(path)) == list(range(20))


@pytest.mark.fault(
    "a ledger that is a folder or a pipe, may not be read, or cannot be",
    outcome="exit 4, each with its own message",
)
def test_what_is_no_ledger_is_told_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        append(tmp_path / "file" / "ledger.jsonl", entry())
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "file" / "ledger.jsonl")
    (tmp_path / "ledger.jsonl").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        read(tmp_path / "ledger.jsonl")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="cannot be read; found no file"):
        read(tmp_path / "pipe")

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr("vintage.registry.ledger.opened", forbidden)
    with pytest.raises(StoreError, match=r"may not be read; .*found Permission denied"):
        read(tmp_path / "other")


@pytest.mark.fault(
    "a last line of the ledger that a crash cut",
    outcome="it is left out with a warning, and the next goes on below it",
)
def test_a_crash_leaves_a_warning_and_no_error(four: Path, caplog: pytest.LogCaptureFixture) -> None:
    four.write_bytes(four.read_bytes()[:-20])
    with caplog.at_level(logging.WARNING):
        assert len(read(four)) == 3
    assert "line 4" in caplog.text
    assert "was cut by a crash" in caplog.text
