"""No row is left out, and none is read twice, without a word."""

from __future__ import annotations

import datetime as dt
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.flow.declared import declare
from vintage.errors import DataError
from vintage.spec.stray_files import BACKUP, COMPANION, UNFINISHED, stray

if TYPE_CHECKING:
    from tests.flow.conftest import Team

DAY = date(2024, 3, 6)
SQL = "SELECT id, size, late FROM source"
COLUMNS = "id INT, size DOUBLE, late INT"
spark_only = pytest.mark.spark


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, UNFINISHED) for name in (
            "orders.csv._COPYING_", "orders.csv.tmp", "orders.csv.part", "a.PARTIAL", ".orders.csv.part",
            ".orders.csv.aB3xYz", "orders.csv.crdownload", "orders.csv.filepart", "orders.tmp.csv",
            "orders.csv.tmp.gz", "_temporary/0/part-0.parquet", ".spark-staging-1/part-0.parquet",
            "orders.csv.tmp.1234", "part-0-0.csv.inprogress.9f3a", "orders.csv.upload", "orders.csv.aria2",
        )),
        *((name, BACKUP) for name in (
            "orders.csv.bak", "a.csv.bak2", "orders.csv~", ".orders.csv.swp", "a.csv.orig", "orders.bak.csv",
            "orders.csv.old", "#orders.csv#", "~$orders.csv", ".~lock.orders.csv#",
            "orders.csv.bkp", "orders.csv.prev", "orders - Copy.csv", "Copy of orders.csv", "~orders.csv",
            "orders.csv.dpkg-old",
        )),
        *((name, COMPANION) for name in (
            "orders.csv.md5", "orders.csv.SHA256", "orders.csv.done", "orders.csv.lock", "Thumbs.db",
            "orders.csv:Zone.Identifier",
        )),
        *((name, "") for name in (
            "orders.csv", "orders.csv.gz", "part-0-abc.snappy.parquet", ".part-0.parquet.crc", "_SUCCESS",
            "_committed_123", "_started_123", "_metadata", "_common_metadata", ".DS_Store", ".gitkeep",
            "._orders.csv", "orders.2024-03-06.csv", "orders.part1.csv", "departures.csv", "template.csv",
            "a.b.c.json", "orders", "orders.csv.part1", "orders.csv.2024-03-06", "dem.asc", "Copying.csv",
        )),
    ],
)  # fmt: skip
def test_what_a_name_says_of_a_file(name: str, kind: str) -> None:
    assert stray(Path(name)) == kind


def undated(team: Team, lines: list[str], **given: Any) -> Team:
    declare(
        team,
        {
            "format": "csv",
            "path": "raw/things.csv",
            "options": {"header": True},
            "date_column": "day",
            "schema": f"{COLUMNS}, day STRING",
            **given,
        },
        SQL,
    )
    path = team.home.path / "raw" / "things.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("id,size,late,day\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return team


ODD = [
    *("0,0.5,0,2024-03-06", "1,1.5,1,2024-03-06T10:00", "2,2.5,0,3/6/2024", "3,2.5,0,2024-3-6", "4,2.5,0,"),
    "5,1,1,3/6/2024",
]


@spark_only
def test_rows_without_a_day_are_refused_with_their_count_and_values(team: Team) -> None:
    undated(team, [*ODD, "6,1,1,2024-02-31", "7,1,1,2024-03-061", "8,1,1, 2024-03-06"])
    with pytest.raises(
        DataError, match=r"7 rows of .*things\.csv have no day in day.*'3/6/2024' \(2\)"
    ) as told:
        team.run("snapshot")
    assert "undated_rows: allow" in str(told.value)
    assert team.published()["snapshot"] == 0


@spark_only
def test_rows_without_a_day_that_are_allowed_are_counted(team: Team) -> None:
    undated(team, ODD, undated_rows=4)
    team.run("snapshot")
    found = team.store.current("snapshot", DAY)
    assert found is not None
    assert found.row_count == 2
    assert found.manifest.details.raw["undated_rows"] == 4
    # The snapshot stands, but what was allowed is no more.
    team.edit("undated_rows: 4", "undated_rows: 3")
    with pytest.raises(DataError, match=r"4 rows of 2024-03-0\d have no day"):
        team.run("snapshot")


