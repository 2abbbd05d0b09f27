"""Broken data of a training window is found and named, and neither seasons nor storms are called broken."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.monitoring.days import calm_day, keep
from vintage.ml.families import EvaluationResult
from vintage.monitoring.broken import BrokenDates, broken_dates
from vintage.registry.gates import Decision, decide
from vintage.spec import Gate
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vintage.store import Artifact

FIRST = dt.date(2024, 1, 1)
ROWS = 200

Bend = "Callable[[dict[str, Any]], None]"


def day_of(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def rows_of(number: int) -> dict[str, Any]:
    """A calm date without its growing id."""
    rows = calm_day(number, ROWS)
    del rows["id"]
    return rows


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "shop")


def window(store: Store, dates: int, bent: Mapping[int, Bend] | None = None) -> dict[dt.date, Artifact]:
    made = {}
    for number in range(dates):
        rows = rows_of(number)
        if bent and number in bent:
            bent[number](rows)
        made[day_of(number)] = keep(store, day_of(number), rows, "features")
    return made


def gate(found: BrokenDates, most: int = 0) -> Decision:
    return decide(
        [Gate(metric="brokenDates", max=most)],
        EvaluationResult(10, {"brokenDates": found.count}, notes={"brokenDates": found.told}),
    )


def nulls(rows: dict[str, Any]) -> None:
    rows["age"] = [np.nan] * (ROWS - 1) + [40.0]


def most_null(rows: dict[str, Any]) -> None:
    rows["price"] = np.where(np.arange(ROWS) % 10 < 7, np.nan, rows["price"])


def unit(rows: dict[str, Any]) -> None:
    rows["price"] = np.asarray(rows["price"]) * 100


def constant(rows: dict[str, Any]) -> None:
    rows["size"] = np.zeros(ROWS)


def swapped(rows: dict[str, Any]) -> None:
    rows["size"], rows["age"] = rows["age"], rows["size"]


def one_shop(rows: dict[str, Any]) -> None:
    rows["shop"] = np.full(ROWS, "west")


def other_codes(rows: dict[str, Any]) -> None:
    rows["kind"] = np.char.upper(np.asarray(rows["kind"]).astype(str))


def another_type(rows: dict[str, Any]) -> None:
    rows["shop"] = np.arange(ROWS)


def gone(rows: dict[str, Any]) -> None:
    del rows["fee"]


BREAKAGE: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "almost all null": (nulls, {"age"}),
    "most null": (most_null, {"price"}),
    "unit": (unit, {"price"}),
    "constant": (constant, {"size"}),
    "swapped columns": (swapped, {"size", "age"}),
    "one category": (one_shop, {"shop"}),
    "other codes": (other_codes, {"kind"}),
    "another type": (another_type, {"shop"}),
    "a column is gone": (gone, {"fee"}),
}


@pytest.mark.parametrize("name", BREAKAGE)
@pytest.mark.parametrize("dates", [4, 28])
def test_a_broken_date_is_named_with_its_columns_and_holds_promotion(
    store: Store, name: str, dates: int
) -> None:
    bend, columns = BREAKAGE[name]
    found = broken_dates(window(store, dates, {dates - 2: bend}))
    assert set(found.dates) == {day_of(dates - 2)}
    assert set(found.dates[day_of(dates - 2)]) >= columns
    held = gate(found)
    assert not held.promote
    assert held.verdicts[0].value == 1
    assert f"gate brokenDates <= 0 failed: 1, {day_of(dates - 2)} (" in held.reasons[0]
    assert gate(found, most=1).promote


@pytest.mark.parametrize("dates", [2, 3, 7, 14, 28, 60])
def test_a_calm_window_has_no_broken_date(store: Store, dates: int) -> None:
    found = broken_dates(window(store, dates))
    assert (found.count, found.told) == (0, "")
    assert gate(found).reasons == ("gate brokenDates <= 0 passed: 0",)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_an_outage_of_days_in_a_row_does_not_become_usual(store: Store, length: int) -> None:
    found = broken_dates(window(store, 28, dict.fromkeys(range(15, 15 + length), unit)))
    assert found.dates
    assert set(found.dates) <= {day_of(number) for number in range(15, 15 + length)}


def test_what_comes_back_each_week_is_no_breakage(store: Store) -> None:
    sundays = dict.fromkeys(range(6, 28, 7), nulls)
    assert broken_dates(window(store, 28, sundays)).dates == {}
    weekends = sundays | dict.fromkeys(range(5, 28, 7), nulls)
    assert broken_dates(window(store, 28, weekends)).dates == {}


def test_drift_is_no_breakage(store: Store) -> None:
    def storm(rows: dict[str, Any]) -> None:
        rows["size"] = np.asarray(rows["size"]) + 1
        rows["paid"] = np.where(np.arange(ROWS) % 5 < 2, "false", rows["paid"])

    assert broken_dates(window(store, 28, {9: storm})).dates == {}


def test_of_two_dates_that_differ_so_both_may_be_broken(store: Store) -> None:
    assert broken_dates(window(store, 2, {1: nulls})).count == 2
    assert set(broken_dates(window(store, 3, {1: nulls})).dates) == {day_of(1)}


@pytest.mark.fault("a profile of the window that is missing or cannot be read", outcome="its gate fails")
@pytest.mark.parametrize("fault", ["missing", "later", "damaged"])
def test_a_profile_that_cannot_be_read_fails_the_gate(store: Store, fault: str) -> None:
    parts = window(store, 4)
    day = day_of(2)
    if fault == "missing":
        parts[day] = keep(store, day, calm_day(2, ROWS + 1), "features", profiled=False)
    else:
        path = parts[day].folder / "profile.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["format"] = 99 if fault == "later" else content["format"]
        path.write_text(json.dumps(content) + " ", encoding="utf-8")
    found = broken_dates(parts)
    assert math.isnan(found.count)
    held = gate(found, most=1000)
    assert not held.promote
    assert str(day) in held.reasons[0]


def test_a_window_of_one_date_tells_nothing(store: Store) -> None:
    found = broken_dates(window(store, 1))
    assert not gate(found, most=9).promote
    assert "one date" in found.told


def test_a_date_without_rows_is_not_an_error(store: Store) -> None:
    parts = window(store, 5)
    parts[day_of(5)] = keep(store, day_of(5), {name: [] for name in rows_of(0)}, "features")
    assert not gate(broken_dates(parts)).promote
