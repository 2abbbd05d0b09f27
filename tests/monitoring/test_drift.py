"""Drift is found within two dates, calm dates are called calm, and odd profiles harm nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.artifacts import decide, publish
from tests.monitoring.days import calm_day, keep, profile_of
from vintage.cli.main import app
from vintage.errors import SpecError, StoreError
from vintage.monitoring.comparison import Pair, compare
from vintage.monitoring.distances import (
    jensen_shannon,
    kolmogorov_smirnov,
    largest_difference,
    population_stability,
)
from vintage.monitoring.drift import Drift, drift_of
from vintage.monitoring.profiles import parse_profile, read_profile
from vintage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.monitoring.profiles import Profile

FIRST = dt.date(2024, 1, 1)
MONTH = 28
AFTER = FIRST + dt.timedelta(days=MONTH)


def read(day: dict[str, Any]) -> Profile:
    return parse_profile(profile_of(day).as_json(), Path("profile.json"))


@pytest.fixture(scope="module")
def month() -> list[Profile]:
    return [read(calm_day(number)) for number in range(MONTH)]


REFERENCE = tuple(range(MONTH))
CALM = [Pair(tuple(each for each in REFERENCE if each != number), number) for number in REFERENCE]


def test_the_same_profiles_give_the_same_numbers_to_the_last_bit(month: list[Profile]) -> None:
    once, again = (compare(month, [Pair(REFERENCE[:-1], MONTH - 1)], CALM) for _ in range(2))
    assert once == again


def drifted(month: list[Profile], day: dict[str, Any]) -> set[str]:
    [found] = compare([*month, read(day)], [Pair(REFERENCE, MONTH)], CALM).asked
    return {column.column for column in found if column.drifted}


def moved(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def move(day: dict[str, Any]) -> None:
        day[name] = change(np.asarray(day[name]))

    return move


def in_part(share: float, value: Any) -> Callable[[Any], Any]:
    """Puts a value in the place of as many others."""
    return lambda values: np.where(RANDOM.random(len(values)) < share, value, values)


def swap(day: dict[str, Any]) -> None:
    day["size"], day["share"] = day["share"], day["size"]


def in_one_shop(day: dict[str, Any]) -> None:
    day["price"] = np.where(day["shop"] == "west", day["price"] * 3, day["price"])


RANDOM = np.random.default_rng(7)
INJECTED: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "shift": (moved("size", lambda values: values + 0.3), {"size"}),
    "shift back": (moved("size", lambda values: values - 0.3), {"size"}),
    "scale": (moved("spread", lambda values: values * 1.5), {"spread"}),
    "narrower": (moved("spread", lambda values: values * 0.6), {"spread"}),
    "unit": (moved("price", lambda values: values / 100), {"price"}),
    "cents": (moved("tax", lambda values: values * 100), {"tax"}),
    "sign": (moved("fee", lambda values: -values), {"fee"}),
    "clipped": (moved("price", lambda values: np.minimum(values, 25)), {"price"}),
    "nulls": (
        moved("age", in_part(0.2, np.nan)),
        {"age"},
    ),
    "all nulls": (moved("fee", lambda values: np.full(len(values), np.nan)), {"fee"}),
    "no nulls": (moved("note", lambda values: np.full(len(values), "x")), {"note"}),
    "zeros for nulls": (moved("age", lambda values: np.where(np.isnan(values), 0, values)), {"age"}),
    "constant": (moved("count", lambda values: np.full(len(values), 3)), {"count"}),
    "a constant that moves": (moved("one", lambda values: values + 1), {"one"}),
    "new category": (
        moved("shop", in_part(0.05, "east")),
        {"shop"},
    ),
    "vanished category": (
        moved("shop", lambda shops: np.where(shops == "west", "south", shops)),
        {"shop"},
    ),
    "class prior": (
        moved("paid", in_part(0.15, "false")),
        {"paid"},
    ),
    "renamed category": (moved("kind", lambda values: np.where(values == "a", "A", values)), {"kind"}),
    "swapped columns": (swap, {"size", "share"}),
    "one slice": (in_one_shop, {"price"}),
    "hours of another zone": (
        moved("hour", lambda hours: np.where(hours < 6, hours + 6, hours)),
        {"hour"},
    ),
}


@pytest.mark.parametrize("name", INJECTED)
def test_an_injected_drift_is_found_within_two_dates(month: list[Profile], name: str) -> None:
    inject, expected = INJECTED[name]
    found: set[str] = set()
    for number in (100, 101):
        day = calm_day(number)
        inject(day)
        found |= drifted(month, day)
    assert found == expected


def test_calm_months_have_at_most_one_alarm(month: list[Profile]) -> None:
    alarms = [number for number in range(200, 260) if drifted(month, calm_day(number))]
    assert len(alarms) <= 2


def test_one_odd_date_of_the_reference_hides_no_drift(month: list[Profile]) -> None:
    odd = calm_day(400)
    odd["note"] = np.full(800, "x")
    odd["one"] = np.ones(800) * 7
    day = calm_day(401)
    day["size"] = np.asarray(day["size"]) + 0.5
    [found] = compare([read(odd), *month[1:], read(day)], [Pair(REFERENCE, MONTH)], CALM).asked
    assert {column.column for column in found if column.drifted} == {"size"}


def blizzard(number: int) -> dict[str, Any]:
    """A date on which most that can be counted is otherwise."""
    day = calm_day(number)
    day["size"] = np.asarray(day["size"]) + 2
    day["price"] = np.asarray(day["price"]) * 4
    day["paid"] = np.full(800, "false")
    day["age"] = [np.nan] * 799 + [40.0]
    return day


@pytest.mark.parametrize("places", [(5,), (27,), (5, 20)])
def test_a_blizzard_in_the_reference_calibrates_no_bound(
    month: list[Profile], places: tuple[int, ...]
) -> None:
    stormy = [read(blizzard(500 + place)) if place in places else month[place] for place in REFERENCE]
    moved = calm_day(402)
    moved["size"] = np.asarray(moved["size"]) + 0.3
    asked = [read(calm_day(number)) for number in range(210, 230)]
    found = compare(
        [*stormy, read(moved), *asked], [Pair(REFERENCE, MONTH + place) for place in range(21)], CALM
    )
    drift, *calm = ({column.column for column in columns if column.drifted} for columns in found.asked)
    assert drift == {"size"}
    assert sum(map(bool, calm)) <= 2
    assert [place for place, used in enumerate(found.ordinary) if not used] == list(places)
    assert min(found.calm["size"][place] for place in places) > 5


def test_calm_dates_have_no_outliers_and_what_happens_often_is_none(month: list[Profile]) -> None:
    assert all(compare([*month, month[0]], [Pair(REFERENCE, MONTH)], CALM).ordinary)
    weekly = [read(blizzard(600 + place)) if place % 7 == 6 else month[place] for place in REFERENCE]
    assert all(compare([*weekly, month[0]], [Pair(REFERENCE, MONTH)], CALM).ordinary)


def test_without_a_past_the_bounds_are_conventional() -> None:
    profiles = [read(calm_day(1)), read(calm_day(2))]
    [found] = compare(profiles, [Pair((0,), 1)], []).asked
    assert {column.column for column in found if column.drifted} == {"id"}
    [size] = [column for column in found if column.column == "size"]
    assert size.bounds["psi"] == 0.2


def test_a_bound_of_the_spec_is_used_as_it_is(month: list[Profile]) -> None:
    day = read(calm_day(300))
    overrides = {"size.ks": 1e-6, "share.ks": 0.9}
    [told] = compare([*month, day], [Pair(REFERENCE, MONTH)], CALM, overrides=overrides).asked
    found = {each.column: each for each in told}
    assert found["size"].drifted
    assert found["share"].bounds["ks"] == 0.9


counts = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


@given(counts, counts)
def test_distances_are_what_their_formulas_say(one: list[int], other: list[int]) -> None:
    size = min(len(one), len(other))
    p, q = (np.array([values[:size]], dtype=float) for values in (one, other))
    for distance in (population_stability, jensen_shannon, kolmogorov_smirnov, largest_difference):
        [same] = distance(p, p)
        assert same == pytest.approx(0, abs=1e-12)
        assert distance(p, q)[0] >= -1e-12
        assert distance(p, q) == pytest.approx(distance(q, p), rel=1e-9, abs=1e-12)
    if p.sum() and q.sum():
        assert jensen_shannon(p, q)[0] <= 1 + 1e-12
        shares = [values[0] / values.sum() for values in (p, q)]
        assert largest_difference(p, q)[0] == pytest.approx(max(abs(shares[0] - shares[1])))
        assert kolmogorov_smirnov(p, q)[0] <= 1 + 1e-12


def test_known_values_of_distances() -> None:
    p, q = np.array([[50.0, 50.0]]), np.array([[80.0, 20.0]])
    assert population_stability(p * 1e9, q * 1e9)[0] == pytest.approx(0.3 * np.log(4))
    assert jensen_shannon(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(1)
    assert kolmogorov_smirnov(p, q)[0] == largest_difference(p, q)[0] == pytest.approx(0.3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two weeks of rows of a pipeline with a model of the last date."""
    made = Store(tmp_path / "store", "shop")
    for number in range(14):
        keep(made, FIRST + dt.timedelta(days=number), calm_day(number, 200))
    return made


