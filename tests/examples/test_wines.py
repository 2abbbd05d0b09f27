"""The wines are those of the package, each once, and a file that is there is left alone."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from examples import wines

if TYPE_CHECKING:
    from pathlib import Path


def test_every_wine_is_there_once_as_it_was_measured(tmp_path: Path) -> None:
    from sklearn.datasets import load_wine

    wines.prepare(tmp_path)
    with (tmp_path / "wines" / "wines.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    known = load_wine()
    assert [int(row["wine"]) for row in rows] == list(range(1, 179))
    assert [int(row["cultivar"]) for row in rows] == known.target.tolist()
    assert [[float(row[name]) for name in wines.COLUMNS] for row in rows] == known.data.tolist()


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "wines" / "wines.csv"
    file.parent.mkdir()
    file.write_text("own\n")
    wines.prepare(tmp_path)
    assert file.read_text() == "own\n"
