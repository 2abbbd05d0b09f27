"""Writes the wines of scikit-learn's data: one row a wine, what a laboratory measured, and its cultivar."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from examples.files import packaged, write_if_changed

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: Final = (
    *("alcohol", "malic_acid", "ash", "ash_alcalinity", "magnesium", "phenols", "flavanoids"),
    *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline"),
)


def prepare(raw: Path) -> None:
    """Write `wines/wines.csv` below the folder of raw data, where it is absent.

    Raises:
        LoaderError: scikit-learn is not installed.
    """
    file = raw / "wines" / "wines.csv"
    if not file.is_file():
        write_if_changed(file, _table())


def _table() -> bytes:
    """Return the header and 178 rows, numbered from 1; values keep the package's spelling."""
    packed = packaged("scikit-learn", "sklearn/datasets/data/wine_data.csv")
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["wine", *COLUMNS, "cultivar"])
    with packed.open(newline="", encoding="utf-8") as source:
        rows = csv.reader(source)
        next(rows)  # how many rows and columns there are, and the classes' names
        lines.writerows([number, *row] for number, row in enumerate(rows, start=1))
    return text.getvalue().encode()
