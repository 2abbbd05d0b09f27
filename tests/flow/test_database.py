"""Rows from a database by JDBC, Derby inside the jobs' own JVM: dated, undated, in parallel, and refused."""

from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.flow.declared import declare
from vintage.data.rows import read_rows
from vintage.errors import DataError, EnvironmentProblem, NotDelivered, SpecError
from vintage.flow import wait_for_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
EVE = DAY - timedelta(days=1)
USER, PASSWORD = "clerk", "s3cret/of the house"
COLOURS = ("red", "O''Hare")
SQL = "SELECT id, size, late FROM source"
COLUMNS = "id INT, size DOUBLE, late INT, day DATE, seen TIMESTAMP, colour STRING"


class Database:
    """A Derby database in memory, with one table of things, two days of it."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        self.url = f"jdbc:derby:memory:{name}"
        self._java = spark._jvm.java
        self._java.lang.System.setProperty("derby.stream.error.file", "/dev/null")
        login = f";user={USER};password={PASSWORD}"
        self._connection = self._java.sql.DriverManager.getConnection(f"{self.url};create=true{login}")
        self.do(
            "CREATE TABLE things (id INT, size DOUBLE, late INT, day DATE, seen TIMESTAMP, colour VARCHAR(9))"
        )
        for day in (EVE, DAY):
            self.fill(day)

    def do(self, *statements: str) -> None:
        for statement in statements:
            self._connection.createStatement().execute(statement)

    def fill(self, day: date, count: int = 8) -> None:
        rows = (
            f"({n}, {n}.5, {n % 2}, DATE('{day}'), TIMESTAMP('{day} {n:02}:30:00'), '{COLOURS[n % 2]}')"
            for n in range(count)
        )
        self.do(f"INSERT INTO things VALUES {', '.join(rows)}")

    def ask_for_passwords(self) -> None:
        self.do(f"CALL SYSCS_UTIL.SYSCS_CREATE_USER('{USER}', '{PASSWORD}')")
        # It holds from the next start on; the end of a database is told as an error.
        with pytest.raises(Exception, match="shutdown"):
            self._java.sql.DriverManager.getConnection(
                f"{self.url};shutdown=true;user={USER};password={PASSWORD}"
            )


@pytest.fixture
def database(spark: SparkSession, team: Team, monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database(spark, team.name)
    login(monkeypatch, made.url)
    return made


def login(monkeypatch: pytest.MonkeyPatch, url: str, password: str = PASSWORD) -> None:
    value = {"conn_type": "jdbc", "host": url, "login": USER, "password": password}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(value))


def jdbc(**keys: Any) -> dict[str, Any]:
    return {"format": "jdbc", "connection": "warehouse", **keys}


def ids(team: Team, day: date = DAY) -> list[int]:
    found = team.store.current("features", day)
    assert found is not None
    return sorted(row.id for row in read_rows(team.provider(), [found]).collect())


@pytest.mark.parametrize(
    "keys",
    [
        {"query": "SELECT * FROM things WHERE day = DATE('{date}') AND colour IN ('red', 'O''Hare');"},
        {"table": "things", "date_column": "day"},
        {"table": "things", "date_column": "SEEN", "schema": COLUMNS},
        {
            "table": "things",
            "date_column": "day",
            "options": {"partitionColumn": "id", "lowerBound": 0, "upperBound": 8, "numPartitions": 2},
        },
    ],
    ids=["query", "date", "timestamp", "parallel"],
)
def test_each_date_has_its_own_rows(team: Team, database: Database, keys: dict[str, Any]) -> None:
    declare(team, jdbc(**keys), SQL)
    database.do(f"DELETE FROM things WHERE id > 5 AND day = DATE('{EVE}')")
    team.run("snapshot", "validate", "preprocess")
    assert ids(team) == list(range(8))
    assert ids(team, EVE) == list(range(6))
    snapshot = team.store.current("snapshot", DAY)
    assert snapshot is not None
    assert snapshot.manifest.details.raw["connection"] == "warehouse"
    assert len(list(snapshot.data.glob("part-*"))) == (2 if "options" in keys else 1)
    seen = {
        row.seen.isoformat() for row in read_rows(team.provider(), [snapshot]).toDF(*COLUMN_NAMES).collect()
    }
    assert min(seen) == f"{DAY}T00:30:00"


COLUMN_NAMES = ("id", "size", "late", "day", "seen", "colour")


def test_a_date_is_read_again_in_its_own_run_alone(
    team: Team, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    declare(team, jdbc(table="things", date_column="day"), SQL)
    caplog.set_level(logging.INFO)
    first = team.run("snapshot")
    assert team.run("snapshot") == first, "the same rows give the same snapshots"
    assert "2 dates have data, 1 of them are to be snapshotted" in caplog.text
    database.do("UPDATE things SET late = 1 - late")
    again = team.run("snapshot")
    assert again[DAY].key != first[DAY].key
    assert again[EVE].key == first[EVE].key
    declare(team, jdbc(table="things", date_column="day", reread_days=2), SQL)
    assert team.run("snapshot")[EVE].key != first[EVE].key


def test_a_date_that_was_empty_is_asked_again(team: Team, database: Database) -> None:
    declare(team, jdbc(table="things", date_column="day"), SQL)
    database.do(f"DELETE FROM things WHERE day = DATE('{EVE}')")
    assert team.run("snapshot")[EVE].row_count == 0
    database.fill(EVE)
    assert team.run("snapshot")[EVE].row_count == 8


@pytest.mark.parametrize(
    "keys",
    [
        {"table": "things", "date_column": "seen"},
        {"query": "SELECT id, size, late FROM things WHERE day = DATE('{date}')"},
    ],
    ids=["date_column", "query"],
)
def test_a_date_s_rows_have_come_or_not(team: Team, database: Database, keys: dict[str, Any]) -> None:
    declare(team, jdbc(**keys), SQL)
    wait_for_rows.run(team.job())
    database.do(f"DELETE FROM things WHERE day = DATE('{DAY}')")
    with pytest.raises(NotDelivered, match=f"connection warehouse has no rows of {DAY} yet"):
        wait_for_rows.run(team.job())
    wait_for_rows.run(team.job(EVE))


def test_what_cannot_be_asked_is_told_as_a_snapshot_tells_it(
    team: Team, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(team, jdbc(table="nothings", date_column="day"), SQL)
    with pytest.raises(DataError, match="table nothings of connection warehouse cannot be read"):
        wait_for_rows.run(team.job())
    monkeypatch.delenv("AIRFLOW_CONN_WAREHOUSE")
    with pytest.raises(EnvironmentProblem, match="warehouse"):
        wait_for_rows.run(team.job())


def test_a_source_without_dates_is_not_asked(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(team, jdbc(table="things"), SQL, split={"by": "key", "test_fraction": 0.2})
    monkeypatch.delenv("AIRFLOW_CONN_WAREHOUSE", raising=False)
    wait_for_rows.run(team.job())


def test_an_undated_table_stands_as_it_stood(team: Team, database: Database) -> None:
    declare(team, jdbc(table="things"), SQL, split={"by": "key", "test_fraction": 0.2})
    first = team.run("snapshot")
    assert {day: found.row_count for day, found in first.items()} == {DAY: 16}
    database.do("DELETE FROM things WHERE id > 3")
    assert team.run("snapshot") == first
    later = team.run("snapshot", day=DAY + timedelta(days=1))
    assert [found.row_count for found in later.values()] == [8]


@pytest.mark.fault("database values that Spark would change", outcome="read as texts; exit 3 where it cannot")
def test_what_spark_would_change_is_read_as_it_stands(team: Team, database: Database) -> None:
    database.do("CREATE TABLE odd (id INT, size DOUBLE, late INT, opens TIME, seen TIMESTAMP)")
    insert = f"INSERT INTO odd VALUES (1, 1.5, 1, TIME('09:30:00'), TIMESTAMP('{DAY} 10:00:00.123456"
    database.do(f"{insert}'))")
    declare(team, jdbc(table="odd"), SQL, split={"by": "key", "test_fraction": 0.2})
    [found] = team.run("snapshot").values()
    [row] = read_rows(team.provider(), [found]).collect()
    # Spark's own reader gives 1970-01-01 09:30:00.
    assert row["OPENS"] == "09:30:00"
    assert row["SEEN"].microsecond == 123456
    database.do(f"{insert}789'))")
    with pytest.raises(DataError, match=r"column SEEN: 1 not timestamp.*10:00:00\.123456789.*microseconds"):
        team.run("snapshot", day=DAY + timedelta(days=1))
    # So is the column that says the day.
    declare(team, jdbc(table="odd", date_column="seen"), SQL)
    with pytest.raises(DataError, match=r"column SEEN: 1 not timestamp.*10:00:00\.123456789.*microseconds"):
        team.run("snapshot")


def test_a_date_without_rows(team: Team, database: Database) -> None:
    declare(team, jdbc(table="things", date_column="day"), SQL)
    with pytest.raises(DataError, match="the raw data of 2024-03-08 has no rows"):
        team.run("snapshot", day=DAY + timedelta(days=2))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"table": "nothings"}, "table nothings of connection warehouse cannot be read.*NOTHINGS"),
        (
            {"query": "SELECT * FROM things WHERE colour LIKE LIKE 'O''Hare'"},
            "query of connection warehouse",
        ),
        ({"table": "things", "schema": COLUMNS.replace("late INT", "late STRING")}, "retyped: late is int"),
        ({"table": "things", "schema": COLUMNS + ", gate STRING"}, "missing: gate"),
        ({"table": "things", "schema": COLUMNS.removesuffix(", colour STRING")}, "added: COLOUR"),
        ({"query": 'SELECT id, size, late, id AS "Id" FROM things'}, "column `id` already exists"),
    ],
    ids=["gone", "quote", "retyped", "missing", "added", "twice"],
)
def test_what_the_database_does_not_have(
    team: Team, database: Database, keys: dict[str, Any], told: str
) -> None:
    declare(team, jdbc(**keys), SQL, split={"by": "key", "test_fraction": 0.2})
    with pytest.raises(DataError, match=told):
        team.run("snapshot")
    assert team.published()["snapshot"] == 0
    assert team.leftovers() == []
    assert team.store.contract() is None


def test_a_date_column_without_a_day(team: Team, database: Database) -> None:
    declare(team, jdbc(table="things", date_column="late"), SQL)
    with pytest.raises(SpecError, match=r"date_column late has no day.*found int"):
        team.run("snapshot")


@pytest.mark.fault("a wrong password of a database", outcome="exit 4; the password is not shown")
def test_a_wrong_password_is_told_and_not_shown(
    team: Team, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database.ask_for_passwords()
    declare(team, jdbc(table="things", date_column="day"), SQL)
    caplog.set_level(logging.INFO)
    team.run("snapshot")
    login(monkeypatch, database.url, "an0ther/of them")
    with pytest.raises(EnvironmentProblem, match="connection warehouse refuses the login") as refused:
        team.run("snapshot")
    kept = "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in team.store.folder.rglob("*.json")
    )
    for secret in (PASSWORD, "an0ther", USER, database.url):
        assert secret not in str(refused.value) + kept + caplog.text
        assert secret not in repr(team.provider().sparkContext.getConf().getAll())


def test_a_connection_that_is_not_known(team: Team) -> None:
    declare(team, jdbc(table="things") | {"connection": "elsewhere"}, SQL)
    with pytest.raises(EnvironmentProblem, match=r"'elsewhere' is not known.*AIRFLOW_CONN_ELSEWHERE"):
        team.run("snapshot")


@pytest.mark.fault("a JDBC driver that is missing", outcome="exit 4; says where to put it")
def test_a_driver_that_is_missing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    login(monkeypatch, "jdbc:oracle:thin:@//db.example/hr")
    declare(team, jdbc(table="things", date_column="day"), SQL)
    with pytest.raises(EnvironmentProblem, match=r"JDBC driver of table things.*oracle\.jdbc.*spark\.jars"):
        team.run("snapshot")


def test_an_embedded_database_needs_no_connection(team: Team, spark: SparkSession) -> None:
    java = spark._jvm.java
    java.lang.System.setProperty("derby.stream.error.file", "/dev/null")
    url = f"jdbc:derby:{team.home.path}/db;create=true"
    connection = java.sql.DriverManager.getConnection(url)
    connection.createStatement().execute("CREATE TABLE things (id INT, size DOUBLE, late INT)")
    connection.createStatement().execute("INSERT INTO things VALUES (1, 2.5, 0), (2, 3.5, 1)")
    source = {"format": "jdbc", "url": "jdbc:derby:{home}/db", "table": "things"}
    declare(team, source, SQL, split={"by": "key", "test_fraction": 0.2})
    team.run("snapshot", "validate", "preprocess")
    assert ids(team) == [1, 2]
    snapshot = team.store.current("snapshot", DAY)
    assert snapshot is not None
    assert str(team.home.path) not in json.dumps(snapshot.manifest.details.raw)
