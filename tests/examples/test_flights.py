"""The raw-data loader: every flight once, in its own words, on its own day, with its hour's weather."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from examples import flights

# A year of flights is written, read and written again.
pytestmark = pytest.mark.long

FEBRUARY_LAST = date(2013, 2, 28)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole year, written once."""
    out = tmp_path_factory.mktemp("raw") / "flights"
    assert flights.main(["--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def table() -> list[str]:
    """The lines of the package's own flights table, header first."""
    with zipfile.ZipFile(flights.package_data() / "flights.csv.zip") as archive:
        return archive.read("flights.csv").decode().splitlines()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_flight_of_the_year_is_there_once_and_in_its_own_words(year: Path, table: list[str]) -> None:
    folders = sorted(path.name for path in year.iterdir())
    assert folders == [f"date={day}" for day in flights.days_between(date(2013, 1, 1), date(2013, 12, 31))]

    weather_width = len(flights.WEATHER_COLUMNS)
    written: Counter[str] = Counter()
    for folder in folders:
        header, *lines = (year / folder / "flights.csv").read_text().splitlines()
        assert header == ",".join([table[0], *flights.WEATHER_COLUMNS])
        written.update(line.rsplit(",", weather_width)[0] for line in lines)
    assert sum(written.values()) == 336_776
    assert written == Counter(table[1:])


def test_a_day_is_the_local_day_of_departure(year: Path) -> None:
    for row in rows_of(year / "date=2013-02-28" / "flights.csv"):
        assert (row["year"], row["month"], row["day"]) == ("2013", "2", "28")


def test_cancelled_flights_keep_their_na(year: Path) -> None:
    cancelled = [row for row in rows_of(year / "date=2013-02-28" / "flights.csv") if row["dep_time"] == "NA"]
    assert cancelled
    assert {row["arr_delay"] for row in cancelled} == {"NA"}


def test_the_weather_is_that_of_the_scheduled_hour_at_the_origin(year: Path) -> None:
    first = rows_of(year / "date=2013-02-28" / "flights.csv")[0]
    assert (first["origin"], first["time_hour"]) == ("EWR", "2013-02-28T10:00:00Z")
    with (flights.package_data() / "weather.csv").open(newline="") as lines:
        observed = next(
            row
            for row in csv.DictReader(lines)
            if row["origin"] == "EWR" and row["time_hour"] == "2013-02-28T10:00:00Z"
        )
    assert {name: first[name] for name in flights.WEATHER_COLUMNS} == {
        name: observed[name] for name in flights.WEATHER_COLUMNS
    }


def test_an_hour_without_an_observation_reads_na(year: Path) -> None:
    missing = [row for row in rows_of(year / "date=2013-12-31" / "flights.csv") if row["temp"] == "NA"]
    assert missing
    assert all({row[name] for name in flights.WEATHER_COLUMNS} == {"NA"} for row in missing)


def test_carrier_flight_origin_and_hour_identify_a_flight(year: Path) -> None:
    for path in year.glob("date=*/flights.csv"):
        rows = rows_of(path)
        keys = {(row["carrier"], row["flight"], row["origin"], row["time_hour"]) for row in rows}
        assert len(keys) == len(rows), path.parent.name


def test_two_observations_of_one_hour_are_refused_rather_than_joined(tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    header = ",".join(["origin", *flights.WEATHER_COLUMNS, "time_hour"])
    line = ",".join(["EWR", *(["1"] * len(flights.WEATHER_COLUMNS)), "2013-01-01T06:00:00Z"])
    path.write_text("\n".join([header, line, line]))
    with pytest.raises(flights.LoaderError, match="two observations for \\('EWR', '2013-01-01T06:00:00Z'\\)"):
        flights.read_weather(path)


def test_a_second_load_touches_only_what_differs(tmp_path: Path) -> None:
    first, last = date(2013, 3, 1), date(2013, 3, 3)
    flights.load(tmp_path, first, last)
    files = sorted(tmp_path.glob("date=*/flights.csv"))
    before = [path.stat().st_mtime_ns for path in files]
    original = files[1].read_bytes()
    files[1].write_bytes(original + b"a line too many\n")

    written = flights.load(tmp_path, first, last)

    assert (written.days, written.changed) == (3, 1)
    assert files[1].read_bytes() == original
    assert [files[0].stat().st_mtime_ns, files[2].stat().st_mtime_ns] == [before[0], before[2]]
    assert not list(tmp_path.rglob("*.tmp"))


def test_missing_leaves_corrected_data_alone(tmp_path: Path) -> None:
    first, last = date(2013, 3, 1), date(2013, 3, 2)
    flights.load(tmp_path, first, first)
    corrected = flights.day_file(tmp_path, first)
    corrected.write_text("corrected by its owner\n")

    assert flights.load(tmp_path, first, last, only_missing=True).changed == 1
    assert corrected.read_text() == "corrected by its owner\n"
    assert flights.load(tmp_path, first, last, only_missing=True).days == 0


def test_a_file_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "flights.csv").mkdir()
    with pytest.raises(OSError, match=r"flights\.csv"):
        flights.write_if_changed(tmp_path / "flights.csv", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["flights.csv"]


def test_values_with_commas_and_quotes_survive() -> None:
    header = ["origin", "time_hour", "note"]
    text = flights.render_day(header, [["EWR", "h", 'one, "two"']], {}).decode()
    assert next(csv.DictReader(io.StringIO(text)))["note"] == 'one, "two"'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2013-02-30"], "'2013-02-30' is not a date; expected YYYY-MM-DD"),
        (["--to", "2014-01-01"], "outside the data"),
        (["--from", "2013-02-02", "--to", "2013-02-01"], "--from 2013-02-02 is after --to 2013-02-01"),
    ],
)
def test_impossible_days_are_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        flights.main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


def test_a_refusing_disk_is_one_line_and_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    arguments = ["--from", str(FEBRUARY_LAST), "--to", str(FEBRUARY_LAST), "--out", str(tmp_path / "out")]
    assert flights.main(arguments) == 1
    assert "Not a directory" in caplog.text
