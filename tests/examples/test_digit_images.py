"""The digits as pictures: each a PNG file that others can read, and each a vector of its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from examples import digit_images
from examples.pixels import as_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of raw data with all pictures."""
    folder = tmp_path_factory.mktemp("raw")
    digit_images.prepare(folder)
    return folder


def test_every_picture_is_there_once_in_the_folder_of_its_digit(raw: Path) -> None:
    from sklearn.datasets import load_digits

    data = load_digits()
    found = {}
    for path in (raw / "digit_images").glob("date=*/*/*.png"):
        number = int(path.stem)
        assert path.parent.parent.name == f"date=2024-01-{1 + number % 6:02}"
        assert path.parent.name == str(data.target[number])
        with Image.open(path) as picture:
            picture.verify()
        with Image.open(path) as picture:
            assert (picture.mode, picture.size) == ("L", (8, 8))
            found[number] = list(picture.tobytes())
    assert sorted(found) == list(range(360))
    assert all(values == (15 * data.data[number]).tolist() for number, values in found.items())


def test_each_day_has_each_digit(raw: Path) -> None:
    days = sorted((raw / "digit_images").iterdir())
    assert [len(list(day.iterdir())) for day in days] == [10] * 6


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    digit_images.prepare(tmp_path)
    first, second, *_ = sorted(tmp_path.rglob("*.png"))
    first.write_bytes(b"corrected by its owner")
    second.unlink()
    digit_images.prepare(tmp_path)
    assert first.read_bytes() == b"corrected by its owner"
    assert second.is_file()


@pytest.mark.spark
def test_a_picture_is_a_vector_of_its_pixels_from_the_top(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "one.png").write_bytes(digit_images.png([[0, 51, 255], [102, 204, 153]]))
    rows = spark.read.format("image").load(str(tmp_path))
    made = as_vectors(rows.selectExpr("'one' AS picture", "image"))
    assert made.columns == ["picture", "pixels"]
    [row] = made.collect()
    assert row.pixels.toArray().tolist() == [0.0, 0.2, 1.0, 0.4, 0.8, 0.6]
