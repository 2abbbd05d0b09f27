"""The loaders of ratings, airports and digits: all of the data once, by its stated rule."""

from __future__ import annotations

import csv
import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from examples import airports, digit_pixels, ratings
from examples.airports import Flown

if TYPE_CHECKING:
    from pathlib import Path


def test_every_rating_is_there_once_in_its_own_words(tmp_path: Path) -> None:
    ratings.prepare(tmp_path)
    files = sorted((tmp_path / "ratings").glob("date=*/ratings.txt"))
    assert [path.parent.name for path in files] == [f"date=2015-02-{day:02}" for day in range(1, 21)]
    written = [line for path in files for line in path.read_text().splitlines()]
    assert sorted(written) == sorted(ratings.package_file().read_text().splitlines())
    assert len(written) == 1501
    assert written[0] == "0::2::3::1424380312"


def test_every_digit_is_there_once(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    digit_pixels.prepare(tmp_path)
    files = sorted((tmp_path / "digit_pixels").glob("date=*/digits.csv"))
    assert len(files) == 10
    found = {}
    for path in files:
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                found[int(row["image"])] = [int(row[name]) for name in digit_pixels.pixel_columns()]
    expected = load_digits().data.astype(int).tolist()
    assert [found[number] for number in range(len(expected))] == expected


def test_a_profile_adds_its_28_days(tmp_path: Path) -> None:
    place = {"name": "Somewhere", "latitude": 1.0, "longitude": 2.0, "altitude": 3}
    day = date(2013, 3, 1)
    flights = {
        day: {"AAA": Flown(10, 8, 160, 4, {"UA"}), "BBB": Flown(9, 9, 0, 0, {"UA"})},
        date(2013, 2, 2): {"AAA": Flown(18, 12, 40, 1, {"DL", "UA"}), "CCC": Flown(50, 50, 0, 0, {"UA"})},
        date(2013, 2, 1): {"AAA": Flown(99, 99, 99, 99, {"XX"})},
    }
    text = airports.render_day(day, flights, {"AAA": place, "BBB": place}, {"AAA": 7.0, "BBB": 1.0}).decode()
    assert [json.loads(line) for line in text.splitlines()] == [
        {
            "faa": "AAA",
            **place,
            "miles": 7.0,
            "flights_a_day": 1.0,
            "carriers": 2,
            "mean_delay": 10.0,
            "late_share": 0.25,
            "missed_share": 0.2857,
        }
    ]


@pytest.mark.parametrize("loader", [ratings, digit_pixels])
def test_what_is_there_is_left_alone(tmp_path: Path, loader: object) -> None:
    loader.prepare(tmp_path)  # type: ignore[attr-defined]
    first, second, *_ = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    first.write_text("corrected by its owner\n")
    second.unlink()
    loader.prepare(tmp_path)  # type: ignore[attr-defined]
    assert first.read_text() == "corrected by its owner\n"
    assert second.is_file()
