"""The published table of faults is that of the tests' markers; one that is not written plainly is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import publish_reliability

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import pytest, no_such_module

@pytest.mark.fault("a kill | at any moment", outcome="nothing is "
                   "visible")
@pytest.mark.spark
def test_killed(tmp_path): ...

@pytest.mark.parametrize("what", [
    1,
    pytest.param(2, marks=pytest.mark.fault("two", outcome="exit 2")),
    pytest.param(3, marks=[pytest.mark.spark, pytest.mark.fault("three", outcome="exit 3")]),
])
def test_several(what): ...

def test_other(): ...
"""


def test_every_marker_has_a_row(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "test_it.py").write_text(TESTS)
    (tmp_path / "test_top.py").write_text(TESTS.replace("three", "four"))
    page = tmp_path / "reliability.md"
    assert publish_reliability.main(["--check"], root=tmp_path, file=page) == 1
    assert publish_reliability.main([], root=tmp_path, file=page) == 0
    assert publish_reliability.main(["--check"], root=tmp_path, file=page) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Reliability\n")
    jobs, store = text.split("### The store")
    assert store.splitlines()[4:] == [
        r"| a kill \| at any moment | nothing is visible | [test_killed](../tests/store/test_it.py) |",
        "| two | exit 2 | [test_several](../tests/store/test_it.py) |",
        "| three | exit 3 | [test_several](../tests/store/test_it.py) |",
    ]
    assert "### Jobs and commands" in jobs
    assert "| four | exit 3 | [test_several](../tests/test_top.py) |" in jobs


@pytest.mark.parametrize(
    "marker",
    [
        "@pytest.mark.fault('a')\ndef test_it(): ...",
        "@pytest.mark.fault\ndef test_it(): ...",
        "@pytest.mark.fault('a', 'b')\ndef test_it(): ...",
        "@pytest.mark.fault('a', outcome=' ')\ndef test_it(): ...",
        "@pytest.mark.fault(f'{1}', outcome='b')\ndef test_it(): ...",
        "@pytest.mark.fault('a', outcome='b')\ndef no_test(): ...",
        "MARK = pytest.mark.fault('a', outcome='b')",
    ],
)
def test_a_marker_that_cannot_be_read_is_refused(tmp_path: Path, marker: str) -> None:
    (tmp_path / "test_it.py").write_text(marker)
    with pytest.raises(ValueError, match=r"tests/test_it\.py:1: .*pytest\.mark\.fault"):
        publish_reliability.page(tmp_path)