@spark_only
def test_a_null_moment_has_no_day(team: Team) -> None:
    undated(team, ["0,1,1,2024-03-06", "1,1,1,"], schema=f"{COLUMNS}, day DATE")
    with pytest.raises(DataError, match=r"1 rows of .* have no day in day.*null \(1\)"):
        team.run("snapshot")


@spark_only
def test_a_month_s_file_is_cut_by_its_date_column(team: Team) -> None:
    undated(team, ["0,1,1,2024-03-06", "1,1,1,2024-03-05"], path="raw/{date:%Y}/{date:%-m}.csv")
    (team.home.path / "raw" / "2024").mkdir()
    (team.home.path / "raw" / "things.csv").rename(team.home.path / "raw" / "2024" / "3.csv")
    team.run("snapshot")
    found = team.store.current("snapshot", DAY)
    assert found is not None
    assert found.row_count == 1


def things(team: Team, path: str = "raw/{date}", **given: Any) -> Path:
    source = {"format": "csv", "path": path, "options": {"header": True}, "schema": COLUMNS, **given}
    declare(team, source, SQL)
    folder = team.home.path / "raw" / str(DAY)
    folder.mkdir(parents=True)
    (folder / "things.csv").write_text("id,size,late\n0,0.5,0\n1,1.5,1\n", encoding="utf-8")
    return folder


@spark_only
@pytest.mark.parametrize("name", ["things.csv.bak", ".things.csv.part", "_temporary/0/things.csv"])
def test_a_stray_file_is_named(team: Team, name: str) -> None:
    folder = things(team)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "things.csv", folder / name)
    with pytest.raises(DataError, match=rf"no delivery.*{name}, which looks like a"):
        team.run("snapshot")
    # Unless the path does not lead to it.
    spec = team.home.path / "pipelines" / f"{team.name}.yaml"
    declared = yaml.safe_load(spec.read_text(encoding="utf-8"))
    declared["source"]["path"] = "raw/{date}/*.csv"
    spec.write_text(yaml.safe_dump(declared), encoding="utf-8")
    team.run("snapshot")


@pytest.mark.fault("two files of a date that hold the same rows", outcome="exit 3; names both")
@spark_only
def test_files_that_hold_the_same_rows_are_refused(team: Team) -> None:
    folder = things(team)
    (folder / "more.csv").write_text("id,size,late\n2,2.5,0\n1,9,0\n,9,0\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"hold the same rows: keys of id .*1 in more\.csv and things\.csv, such as \{1\}"
    ):
        team.run("snapshot")
    # Within one file the SQL may tell them apart; and so it may where it groups, or drops some.
    for sql in (
        "SELECT id, max(size) AS size, max(late) AS late FROM source GROUP BY id",
        "SELECT DISTINCT id, size, late FROM source",
        "SELECT id, size, late FROM source WHERE size < 9",
        "SELECT id + 1 AS id, size, late FROM source",
    ):
        declare(
            team, {"format": "csv", "path": "raw/{date}", "options": {"header": True}, "schema": COLUMNS}, sql
        )
        team.run("snapshot")
    (folder / "more.csv").write_text("id,size,late\n2,2.5,0\n2,9,0\n", encoding="utf-8")
    declare(
        team, {"format": "csv", "path": "raw/{date}", "options": {"header": True}, "schema": COLUMNS}, SQL
    )
    team.run("snapshot")


def test_dates_in_other_forms(team: Team) -> None:
    paths = {
        "raw/orders_{date:%Y%m%d}.csv": "raw/orders_20240306.csv",
        "year={date:%Y}/month={date:%m}/day={date:%d}": "year=2024/month=03/day=06",
        "raw/{date:%Y}/{date:%-m}/{date:%-d}": "raw/2024/3/6",
        "raw/{date:%y%j}%%": "raw/24066%%",
        "{date}/{date:%d.%m.%Y}": "2024-03-06/06.03.2024",
    }
    for declared, expected in paths.items():
        declare(team, {"format": "csv", "path": declared, "schema": COLUMNS}, SQL)
        pipeline = team.job().pipeline
        assert pipeline.source.dated
        assert pipeline.source_path(DAY) == str(team.home.path / expected)
    assert dt.date(2024, 3, 6) == DAY
