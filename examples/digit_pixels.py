"""Writes scikit-learn's handwritten digits as daily CSV files: the 8 times 8 pixels of each.

1,797 digits of 0 to 16 a pixel, without dates. By rule, the n-th arrives on day n mod 10, from 2024-01-01 on.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from examples.files import write_if_changed

if TYPE_CHECKING:
    from pathlib import Path

FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 10
SIDE: Final = 8


def pixel_columns() -> list[str]:
    """`r0c0` to `r7c7`: row and column of a pixel, from the upper left."""
    return [f"r{row}c{column}" for row in range(SIDE) for column in range(SIDE)]


def render_day(numbers: list[int], pixels: list[list[int]]) -> bytes:
    """Return the CSV file of some digits: their place in the data set, then their pixels."""
    lines = [",".join(["image", *pixel_columns()])]
    lines += [",".join(map(str, [number, *pixels[number]])) for number in numbers]
    return ("\n".join(lines) + "\n").encode()


def prepare(raw: Path) -> None:
    """Write the absent days to `digit_pixels` below the folder of all raw data."""
    paths = {
        place: raw / "digit_pixels" / f"date={(FIRST_DAY + timedelta(days=place)).isoformat()}" / "digits.csv"
        for place in range(DAYS)
    }
    absent = {place: path for place, path in paths.items() if not path.is_file()}
    if not absent:
        return
    from sklearn.datasets import load_digits

    pixels = load_digits().data.astype(int).tolist()
    for place, path in absent.items():
        write_if_changed(path, render_day(list(range(place, len(pixels), DAYS)), pixels))
