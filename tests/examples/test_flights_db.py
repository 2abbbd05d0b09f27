"""The flights' database: every row of its days, weather to join, made in one step, and only once."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from examples import flights_db
from examples.files import LoaderError
from examples.flights import package_data

if TYPE_CHECKING:
    from pathlib import Path

DAYS = range(1, 22)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of raw data with the database, made once."""
    folder = tmp_path_factory.mktemp("made") / "raw"
    flights_db.prepare(folder)
    return folder


def ask(raw: Path, *selects: str) -> list[list[str]]:
    """The rows that Derby answers to the queries, each row's values as text."""
    script = f"CONNECT 'jdbc:derby:{flights_db.NAME}';\n" + "".join(f"{select};\n" for select in selects)
    lines = [line for line in flights_db.run_ij(raw, script).splitlines() if not line.startswith("ij")]
    return [
        [value.strip() for value in line.split("|")] for line in lines if re.match(r"[\dA-Z]+ *\|\d", line)
    ]


def april() -> list[dict[str, str]]:
    """The package's own flights of those days."""
    with (
        zipfile.ZipFile(package_data() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as packed,
    ):
        rows = csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))
        return [row for row in rows if row["month"] == "4" and int(row["day"]) in DAYS]


def test_the_tables_hold_the_flights_of_the_package(raw: Path) -> None:
    found = ask(
        raw,
        "SELECT carrier, COUNT(*) AS flights, COUNT(air_time) AS flown, SUM(air_time) AS minutes, "
        "SUM(distance) AS miles, COUNT(tailnum) AS planes FROM flights GROUP BY carrier",
    )
    expected = {}
    for row in april():
        flown = row["air_time"] != "NA"
        sums = expected.setdefault(row["carrier"], [0, 0, 0, 0, 0])
        added = (1, flown, int(row["air_time"]) if flown else 0, int(row["distance"]), row["tailnum"] != "NA")
        expected[row["carrier"]] = [total + int(value) for total, value in zip(sums, added, strict=True)]
    assert {carrier: [int(value) for value in values] for carrier, *values in found} == expected


def test_each_flight_meets_its_hours_weather_once(raw: Path) -> None:
    [[_, flights], [_, joined, windy]] = ask(
        raw,
        "SELECT MIN(origin) AS least, COUNT(*) AS flights FROM flights",
        "SELECT MIN(f.origin) AS least, COUNT(*) AS joined, COUNT(w.wind_speed) AS windy FROM flights f "
        "LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour",
    )
    assert joined == flights
    assert int(windy) > 0.95 * int(flights)


def test_nothing_is_left_beside_it_and_nothing_is_made_again(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [path.name for path in raw.iterdir()] == [flights_db.NAME]
    monkeypatch.setattr(flights_db, "run_ij", None)
    flights_db.prepare(raw)


def test_a_database_that_fails_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights_db, "write_tables", lambda folder, data: (0, 0))
    with pytest.raises(LoaderError, match=r"Derby does not .*\(ERROR 38000: .*flights\.csv"):
        flights_db.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_java_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(LoaderError, match=f"no java in JAVA_HOME, {tmp_path}; run `make setup`"):
        flights_db.run_ij(tmp_path, "")