def test_a_drift_is_told_with_its_first_date(store: Store) -> None:
    training = [FIRST + dt.timedelta(days=number) for number in range(10)]
    raw = [found for day in training if (found := store.current("snapshot", day)) is not None]
    features = [publish(store, "features", each.date, {"snapshot": [each]}) for each in raw]
    model = publish(store, "model", max(training), {"features": features})
    evaluation = publish(store, "evaluation", max(training), {"model": [model], "features": features[-1:]})
    decide(store, model, evaluation, version=1)
    for number in (14, 15, 16):
        day = calm_day(number, 200)
        if number > 14:
            day["size"] = np.asarray(day["size"]) + 3
        keep(store, FIRST + dt.timedelta(days=number), day)
    drift = drift_of(store)
    assert drift.model == model.key
    [part] = drift.parts
    assert (part.kind, part.rows, part.reference, part.calm) == ("snapshot", 200, tuple(training), 10)
    [size] = part.drifted
    assert (size.column, size.since) == ("size", FIRST + dt.timedelta(days=15))
    assert list(size.severities) == [FIRST + dt.timedelta(days=number) for number in range(17)]
    assert max(list(size.severities.values())[:15]) <= 1
    assert set(drift.missing) == {"features", "predictions"}


@pytest.mark.parametrize("against", ["yesterday", "last-week", f"{FIRST}..{FIRST + dt.timedelta(days=12)}"])
def test_dates_are_compared_with_each_other(store: Store, against: str) -> None:
    found = drift_of(store, against=against)
    assert found.date == FIRST + dt.timedelta(days=13)
    # An id that only grows is another on every date; a month tells that it always was.
    assert {column.column for part in found.parts for column in part.drifted} <= {"id"}
    assert found.model is None


