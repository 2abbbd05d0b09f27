"""Raw text without Spark: quotes are followed, row ends are made alike, and nothing else changes."""

from __future__ import annotations

import csv
import gzip
import io
import re
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vintage.data.raw import list_raw_files
from vintage.data.raw_text import TextForm, fault_in, fields_of, in_utf8, packing_fault
from vintage.data.text_lines import by_the_book
from vintage.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4)
ROWS = st.lists(
    st.tuples(st.text("\"\\,;\n\r' aé", max_size=6), TEXT, st.integers()),
    min_size=1,
    max_size=8,
)
MANY_LINES = TextForm.of({"multiLine": "true"})
MANY = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def written(rows: list[tuple[str, str, int]], end: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    return out.getvalue().encode("utf-8", "replace")


@MANY
@given(rows=ROWS)
def test_row_ends_are_made_alike_and_values_stay(tmp_path: Path, rows: list[tuple[str, str, int]]) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    (folder / "a.csv").write_bytes(written(rows, "\r\n"))
    raw = list_raw_files(str(folder), date(2024, 5, 3))
    assert raw is not None
    [path] = in_utf8(raw, MANY_LINES, folder / "_copies", raw_day(), quotes=True).paths
    found = type(folder)(path).read_bytes()
    assert found in (written(rows, "\n"), written(rows, "\r\n"))
    if b"\n" in found.replace(b"\r\n", b""):
        assert found == written(rows, "\n")
    assert fault_in(type(folder)(path), MANY_LINES, "csv") is None


def raw_day() -> date:
    return date(2024, 5, 3)


@MANY
@given(fields=st.lists(st.text("\"\\,;' aé", max_size=6), min_size=2, max_size=5))
def test_a_row_s_fields(fields: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(fields)
    assert fields_of(out.getvalue(), TextForm()) == fields


@given(fields=st.lists(st.text("\"\\,;' aé", max_size=6), min_size=1, max_size=5), every=st.booleans())
def test_what_csv_writes_is_quoted_by_the_book(fields: list[str], every: bool) -> None:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    csv.writer(out, lineterminator="", quoting=quoting).writerow(fields)
    # As Java writes the end of a text.
    assert re.search(by_the_book(TextForm()).replace(r"\z", r"\Z"), out.getvalue())


@pytest.mark.parametrize("line", ['1,"a', '1,"a"b', '1,"a""', '1,a"b', '"1, "a"', '1,"a" '])
def test_a_line_that_is_not_quoted_by_the_book_is_looked_at_closer(line: str) -> None:
    assert not re.search(by_the_book(TextForm()).replace(r"\z", r"\Z"), line)
    assert by_the_book(TextForm.of({"escape": "\\"})) == ""


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("Köln".encode(), "windows-1252", "byte 1: bytes that are UTF-8"),
        ("Москва".encode(), "KOI8-R", "encoding: UTF-8"),
        ("5 €".encode("cp1252"), "ISO-8859-1", "byte 2: a control of ISO-8859-1.*encoding: windows-1252"),
        ("Αθήνα".encode("iso8859-7"), "ISO-8859-7", ""),
        ("联通".encode("gbk"), "GBK", ""),
        (b"a", "ISO-8859-1", ""),
        ("a".encode("cp037"), "cp037", ""),
    ],
)
def test_bytes_that_are_certainly_another_encoding_s(
    tmp_path: Path, text: bytes, encoding: str, told: str
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_bytes(text)
    raw = list_raw_files(str(tmp_path / "raw"), date(2024, 5, 3))
    assert raw is not None
    form = TextForm.of({"encoding": encoding})
    with pytest.raises(DataError, match=told) if told else nullcontext():
        in_utf8(raw, form, tmp_path / "copies", date(2024, 5, 3), quotes=True)


def test_why_a_file_cannot_be_unpacked(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,v\n1,a\n")
    told = {
        "a.gz": (whole, ""),
        "b.gz": (whole[:-9], "cut short"),
        "c.gz": (whole[:-8] + bytes(4) + whole[-4:], "CRC check failed"),
        "d.gz": (whole + b"junk", "Not a gzipped file"),
        "e.bz2": (b"BZh9" + bytes(40), "Invalid data stream"),
    }
    for name, (content, why) in told.items():
        (tmp_path / name).write_bytes(content)
        found = packing_fault(tmp_path / name)
        assert found.startswith(why)
        assert bool(found) == bool(why)
