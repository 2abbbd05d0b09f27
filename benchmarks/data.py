"""Raw data for the benchmarks: the flights as they are, and 3 million of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 29
JITTERED = {"distance": 40, "temp": 3, "dewp": 3, "arr_delay": 5}


def many_flights(small: Path, folder: Path, last: date, *, rows: int) -> None:
    """Write the days up to `last`: flights of the whole year, drawn with a fixed seed.

    Dates are shifted to the day that is written, the numbers of `JITTERED` are moved a little, and every row
    gets a flight number of its own, so that the row key stays unique.

    Args:
        small: the year's flights, one folder a day.
        folder: gets one folder a day.
        last: the last day.
        rows: rows of the last 28 days together.
    """
    year = pd.concat(
        [pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(small.glob("date=*/*.csv"))],
        ignore_index=True,
    )
    random = np.random.default_rng(20130228)
    for back in range(DAYS):
        day = last - timedelta(days=back)
        drawn = year.iloc[random.integers(0, len(year), rows // 28)].reset_index(drop=True)
        for name, width in JITTERED.items():
            numbers = pd.to_numeric(drawn[name], errors="coerce")
            moved = (numbers + random.integers(-width, width + 1, len(drawn))).round(2)
            moved = moved.clip(lower=80) if name == "distance" else moved
            whole = drawn[name].str.fullmatch(r"-?\d+").all() or name in {"distance", "arr_delay"}
            drawn[name] = moved.map(
                lambda value, whole=whole: (
                    "NA" if np.isnan(value) else f"{value:.0f}" if whole else f"{value:g}"
                )
            )
        shift = pd.to_datetime(day) - pd.to_datetime(drawn[["year", "month", "day"]].astype(int))
        moved_hour = pd.to_datetime(drawn["time_hour"]) + shift
        drawn["time_hour"] = moved_hour.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        drawn["year"], drawn["month"], drawn["day"] = str(day.year), str(day.month), str(day.day)
        drawn["flight"] = np.arange(1, len(drawn) + 1).astype(str)
        place = folder / f"date={day}"
        place.mkdir(parents=True, exist_ok=True)
        drawn.to_csv(place / "flights.csv", index=False)
