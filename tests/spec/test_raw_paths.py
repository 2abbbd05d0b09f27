"""A path is a path: what is there under its own name is never read as a pattern."""

from __future__ import annotations

from pathlib import Path

import pytest

from vintage.spec.raw_paths import data_files

NAMES = (
    "a{b,c}",
    "a[bc]",
    "a*b",
    "a?b",
    "a\\b",
    "a b ",
    "a'\"b",
    "a%20b",
    "a#b",
    "a:b",
    "aö\u202eb",
    "a;b&c",
    "-a",
    "~",
)
SIBLINGS = ("ab", "ac", "aXXb", "aXb", "a", "b")


@pytest.fixture(params=NAMES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of an odd name, beside others that it would match as a pattern; each holds data."""
    for name in (*SIBLINGS, request.param):
        folder = tmp_path / name / "raw/date=2024-05-01"
        folder.mkdir(parents=True)
        (folder / "x.csv").write_text(name)
        (folder / "[1].csv").write_text(name)
    return tmp_path / str(request.param)


@pytest.mark.parametrize(
    ("pattern", "root", "names"),
    [
        ("raw/date=2024-05-01", "raw/date=2024-05-01", ["[1].csv", "x.csv"]),
        ("raw/date=2024-05-01/[1].csv", "raw/date=2024-05-01", ["[1].csv"]),
        ("raw/date=2024-05-01/*.csv", "raw/date=2024-05-01", ["[1].csv", "x.csv"]),
        ("raw/date=*/[x].csv", "raw", ["x.csv"]),
        ("raw/date=2024-05-02/*.csv", "raw/date=2024-05-02", []),
        ("none/*/x.csv", "none", []),
    ],
)
def test_only_what_is_below_the_home_is_found(home: Path, pattern: str, root: str, names: list[str]) -> None:
    found, files = data_files(str(home / pattern))
    assert found == home / root
    assert [file.name for file in files] == names
    assert {file.read_text() for file in files} <= {home.name}
