"""More than one source: each with its own dates, suite and snapshots, joined in the SQL."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from vintage.data.rows import read_rows
from vintage.errors import DataError, SpecError, ValidationFailed
from vintage.flow import score
from vintage.report.summary import summarise
from vintage.spec import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
EVE = DAY - timedelta(days=1)
NEXT = DAY + timedelta(days=1)
WINDOW = [DAY - timedelta(days=back) for back in range(3, -1, -1)]
JOINS: dict[str, Any] = {
    "stock": {
        "format": "csv",
        "path": "raw/stock/date={date}",
        "options": {"header": "true"},
        "schema": "id INT, held INT",
        "expectations": "stock",
    },
    "paint": {"format": "json", "path": "raw/paint.json"},
}
SQL = """
SELECT s.id, s.seen, s.colour, s.size, s.late, stock.held, p.price
FROM source AS s LEFT JOIN stock ON stock.id = s.id LEFT JOIN paint AS p USING (colour)
"""


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def deliver_stock(team: Team, day: date, held: int) -> None:
    write(
        team.home.path / "raw" / "stock" / f"date={day}" / "stock.csv",
        "id,held",
        *(f"{n},{held}" for n in range(24)),
    )


def paint(team: Team, red: int) -> None:
    write(
        team.home.path / "raw" / "paint.json",
        f'{{"colour": "red", "price": {red}}}',
        '{"colour": "blue", "price": 5}',
    )


def declare(team: Team, **other: Any) -> None:
    path = team.home.path / "pipelines" / f"{team.name}.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8")) | {"joins": JOINS}
    spec["preprocess"]["sql"] = SQL
    path.write_text(yaml.safe_dump(spec | other, sort_keys=False), encoding="utf-8")


@pytest.fixture
def joined(team: Team) -> Team:
    """A team whose things are joined with the day's stock and with a table of paint that has no dates."""
    declare(team)
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "held", "min_value": 0}}
    write(team.home.path / "expectations" / "stock.yaml", yaml.safe_dump({"expectations": [rule]}))
    for day in WINDOW:
        deliver_stock(team, day, day.day)
    paint(team, red=7)
    return team


def told(team: Team, day: date) -> set[tuple[Any, ...]]:
    """Colour, stock and price of a date's feature rows."""
    found = team.store.current("features", day)
    assert found is not None
    rows = read_rows(team.provider(), [found]).select("colour", "held", "price").distinct()
    return {tuple(row) for row in rows.collect()}


def features(team: Team) -> dict[str, str]:
    """Date → key of the current feature rows."""
    store = team.store
    return {str(day): found.key for day in WINDOW if (found := store.current("features", day))}


@pytest.mark.long
def test_each_date_is_joined_with_its_own_rows_and_the_table_as_it_stood(joined: Team) -> None:
    joined.run()
    for day in WINDOW:
        assert told(joined, day) == {("red", day.day, 7), ("blue", day.day, 5)}
    assert joined.published() == {
        "snapshot": 4,
        "validation": 4,
        "features": 4,
        "model": 1,
        "evaluation": 1,
    }
    stock, prices = joined.store.joined("stock"), joined.store.joined("paint")
    assert (len(stock.dates("snapshot")), len(stock.dates("validation"))) == (4, 4)
    assert (prices.dates("snapshot"), prices.dates("validation")) == ((DAY,), ())
    found, table = joined.store.current("features", EVE), prices.current("snapshot", DAY)
    assert found is not None
    assert table is not None
    inputs = found.manifest.ingredients.inputs
    assert set(inputs) == {"snapshot", "join.stock", "join.paint"}
    assert inputs["join.paint"] == {DAY: table.key}
    summary = summarise(joined.store, DAY)
    assert summary.lineage["join.paint"] == dict.fromkeys(WINDOW, table.key)
    assert set(summary.joined_fingerprints) == {"stock", "paint"}
    assert len(set(summary.joined_fingerprints["stock"].values())) == len(WINDOW)

    before = features(joined)
    joined.run()
    assert features(joined) == before
    assert joined.leftovers() == []

    # A date that no night has seen is joined alike to be scored.
    joined.deliver(NEXT)
    deliver_stock(joined, NEXT, NEXT.day)
    scored = score.run(joined.job(NEXT))
    assert scored.manifest.details.rows["scored"] == 24
    assert told(joined, NEXT) == {("red", NEXT.day, 7), ("blue", NEXT.day, 5)}
    assert features(joined) == before


