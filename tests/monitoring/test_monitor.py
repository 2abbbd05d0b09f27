"""A monitor of each date: what it tells, which dates make an alarm, and what it does with odd stores."""

from __future__ import annotations

import datetime as dt
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.artifacts import decide, publish
from tests.monitoring.days import calm_day, keep
from vintage.cli.main import app
from vintage.errors import StoreError
from vintage.flow.job import open_job
from vintage.flow.monitor import run
from vintage.flow.restated import impact_of, restated_dates
from vintage.jobs import monitor as jobs_monitor
from vintage.jobs.monitor import Monitored, monitor_dates
from vintage.lineage.checking import check
from vintage.lineage.reachable import mark
from vintage.monitoring.drift import Drift
from vintage.report.job_result import result_of
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline
from vintage.store import Store
from vintage.store.details import MonitorDetails
from vintage.store.reports import digest_page, drift_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

    from vintage.store import Artifact

FIRST = dt.date(2024, 1, 1)
LEARNT = 10
"""Dates that the model learnt from."""


def day_of(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def rows_of(number: int, count: int = 200, **shifted: float) -> dict[str, Any]:
    """A calm date without its growing id, and columns moved by so much."""
    rows = calm_day(number, count)
    del rows["id"]
    return rows | {name: np.asarray(rows[name]) + by for name, by in shifted.items()}


class NoSpark(SparkProvider):
    """Fails whoever asks for Spark."""

    def begin(self) -> None:
        raise AssertionError("a monitor starts no Spark")

    def __call__(self) -> SparkSession:
        raise AssertionError("a monitor starts no Spark")


class Shop:
    """A pipeline whose dates are monitored."""

    def __init__(self, home: Path) -> None:
        self.home = Home.from_environment({"VINTAGE_HOME": str(home)})
        self.store = Store(self.home.store, "tips")

    def declare(self, monitor: str) -> None:
        path = self.home.path / "pipelines" / "tips.yaml"
        path.write_text(path.read_text(encoding="utf-8") + f"monitor: {monitor}\n", encoding="utf-8")

    def keep(self, number: int, **shifted: float) -> Artifact:
        return keep(self.store, day_of(number), rows_of(number, **shifted))

    def train(self) -> Artifact:
        """A model that learnt from the first dates, and serves."""
        raw = [self.keep(number) for number in range(LEARNT)]
        features = [publish(self.store, "features", each.date, {"snapshot": [each]}) for each in raw]
        model = publish(self.store, "model", raw[-1].date, {"features": features})
        inputs = {"model": [model], "features": features[-1:]}
        evaluation = publish(self.store, "evaluation", raw[-1].date, inputs)
        decide(self.store, model, evaluation, version=1)
        return model

    def monitor(self, number: int) -> Artifact:
        return run(open_job(self.home, "tips", str(day_of(number)), spark=NoSpark("none")))

    def told(self, number: int) -> MonitorDetails:
        return MonitorDetails.of(self.monitor(number))


@pytest.fixture
def shop(tips_home: Path) -> Shop:
    return Shop(tips_home)


def test_drift_is_a_warning_and_on_two_of_three_dates_an_alarm(shop: Shop) -> None:
    model = shop.train()
    shifts: Mapping[int, dict[str, float]] = {10: {}, 11: {"size": 3}, 12: {}, 13: {"size": 3, "share": 3}}
    for number, shifted in shifts.items():
        shop.keep(number, **shifted)
    told = {number: shop.told(number) for number in shifts}
    assert [each.state for each in told.values()] == ["calm", "warn", "calm", "alarm"]
    assert told[13].watched == (day_of(11), day_of(12), day_of(13))
    assert {each.column: (each.dates, each.alarm) for each in told[13].drifted} == {
        "size": ((day_of(11), day_of(13)), True),
        "share": ((day_of(13),), False),
    }
    assert (told[13].model, told[13].model_date) == (model.key, model.date)
    assert set(told[13].missing) == {"features", "predictions"}
    made = shop.monitor(13)
    drift = Drift.model_validate_json((made.data / "drift.json").read_text(encoding="utf-8"))
    assert [column.column for part in drift.parts for column in part.drifted] == [
        each.column for each in told[13].drifted
    ]
    assert drift.parts[0].columns[0].bounds
    facts = result_of(shop.home, shop.store, day_of(13), made).facts
    assert (facts["state"], facts["learnt"]) == ("alarm", "")
    assert any(line.startswith("snapshot size: ") and " above " in line for line in facts["drifted"])


def test_a_night_that_monitors_writes_the_pages_of_the_latest_date(shop: Shop) -> None:
    shop.train()
    for number in (10, 11):
        shop.keep(number, size=3)
        jobs_monitor.run(open_job(shop.home, "tips", str(day_of(number)), spark=NoSpark("none")))
    page = drift_page(shop.store).read_text(encoding="utf-8")
    latest = shop.store.current("monitor", day_of(11))
    assert latest is not None
    links = result_of(shop.home, shop.store, latest.date, latest).links
    assert list(links) == ["Drift"]
    assert links["Drift"].endswith("tips/reports/drift.html")
    assert f"partition date {day_of(11)}" in page
    digest = digest_page(shop.home.store).read_text(encoding="utf-8")
    assert f"{day_of(11)}: alarm: snapshot size" in digest
    assert 'href="tips/reports/drift.html"' in digest
    # An earlier date that is monitored again is not the page's.
    written = drift_page(shop.store).stat().st_mtime_ns
    jobs_monitor.run(open_job(shop.home, "tips", str(day_of(10)), spark=NoSpark("none")))
    assert drift_page(shop.store).stat().st_mtime_ns == written


def test_the_same_ingredients_are_the_same_monitor_and_others_another(shop: Shop) -> None:
    shop.declare("{against: yesterday}")
    for number in (0, 1, 2):
        shop.keep(number)
    made = [shop.monitor(number) for number in (0, 1, 2)]
    assert [shop.monitor(number).key for number in (0, 1, 2)] == [each.key for each in made]
    # A date that was delivered again: its own monitor and that of the date after it.
    keep(shop.store, day_of(1), rows_of(1, 201))
    again = [shop.monitor(number) for number in (0, 1, 2)]
    assert [one.key == other.key for one, other in zip(made, again, strict=True)] == [True, False, False]
    shop.home.path.joinpath("pipelines/tips.yaml").write_text(
        shop.home.path.joinpath("pipelines/tips.yaml").read_text().replace("yesterday", "last-week")
    )
    assert shop.monitor(2).key != again[2].key


def test_a_restated_date_is_to_be_monitored_again_and_one_that_the_model_learnt_from_is_not(
    shop: Shop,
) -> None:
    shop.train()
    for number in (10, 11):
        shop.keep(number)
        shop.monitor(number)
    keep(shop.store, day_of(3), rows_of(3, 201))
    learnt = impact_of(shop.store, restated_dates(shop.store))
    assert [(each.date, each.again) for each in learnt.watched] == [(day_of(10), False), (day_of(11), False)]
    assert learnt.watch == ()
    keep(shop.store, day_of(10), rows_of(10, 201))
    found = impact_of(shop.store, restated_dates(shop.store, day_of(10)))
    assert found.watch == (
        f"vintage monitor tips --date {day_of(10)}",
        f"vintage monitor tips --date {day_of(11)}",
    )
    before = shop.monitor(3 + 8).key
    assert shop.monitor(10).key not in {each.key for each in found.watched}
    assert before not in {each.key for each in found.watched}


def test_past_dates_are_shown_as_a_night_shows_them(shop: Shop) -> None:
    shop.train()
    for number in (10, 11, 12):
        shop.keep(number, size=3)
    pipeline = load_pipeline(shop.home, "tips")
    told = list(monitor_dates(shop.home, pipeline, day_of(10), day_of(11)))
    assert [each.state for each in told] == ["warn", "alarm"]
    assert f"partition date {day_of(11)}" in drift_page(shop.store).read_text(encoding="utf-8")
    list(monitor_dates(shop.home, pipeline, day_of(12), day_of(12)))
    written = drift_page(shop.store).stat().st_mtime_ns
    list(monitor_dates(shop.home, pipeline, day_of(10), day_of(11)))
    assert drift_page(shop.store).stat().st_mtime_ns == written
    assert f"partition date {day_of(12)}" in drift_page(shop.store).read_text(encoding="utf-8")


def test_a_first_date_is_unknown_and_counts_for_no_alarm(shop: Shop) -> None:
    shop.declare("{against: yesterday, alarm: {dates: 1, of: 3}}")
    shop.keep(0)
    told = shop.told(0)
    assert (told.state, told.drifted) == ("unknown", ())
    assert "nothing to compare" in told.missing["snapshot"]
    shop.keep(1, size=9)
    told = shop.told(1)
    assert (told.state, told.watched) == ("alarm", (day_of(1),))


def test_dates_that_are_missing_are_passed_over(shop: Shop) -> None:
    shop.train()
    for number, shift in ((12, 3.0), (20, 0.0), (27, 3.0)):
        shop.keep(number, size=shift)
    assert [shop.told(number).state for number in (12, 20, 27)] == ["warn", "calm", "alarm"]
    shop.declare("{against: yesterday}")
    assert shop.told(27).state == "unknown"


def test_without_rows_or_anybody_who_served_there_is_nothing_to_monitor(shop: Shop) -> None:
    with pytest.raises(StoreError, match="has no snapshot of 2024-01-01"):
        shop.monitor(0)
    shop.keep(0)
    with pytest.raises(StoreError, match="ever served"):
        shop.monitor(0)


def test_columns_that_come_go_change_or_are_all_null(shop: Shop) -> None:
    shop.train()
    rows = rows_of(10)
    rows["more"] = rows.pop("fee")
    rows["shop"] = np.arange(200)
    rows["age"] = [np.nan] * 199 + [40.0]
    keep(shop.store, day_of(10), rows)
    told = {each.column: each.told for each in shop.told(10).drifted}
    assert " above " in told.pop("age")
    assert told == {"more": "appeared", "fee": "vanished", "shop": "string → double"}


def test_bounds_of_the_pipeline_are_in_force(shop: Shop) -> None:
    shop.declare(
        "{bounds: [{measure: ks, max: 1}, {measure: psi, max: 50}, {measure: js, max: 1}, "
        "{measure: outside, max: 1}]}"
    )
    shop.train()
    shop.keep(10, size=3)
    assert shop.told(10).state == "calm"
    drift = json.loads((shop.monitor(10).data / "drift.json").read_text())
    [size] = [each for each in drift["parts"][0]["columns"] if each["column"] == "size"]
    assert size["measures"]["ks"] > 0.8
    assert size["bounds"]["ks"] == 1


@pytest.mark.fault("a damaged profile or an earlier monitor, when a date is monitored", outcome="exit 4")
@pytest.mark.parametrize("damaged", ["profile", "monitor"])
def test_what_cannot_be_read_is_not_absent(shop: Shop, damaged: str) -> None:
    shop.train()
    snapshots = [shop.keep(number) for number in (10, 11)]
    before = shop.monitor(10)
    path = snapshots[0].folder / "profile.json" if damaged == "profile" else before.folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("size", "sise"), encoding="utf-8")
    if damaged == "monitor":
        path.write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError):
        shop.monitor(11)


