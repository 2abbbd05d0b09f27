"""The published table of stages holds every class, and a stale one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import publish_stages
from vintage.ml.catalogue import known_stages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_class_has_a_row(tmp_path: Path) -> None:
    page = tmp_path / "stages.md"
    assert publish_stages.main([], file=page) == 0
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert sorted(row.split("`")[1] for row in rows) == sorted(known_stages())
    assert publish_stages.main(["--check"], file=page) == 0


def test_a_stale_page_is_told_and_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = tmp_path / "stages.md"
    page.write_text("old\n")
    assert publish_stages.main(["--check"], file=page) == 1
    assert "docs/stages.md is out of date: run `make schema`" in caplog.text
    assert page.read_text() == "old\n"
