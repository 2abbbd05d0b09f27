"""The planes are those of the package, and a file that is there is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples import planes
from examples.flights import package_data

if TYPE_CHECKING:
    from pathlib import Path


def test_the_planes_are_written_once(tmp_path: Path) -> None:
    planes.prepare(tmp_path)
    file = tmp_path / "planes" / "planes.csv"
    assert file.read_bytes() == (package_data() / "planes.csv").read_bytes()
    file.write_text("own\n")
    planes.prepare(tmp_path)
    assert file.read_text() == "own\n"
