"""Rows from a real PostgreSQL, started for the test by its package; the password is in no trace of a job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from tests.flow.declared import declare
from tests.integration.postgresql import PROGRAMS, database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.integration]

DAY = date(2024, 3, 6)
DRIVER = Path("/usr/share/java/postgresql.jar")
SQL = "SELECT id, size, late FROM source"
PARALLEL = {"partitionColumn": "id", "lowerBound": 0, "upperBound": 40, "numPartitions": 4, "fetchsize": 7}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL on loopback with a user and a database of that name."""

    port: int
    user: str
    password: str

    def do(self, sql: str) -> str:
        """What psql prints for the SQL."""
        words = ["psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        told = subprocess.run(
            [*words, "-U", self.user, "-d", self.user, "-c", sql],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.strip()

    def connection(self, password: str | None = None) -> str:
        """The connection as Airflow writes it."""
        return json.dumps(
            {
                "conn_type": "postgres",
                "host": "127.0.0.1",
                "port": self.port,
                "schema": self.user,
                "login": self.user,
                "password": self.password if password is None else password,
            }
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Started by the package's programs, for all tests of this file."""
    if not PROGRAMS or not DRIVER.is_file():
        assert not os.environ.get("CI"), ".ci/run installs postgresql and libpostgresql-jdbc-java"
        pytest.skip("needs the packages postgresql and libpostgresql-jdbc-java")
    with database("clerk") as url:
        where = urlsplit(url)
        assert where.port is not None
        assert where.password is not None
        made = Server(where.port, "clerk", where.password)
        made.do(
            "CREATE TABLE things (id INT, size DOUBLE PRECISION, late INT, day DATE, seen TIMESTAMP, "
            '"where from" TEXT, tags TEXT[], price NUMERIC(9, 2), cost NUMERIC)'
        )
        made.do(
            "CREATE FUNCTION emptied() RETURNS SETOF things AS 'DELETE FROM things RETURNING *' LANGUAGE sql"
        )
        yield made


@pytest.fixture
def things(server: Server) -> Server:
    """Two days of forty rows."""
    server.do(
        "TRUNCATE things; INSERT INTO things SELECT n, n / 3.0, n % 2, d, d + n * INTERVAL '9 minutes', "
        "CASE WHEN n % 2 = 0 THEN 'O''Hare' END, ARRAY['a', n::TEXT], n / 7.0, n / 8.0 "
        f"FROM generate_series(0, 39) n, (VALUES (DATE '{DAY}'), (DATE '{DAY - timedelta(days=1)}')) days (d)"
    )
    return server


def snapshot(team: Team, connection: str, watch: Callable[[], None] | None = None) -> tuple[int, str]:
    """Runs the job as a program, in another time zone than UTC; gives its exit code and its log."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spark_jobs.snapshot", f"--pipeline={team.name}", f"--date={DAY}"],
        env={
            **os.environ,
            "VINTAGE_HOME": str(team.home.path),
            "AIRFLOW_CONN_WAREHOUSE": connection,
            "TZ": "America/New_York",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while process.poll() is None and watch:
        watch()
        time.sleep(0.3)
    told, _ = process.communicate(timeout=300)
    return process.returncode, told


def source(**keys: object) -> dict[str, object]:
    return {"format": "jdbc", "connection": "warehouse", **keys}


def declared(team: Team, **keys: object) -> Team:
    return declare(team, source(**keys), SQL, spark={"conf": {"spark.jars": str(DRIVER)}})


def words_of_all_processes() -> str:
    found = []
    for process in psutil.process_iter():
        try:
            found += process.cmdline()
        except psutil.Error:
            continue
    return "\n".join(found)


def test_a_table_is_read_in_parallel_and_the_password_is_nowhere(team: Team, things: Server) -> None:
    declared(team, table="things", date_column="day", options=PARALLEL)
    shown: list[str] = []
    code, told = snapshot(team, things.connection(), lambda: shown.append(words_of_all_processes()))
    assert code == 0, told
    found = team.store.current("snapshot", DAY)
    assert found is not None
    assert found.row_count == 40
    assert len(list(found.data.glob("part-*"))) == 4
    profile = found.manifest.details.profile
    assert profile["seen"]["min"] == f"{DAY} 00:00:00"
    assert profile["where from"]["nulls"] == 20
    assert profile["price"]["type"] == "decimal(9,2)"
    assert profile["cost"]["max"] == "4.875000000000000000"
    kept = "".join(path.read_text(encoding="utf-8") for path in team.home.path.rglob("*.json"))
    assert any("spark_jobs.snapshot" in words for words in shown)
    for secret in (things.password, f"127.0.0.1:{things.port}"):
        assert secret not in told
        assert secret not in kept
        assert not any(secret in words for words in shown)


def test_the_same_rows_give_the_same_snapshot_in_any_way_of_reading(team: Team, things: Server) -> None:
    declared(team, table="things", date_column="day", options=PARALLEL)
    code, told = snapshot(team, things.connection())
    assert code == 0, told
    first = team.store.current("snapshot", DAY)
    things.do("CREATE TABLE others AS SELECT * FROM things ORDER BY size DESC")
    try:
        declared(team, query="SELECT * FROM others WHERE day = DATE '{date}'")
        code, told = snapshot(team, things.connection())
    finally:
        things.do("DROP TABLE others")
    assert code == 0, told
    second = team.store.current("snapshot", DAY)
    assert first is not None
    assert second is not None
    assert first.key == second.key


@pytest.mark.parametrize(
    ("keys", "password", "code", "words"),
    [
        (
            {"table": "things", "date_column": "day"},
            "wr0ng-pass",
            4,
            "refuses the login",
        ),
        ({"table": "nothings", "date_column": "day"}, None, 3, '"nothings" does not exist'),
        ({"query": "SELECT * FROM emptied() WHERE day = '{date}'"}, None, 3, "read-only transaction"),
        (
            {"query": "SELECT *, 1::NUMERIC / 3 AS third FROM things WHERE day = DATE '{date}'"},
            None,
            3,
            "column third: 40 not decimal(38,18), such as '0.33333333333333333333'",
        ),
        (
            {"query": "SELECT *, ARRAY[1::NUMERIC / 3] AS thirds FROM things WHERE day = DATE '{date}'"},
            None,
            3,
            "thirds (array<decimal(38,18)>, 0 places in the database)",
        ),
        (
            {"table": "things", "date_column": "day", "options": {"driver": "org.none.Driver"}},
            None,
            4,
            "spark.jars",
        ),
    ],
    ids=["password", "gone", "writes", "rounded", "rounded-within", "driver"],
)
def test_what_goes_wrong_is_told_in_one_line(
    team: Team, things: Server, keys: dict[str, object], password: str | None, code: int, words: str
) -> None:
    declared(team, **{"date_column": "day", **keys} if "table" in keys else keys)
    ended, told = snapshot(team, things.connection(password))
    assert ended == code, told
    last = told.strip().splitlines()[-1]
    assert last.startswith("vintage: ")
    assert words in last
    assert things.password not in told
    assert "wr0ng-pass" not in told
    assert team.published()["snapshot"] == 0
    assert team.leftovers() == []


def test_a_server_that_is_away(team: Team, things: Server) -> None:
    declared(team, table="things", date_column="day")
    away = things.connection().replace(f": {things.port}", ": 9")
    ended, told = snapshot(team, away)
    assert ended == 4, told
    assert "cannot be reached" in told.strip().splitlines()[-1]
    assert things.password not in told