@pytest.mark.parametrize("number", [0, 5, 13])
def test_a_date_before_or_within_its_reference(store: Store, number: int) -> None:
    day = FIRST + dt.timedelta(days=number)
    found = drift_of(store, day, f"{FIRST + dt.timedelta(days=1)}..{FIRST + dt.timedelta(days=13)}")
    [part] = found.parts
    assert day not in part.reference
    assert {column.column for column in part.drifted} <= {"id"}


def test_columns_that_come_go_and_change_their_type(store: Store) -> None:
    day = calm_day(14, 200)
    day["more"] = day.pop("fee")
    day["shop"] = np.arange(200)
    keep(store, FIRST + dt.timedelta(days=14), day)
    [part] = drift_of(store, against=f"{FIRST}..{FIRST + dt.timedelta(days=13)}").parts
    assert {each.column: each.change for each in part.drifted if each.change} == {
        "more": "appeared",
        "fee": "vanished",
        "shop": "string → double",
    }


def test_more_categories_than_are_counted(store: Store) -> None:
    for number in range(14, 30):
        chance = np.random.default_rng(number)
        day = {"who": [f"user {each}" for each in chance.integers(0, 100_000, 2_000)]}
        keep(store, FIRST + dt.timedelta(days=number), day)
    found = drift_of(store, against=f"{FIRST + dt.timedelta(days=14)}..{FIRST + dt.timedelta(days=28)}")
    [part] = found.parts
    [who] = part.columns
    assert "new" not in who.measures
    assert not who.drifted


