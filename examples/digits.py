"""Writes scikit-learn's handwritten digits as dated LIBSVM files.

A row is one 8 by 8 picture of a digit: 64 grey values from 0 (paper) to 16 (ink), and which digit it is. The
1,797 pictures, in their own order, are dealt out over the days, so that each day has some of each digit.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from examples.files import write_if_changed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

log = logging.getLogger("digits")

FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 12


def prepare(raw: Path) -> None:
    """Write the absent days to `digits`, `date=2024-01-01/digits.libsvm` and so on."""
    wanted = [raw / "digits" / f"date={day}" / "digits.libsvm" for day in days()]
    if all(path.is_file() for path in wanted):
        return
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    for number, path in enumerate(wanted):
        if not path.is_file():
            write_if_changed(path, as_libsvm(pictures[number::DAYS], labels[number::DAYS]))
    log.info("raw digits: %d days, %d rows in %s", DAYS, len(labels), raw / "digits")


def days() -> list[date]:
    """Return the days that have pictures."""
    return [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]


def as_libsvm(pictures: np.ndarray, labels: np.ndarray) -> bytes:
    """Lines `label index:value …`, indices from 1, without the zeros.

    Args:
        pictures: one row a picture, 64 grey values.
        labels: one digit a row.
    """
    lines = (
        " ".join([str(label), *(f"{at + 1}:{value:g}" for at, value in enumerate(picture) if value)])
        for picture, label in zip(pictures, labels, strict=True)
    )
    return ("\n".join(lines) + "\n").encode()
