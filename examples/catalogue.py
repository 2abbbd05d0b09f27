"""The example pipelines: the raw data that each reads, and the date that `make run` takes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Example:
    """An example pipeline.

    Attributes:
        data: the modules of this folder whose `prepare(raw: Path)` write what is absent of the raw data.
        date: a date whose window has data.
    """

    data: tuple[str, ...]
    date: date


EXAMPLES: Final[Mapping[str, Example]] = {
    "digits": Example(("digits",), date(2024, 1, 12)),
    "flight_delay": Example(("flights",), date(2013, 2, 28)),
    "plane_engines": Example(("planes",), date(2013, 2, 28)),
    "wine_cultivar": Example(("wines",), date(2024, 1, 15)),
    "movie_ratings": Example(("ratings",), date(2015, 2, 20)),
    "airport_profiles": Example(("airports",), date(2013, 3, 1)),
    "digit_components": Example(("digit_pixels",), date(2024, 1, 8)),
    "digit_images": Example(("digit_images",), date(2024, 1, 6)),
    "flight_time": Example(("flights_db", "planes"), date(2013, 4, 14)),
}