@pytest.mark.fault("a profile that was changed after it was made", outcome="exit 4 that names the file")
def test_a_damaged_profile_is_told(store: Store) -> None:
    found = store.current("snapshot", FIRST)
    assert found is not None
    path = found.folder / "profile.json"
    path.write_text(path.read_text(encoding="utf-8").replace("200", "201", 1), encoding="utf-8")
    with pytest.raises(StoreError, match="is damaged") as raised:
        read_profile(found)
    assert str(path) in str(raised.value)


def test_a_profile_of_a_later_release_is_refused() -> None:
    content = json.loads(profile_of(calm_day(1, 10)).as_json()) | {"format": 3}
    with pytest.raises(StoreError, match=r"by a later release.*up to 2"):
        parse_profile(json.dumps(content), Path("profile.json"))


def test_what_cannot_be_compared_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nothing to compare with"):
        drift_of(store, against="tomorrow")
    with pytest.raises(SpecError, match="ends before it begins"):
        drift_of(store, against="2024-01-05..2024-01-01")
    with pytest.raises(StoreError, match="no version of shop ever served"):
        drift_of(store)
    with pytest.raises(StoreError, match="has no snapshot of 2025-01-01"):
        drift_of(store, dt.date(2025, 1, 1))
    with pytest.raises(StoreError, match="there is nothing to compare them with"):
        drift_of(store, FIRST, "yesterday")
    with pytest.raises(StoreError, match="a finished run"):
        drift_of(Store(tmp_path / "empty", "shop"))
    keep(store, FIRST + dt.timedelta(days=20), calm_day(20, 50), profiled=False)
    with pytest.raises(StoreError, match="before profiles were kept"):
        drift_of(store, against=f"{FIRST}..{FIRST}")


def test_the_command_shows_what_drifted(tips_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tips_home / "data" / "store", "tips")
    for number in range(10):
        day = calm_day(number, 200)
        if number == 9:
            day["shop"] = np.where(np.asarray(day["shop"]) == "west", "<east>\x1b[31m", day["shop"])
        keep(store, FIRST + dt.timedelta(days=number), day)
    monkeypatch.setenv("VINTAGE_HOME", str(tips_home))
    words = ["drift", "tips", "--against", f"{FIRST}..{FIRST + dt.timedelta(days=8)}"]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    assert "raw rows: 1 of 15 columns drifted" in shown.output
    assert "shop vanished: west" in shown.output
    assert "\x1b[31m" not in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    page = CliRunner().invoke(app, [*words, "--page"]).output.split()[-1]
    assert '<h2 id="snapshot-head" class="warn">Raw rows: 1 of 15' in (text := Path(page).read_text())
    assert "&lt;east&gt;" in text
    assert "<east>" not in text
    assert 'aria-labelledby="heat-snapshot-title' in text
    told = Drift.model_validate_json(CliRunner().invoke(app, [*words, "--json"]).output)
    assert [column.column for column in told.parts[0].drifted] == ["shop"]