def test_a_table_that_changed_is_joined_from_then_on(joined: Team) -> None:
    steps = ("snapshot", "validate", "preprocess")
    joined.run(*steps, day=EVE)
    before = features(joined)
    paint(joined, red=9)
    joined.run(*steps)
    assert told(joined, DAY) == {("red", DAY.day, 9), ("blue", DAY.day, 5)}
    assert told(joined, EVE) == {("red", EVE.day, 7), ("blue", EVE.day, 5)}
    # A date of the past takes what was seen then; what it holds today it cannot know.
    paint(joined, red=11)
    joined.run(*steps, day=EVE)
    assert {day: key for day, key in features(joined).items() if day != str(DAY)} == before
    assert joined.store.joined("paint").dates("snapshot") == (EVE, DAY)


def test_corrected_rows_of_a_joined_source_are_noticed(joined: Team) -> None:
    joined.run("snapshot", "validate", "preprocess")
    before = features(joined)
    deliver_stock(joined, EVE, 50)
    joined.run("snapshot", "validate", "preprocess")
    assert told(joined, EVE) == {("red", 50, 7), ("blue", 50, 5)}
    assert {day for day, key in features(joined).items() if before[day] != key} == {str(EVE)}


def test_an_earlier_date_without_them_is_left_out(joined: Team, caplog: pytest.LogCaptureFixture) -> None:
    (joined.home.path / "raw" / "stock" / f"date={EVE}" / "stock.csv").unlink()
    with caplog.at_level(logging.WARNING):
        joined.run("snapshot", "validate", "preprocess")
    assert f"no rows of stock for 1 of the window's 4 dates: {EVE}" in caplog.text
    assert set(features(joined)) == {str(day) for day in WINDOW if day != EVE}


@pytest.mark.parametrize("lines", [None, ["id,held"]], ids=["no file", "no row"])
def test_the_run_s_own_date_needs_them(joined: Team, lines: list[str] | None) -> None:
    path = joined.home.path / "raw" / "stock" / f"date={DAY}" / "stock.csv"
    path.unlink()
    if lines:
        write(path, *lines)
    with pytest.raises(
        DataError, match=r"joined source stock has no raw data for 2024-03-06|raw data of stock of .* no rows"
    ):
        joined.run("snapshot")


def test_a_table_that_is_not_there(joined: Team) -> None:
    (joined.home.path / "raw" / "paint.json").unlink()
    with pytest.raises(DataError, match=r"joined source paint has no raw data .*paint\.json"):
        joined.run("snapshot")
    assert joined.store.dates("snapshot") == (), "told before the first source is read"


def test_its_own_suite_stops_the_run(joined: Team) -> None:
    deliver_stock(joined, EVE, -1)
    joined.run("snapshot")
    with pytest.raises(ValidationFailed, match=r"2024-03-05 does not hold .* of stock.*held"):
        joined.run("validate")
    with pytest.raises(ValidationFailed, match="did not pass stock"):
        joined.run("preprocess")
    assert features(joined) == {}


@pytest.mark.parametrize(
    ("joins", "sql", "told"),
    [
        ({"Stock": JOINS["stock"]}, SQL, '"Stock" is not a name for a joined source'),
        ({"source": JOINS["stock"]}, SQL, '"source" is not a name for a joined source'),
        (
            {"stock": {**JOINS["stock"], "pth": "x"}, "paint": JOINS["paint"]},
            SQL,
            'unknown key "pth"; did you',
        ),
        ({"stock": JOINS["stock"]}, SQL, 'the SQL reads table "paint"; expected one of source, stock'),
        (JOINS, "SELECT id, seen, late FROM source JOIN stock USING (id)", 'the SQL does not read "paint"'),
        (
            JOINS,
            SQL.replace("stock.held", "stock.hold"),
            'reads column "hold", which stock lacks; did you',
        ),
        (
            {"stock": JOINS["stock"]},
            "SELECT s.id, sen AS seen, late FROM source AS s JOIN stock ON stock.id = s.id",
            'reads column "sen", which none of source, stock has',
        ),
        (
            {**JOINS, "stock": {**JOINS["stock"], "expectations": "stocks"}},
            SQL,
            'no suite "stocks": expectations/stocks.yaml does not exist',
        ),
        (
            {**JOINS, "stock": {**JOINS["stock"], "schema": "id INT, kept INT"}},
            SQL.replace("held", "kept"),
            'names column "held", which the schema of stock in',
        ),
    ],
)
def test_mistakes_are_told_before_spark_starts(
    joined: Team, joins: dict[str, Any], sql: str, told: str
) -> None:
    declare(joined, joins=joins)
    path = joined.home.path / "pipelines" / f"{joined.name}.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    spec["preprocess"]["sql"] = sql
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        load_pipeline(joined.home, joined.name)
    assert told in str(refused.value)
