"""Writes the film ratings that come with Spark as daily files, each line in its own words.

The 1,501 ratings (30 users, 100 films, 1 to 5) carry one and the same second of 2015-02-19, so they tell no
order. By rule, the n-th rating of the file arrives on day n mod 20 of February 2015.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from examples.files import packaged, write_if_changed

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE: Final = "pyspark"
FIRST_DAY: Final = date(2015, 2, 1)
DAYS: Final = 20


def package_file() -> Path:
    """Return the ratings within the package, found without importing it.

    Raises:
        LoaderError: the package is not installed, or comes without its data.
    """
    return packaged(PACKAGE, "pyspark/data/mllib/als/sample_movielens_ratings.txt")


def by_day(lines: list[str]) -> dict[date, list[str]]:
    """Return the lines of each day, in the file's order."""
    return {FIRST_DAY + timedelta(days=place): lines[place::DAYS] for place in range(DAYS)}


def prepare(raw: Path) -> None:
    """Write the absent days to `ratings` below the folder of all raw data."""
    lines = package_file().read_text(encoding="utf-8").splitlines()
    for day, rated in by_day(lines).items():
        path = raw / "ratings" / f"date={day.isoformat()}" / "ratings.txt"
        if not path.is_file():
            write_if_changed(path, ("\n".join(rated) + "\n").encode())