def test_rows_from_before_profiles_are_told_and_not_compared(shop: Shop) -> None:
    shop.declare("{against: yesterday}")
    shop.keep(0)
    keep(shop.store, day_of(1), rows_of(1), profiled=False)
    told = shop.told(1)
    assert told.state == "unknown"
    assert "before profiles were kept" in told.missing["snapshot"]


def test_past_dates_are_monitored_from_the_store_and_one_that_fails_stops_none(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.train()
    for number in (10, 11, 12):
        made = shop.keep(number, size=3)
        if number == 11:
            (made.folder / "profile.json").write_text("{}", encoding="utf-8")
    pipeline = load_pipeline(shop.home, "tips")
    found = list(monitor_dates(shop.home, pipeline, day_of(10), day_of(12)))
    # The date after it is calibrated by what the damaged one was like, too.
    assert [each.state for each in found] == ["warn", None, None]
    assert [each.exit_code for each in found] == [0, 4, 4]
    monkeypatch.setenv("VINTAGE_HOME", str(shop.home.path))
    shown = CliRunner().invoke(app, ["monitor", "tips", "--from", str(day_of(9)), "--to", str(day_of(10))])
    assert shown.exit_code == 0, shown.output
    assert "2024-01-11  warn" in shown.output
    assert "snapshot size: " in shown.output
    words = ["monitor", "tips", "--date", str(day_of(10)), "--json"]
    [told] = CliRunner().invoke(app, words).stdout.splitlines()
    assert Monitored.model_validate_json(told).state == found[0].state
    refused = CliRunner().invoke(app, [*words, "--from", str(FIRST)])
    assert "--from and --to are a range" in str(refused.exception)
    with pytest.raises(StoreError, match="no snapshot from 2025-01-01"):
        list(monitor_dates(shop.home, pipeline, dt.date(2025, 1, 1), None))


def test_a_monitor_keeps_what_it_compared_and_is_verified(shop: Shop) -> None:
    shop.declare("{against: yesterday}")
    compared = shop.keep(0)
    shop.keep(1)
    made = shop.monitor(1)
    # Delivered again: the old rows are no longer current, and a monitor names them.
    keep(shop.store, day_of(0), rows_of(0, 201))
    later = dt.datetime.now(UTC) + dt.timedelta(days=1)
    kept = mark(shop.store, registered=(), since=later).kept
    assert {made.key, compared.key} <= kept
    again = shop.monitor(1)
    kept = mark(shop.store, registered=(), since=later).kept
    assert again.key in kept
    assert not {made.key, compared.key} & kept
    assert check(shop.store).broken == []
    (again.place / "drift.json").write_text("{}", encoding="utf-8")
    assert [each.key for each in check(shop.store).broken] == [again.key]


def test_what_a_newer_model_learnt_already_or_was_tried_is_not_retrained(shop: Shop) -> None:
    model = shop.train()
    shop.keep(LEARNT - 1, size=3)
    told = result_of(shop.home, shop.store, model.date, shop.monitor(LEARNT - 1)).facts
    assert told["learnt"] == f"the model of {model.date}, the champion, was trained on {model.date} already"
    shop.keep(10, size=3)
    shop.store.set_current(publish(shop.store, "evaluation", day_of(10), {"model": [model]}))
    told = result_of(shop.home, shop.store, day_of(10), shop.monitor(10)).facts
    assert told["learnt"] == f"the model of {day_of(10)} was made already, and does not serve"


JOINED = """\
joins:
  weather: {format: csv, path: "weather/{date}.csv", schema: "day DATE, wind DOUBLE"}
  shops: {format: csv, path: shops.csv, schema: "shop STRING, area DOUBLE"}
"""
READS = """\
      tip, w.wind AS breeze
    FROM source LEFT JOIN weather AS w USING (day) CROSS JOIN shops"""


def test_joined_sources_are_compared_by_their_own_dates(shop: Shop) -> None:
    path = shop.home.path / "pipelines" / "tips.yaml"
    declared = path.read_text(encoding="utf-8").replace("      tip\n    FROM source", READS)
    path.write_text(declared + JOINED, encoding="utf-8")
    weather = shop.store.joined("weather")

    def keep_wind(number: int, by: float = 0.0) -> Artifact:
        return keep(weather, day_of(number), {"wind": np.asarray(calm_day(number, 200)["size"]) + by})

    winds = [keep_wind(number) for number in range(LEARNT)]
    raw = [shop.keep(number) for number in range(LEARNT)]
    features = [
        publish(shop.store, "features", each.date, {"snapshot": [each], "join.weather": [wind]})
        for each, wind in zip(raw, winds, strict=True)
    ]
    model = publish(shop.store, "model", raw[-1].date, {"features": features})
    inputs = {"model": [model], "features": features[-1:]}
    decide(shop.store, model, publish(shop.store, "evaluation", model.date, inputs), version=1)
    for number, by in ((10, 0.0), (11, 3.0)):
        shop.keep(number)
        keep_wind(number, by)
    assert shop.told(10).state == "calm"
    monitor = shop.monitor(11)
    told = MonitorDetails.of(monitor)
    assert [(each.rows, each.column) for each in told.drifted] == [("join.weather", "wind")]
    assert "no dates" in told.missing["join.shops"]
    drift = Drift.model_validate_json((monitor.data / "drift.json").read_text(encoding="utf-8"))
    part = next(part for part in drift.parts if part.kind == "join.weather")
    assert part.reference == tuple(day_of(number) for number in range(LEARNT))
    assert part.columns[0].feeds == ("breeze",)
    assert "join.weather" in monitor.manifest.ingredients.inputs
    jobs_monitor.run(open_job(shop.home, "tips", str(day_of(11)), spark=NoSpark("none")))
    assert "raw rows of weather" in drift_page(shop.store).read_text(encoding="utf-8").lower()
