"""Plans of homes in which nothing was run yet: what is new, what would fail, and that nothing is written."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.flow.conftest import HEADER, PIPELINE, SUITE, rows_of
from vintage.cli.main import app
from vintage.errors import SpecError, StoreError
from vintage.flow import fit, tune
from vintage.flow.dry_run import DryRun
from vintage.flow.graph import Flow, Target, required
from vintage.flow.job import Job
from vintage.flow.planned_store import PlannedStore
from vintage.flow.planner import plan
from vintage.flow.steps import STEPS
from vintage.lineage.graph import references
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vintage.flow.plan import Plan
    from vintage.spec.flow import Kind
    from vintage.store import Artifact

PER_DATE = ("snapshot", "validation", "features")


@dataclass(frozen=True)
class Shop:
    """A home with the flow tests' pipeline, and no Spark."""

    home: Home

    def declare(self, **parts: Any) -> None:
        path = self.home.path / "pipelines" / "things.yaml"
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump(spec | parts, sort_keys=False), encoding="utf-8")

    def deliver(self, day: date, text: str | None = None) -> None:
        path = self.home.path / "raw" / f"date={day}" / "things.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *rows_of(day)]) if text is None else text, encoding="utf-8")

    def plan(self, first: date, last: date) -> Plan:
        return plan(self.home, load_pipeline(self.home, "things"), first, last)


def days(first: date, last: date) -> list[date]:
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    for folder, text in (("pipelines", PIPELINE.format(name="things")), ("expectations", SUITE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "things.yaml").write_text(text, encoding="utf-8")
    return Shop(Home.from_environment({"VINTAGE_HOME": str(tmp_path)}))


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock is put forward and back twice a year."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2024, 2, 28), date(2024, 3, 1)),
        (date(2013, 3, 9), date(2013, 3, 11)),
        (date(2013, 11, 2), date(2013, 11, 4)),
    ],
    ids=["a leap day", "clocks are put forward", "clocks are put back"],
)
def test_every_day_of_the_calendar_is_one_date(shop: Shop, first: date, last: date) -> None:
    early = first - timedelta(days=3)
    shop.declare(start_date=early)
    for day in days(early, last):
        shop.deliver(day)
    found = shop.plan(first, last)
    assert [run.date for run in found.runs] == [str(day) for day in days(first, last)]
    assert {run.fails for run in found.runs} == {None}
    for run in found.runs:
        window = days(date.fromisoformat(run.date) - timedelta(days=3), date.fromisoformat(run.date))
        for kind in PER_DATE:
            assert [step.date for step in run.of(kind)] == [str(day) for day in window]
    # The first makes its whole window, and each date after it adds one.
    assert [sum(step.action == "made" for step in run.of("features")) for run in found.runs] == [4, 1, 1]
    assert found.raw_reads == len(days(early, last))
    assert not shop.home.store.exists()


def test_a_range_that_is_none_or_not_the_pipeline_s_is_refused(shop: Shop) -> None:
    shop.declare(end_date=date(2024, 3, 31))
    for first, last, told in (
        (date(2024, 3, 6), date(2024, 3, 5), "--to 2024-03-05 is before --from 2024-03-06"),
        (date(2024, 2, 27), date(2024, 3, 5), "before the pipeline's start_date"),
        (date(2024, 3, 30), date(2024, 4, 1), "after the pipeline's end_date"),
    ):
        with pytest.raises(SpecError, match=told):
            shop.plan(first, last)


def test_dates_that_the_schedule_skips_are_left_out(shop: Shop) -> None:
    shop.declare(schedule="0 2 * * 1-5")
    for day in days(date(2024, 2, 28), date(2024, 3, 5)):
        shop.deliver(day)
    found = shop.plan(date(2024, 3, 1), date(2024, 3, 5))
    assert [run.date for run in found.runs] == ["2024-03-01", "2024-03-04", "2024-03-05"]
    assert found.left_out == ("2024-03-02", "2024-03-03")


def test_what_would_fail_is_told_as_the_job_would(shop: Shop) -> None:
    first, empty = date(2024, 3, 1), date(2024, 3, 4)
    for day in (first, date(2024, 3, 2), date(2024, 3, 3)):
        shop.deliver(day)
    shop.deliver(empty, "")
    few, enough, broken, absent = shop.plan(date(2024, 3, 2), date(2024, 3, 5)).runs
    assert "too few days to train things for 2024-03-02; expected at least 3 dates" in str(few.fails)
    assert [step.date for step in few.of("snapshot")] == ["2024-03-01", "2024-03-02"], "taken before it fails"
    assert few.of("model") == ()
    assert few.champion is None
    assert enough.fails is None
    assert enough.champion is not None
    assert enough.champion.possible
    assert [step.action for step in enough.of("snapshot")] == ["reused", "reused", "made"]
    # A run looks at every date of its window: the broken one stops those of the next days as well.
    assert broken.raw["source"].state == "broken"
    assert "has zero bytes" in str(broken.fails)
    assert absent.raw["source"].state == "absent"
    assert "no raw data for 2024-03-05" in str(absent.fails)


def test_the_last_day_of_the_calendar_is_a_date_like_any_other(shop: Shop) -> None:
    shop.deliver(date(9999, 12, 30))
    [run] = shop.plan(date.max, date.max).runs
    assert "no raw data for 9999-12-31" in str(run.fails)
    assert "nearest dates with data: 9999-12-30" in str(run.fails)


def test_joined_sources_are_planned_as_they_are_chosen(shop: Shop) -> None:
    (shop.home.path / "prices.csv").write_text("colour,price\nred,1\n", encoding="utf-8")
    stock = {
        "format": "csv",
        "path": "stock/{date}.csv",
        "schema": "id INT, held INT",
        "options": {"header": True},
    }
    prices = {"format": "csv", "path": "prices.csv", "schema": "colour STRING, price INT"}
    shop.declare(
        joins={"stock": stock, "prices": prices},
        preprocess={
            "sql": "SELECT source.id, seen, colour, size, late, held, price FROM source "
            "JOIN stock USING (id) JOIN prices USING (colour)",
            "key": ["id", "seen"],
            "label": "CAST(late AS DOUBLE)",
        },
    )
    (shop.home.path / "stock").mkdir()
    every = days(date(2024, 3, 1), date(2024, 3, 6))
    for day in every:
        shop.deliver(day)
        if day != date(2024, 3, 4):
            (shop.home.path / "stock" / f"{day}.csv").write_text("id,held\n1,2\n", encoding="utf-8")
    gap, after = shop.plan(date(2024, 3, 4), date(2024, 3, 5)).runs
    assert "joined source stock has no raw data for 2024-03-04" in str(gap.fails)
    taken = {(step.view, step.date) for step in after.of("snapshot") if step.reads_raw}
    assert {day for view, day in taken if view == "prices"} == {"2024-03-05"}, "under the run's own date"
    assert {day for view, day in taken if view == "stock"} == {"2024-03-02", "2024-03-03", "2024-03-05"}
    assert [step.date for step in after.of("features")] == ["2024-03-02", "2024-03-03", "2024-03-05"]
    assert "no rows of stock for 1 of the window's 4 dates: 2024-03-04" in after.warnings


def test_a_tuning_is_planned_on_the_date_that_it_is_refreshed_on(shop: Shop) -> None:
    shop.declare(
        tuning={
            "method": "cross_validation",
            "folds": 2,
            "grid": {"LogisticRegression.regParam": [0.1, 0.01]},
            "refresh_days": 3,
        }
    )
    for day in days(date(2024, 2, 28), date(2024, 3, 6)):
        shop.deliver(day)
    runs = shop.plan(date(2024, 3, 2), date(2024, 3, 6)).runs
    # The pipeline begins on February 28 and refreshes on March 2 and 5; the others find what those made.
    assert [[(step.date, step.action) for step in run.of("tuning")] for run in runs] == [
        [("2024-03-02", "made")],
        [("2024-03-02", "reused")],
        [("2024-03-02", "reused")],
        [("2024-03-05", "made")],
        [("2024-03-05", "reused")],
    ]
    pipeline, store = load_pipeline(shop.home, "things"), PlannedStore(shop.home.store, "things")
    dry_run, day = DryRun(shop.home, pipeline, store, most=False), date(2024, 3, 3)
    for each in (date(2024, 3, 2), day):
        assert dry_run.run(each).fails == ""
    # A run walks the same graph: it looks up what the plan has made, and names the step that is missing.
    flow = Flow(Job(shop.home, pipeline, day, store, SparkProvider("none")))
    assert flow.one(fit.STEP) == store.current("model", day)
    assert [target.named.date for target in flow.targets(tune.STEP)] == [date(2024, 3, 2)]
    train, test = flow.sides
    assert sorted({*train, *test}) == list(flow.dates)
    for kind, step in (("features", "preprocess"), ("model", "fit"), ("evaluation", "evaluate")):
        made = store.current(kind, day)
        assert made is not None
        named = made.manifest.ingredients.model_copy(update={"seed": 7})
        with pytest.raises(StoreError, match=f"from {step} on"):
            required(flow.job, Target(named, store))


def test_each_step_comes_after_all_that_its_artifacts_name(shop: Shop) -> None:
    """The list is in the order of the graph, and `reads` tells every edge of it that a manifest has."""
    first, last = date(2024, 3, 2), date(2024, 3, 3)
    for day in days(date(2024, 2, 28), last):
        shop.deliver(day)
    grid = {"LogisticRegression.regParam": [0.1, 0.01]}
    gate = {"metric": "areaUnderROC", "vs_champion": 0.0}
    shop.declare(
        tuning={"method": "cross_validation", "folds": 2, "grid": grid},
        evaluate={"metric": "areaUnderROC", "gates": [gate]},
    )
    store = PlannedStore(shop.home.store, "things")
    dry_run = DryRun(shop.home, load_pipeline(shop.home, "things"), store, most=True)
    assert [dry_run.run(day).fails for day in (first, last)] == ["", ""]
    earlier: set[str] = set()
    for step in STEPS:
        named = {each.kind for each in references(planned(store, step.kind, last).manifest)}
        assert named <= {each.kind for each in step.reads} <= earlier
        earlier.add(step.kind)
    assert {each.name for each in references(planned(store, "evaluation", last).manifest)} >= {"baseline"}


def planned(store: PlannedStore, kind: Kind, day: date) -> Artifact:
    """What a plan has made of a kind."""
    found = store.current(kind, day)
    assert found is not None
    return found


def test_a_database_is_asked_again_and_may_hold_other_rows(shop: Shop) -> None:
    shop.declare(
        source={
            "format": "jdbc",
            "url": "jdbc:derby:{home}/things",
            "table": "things",
            "date_column": "seen",
            "schema": "id INT, colour STRING, size DOUBLE, seen TIMESTAMP, late INT",
        }
    )
    found = shop.plan(date(2024, 3, 1), date(2024, 3, 2))
    assert [run.raw["source"].state for run in found.runs] == ["asked", "asked"]
    assert [step.action for step in found.runs[1].of("snapshot")].count("made") == 1


def test_the_command_prints_a_row_a_date_and_the_same_as_json(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(shop.home.path))
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", "/opt/airflow")
    monkeypatch.setenv("COLUMNS", "80")
    for day in days(date(2024, 2, 28), date(2024, 3, 2)):
        shop.deliver(day)
    words = ["plan", "things", "--from", "2024-03-01", "--to", "2024-03-03"]
    told = CliRunner().invoke(app, words, catch_exceptions=False)
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert max(len(line) for line in lines if "airflow" not in line) <= 80
    first, second, third = (
        next(line for line in lines if line.startswith(f"2024-03-0{day} ")) for day in (1, 2, 3)
    )
    assert first.split() == ["2024-03-01", "new", *["●3", "n"] * 3, *["●", "n"] * 2, "-", "may"]
    assert second.split() == ["2024-03-02", "new", *["●1", "n"] * 3, *["●", "n"] * 2, "-", "may"]
    assert third.split() == ["2024-03-03", "absent", "·", "·", "·", "·", "·", "fails"]
    assert "Time: not known, for none was made before" in told.stdout
    assert "--dag-id retrain_things --from-date 2024-03-01 --to-date 2024-03-03T23:59:59 --re" in told.stdout
    as_json = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert [run["date"] for run in as_json["runs"]] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert as_json["runs"][0]["steps"][0] == {
        "kind": "snapshot",
        "view": "source",
        "date": "2024-02-28",
        "action": "made",
        "why": [{"reason": "new", "what": "2024-02-28 has no snapshot yet"}],
        "reads_raw": True,
    }


def test_a_backfill_goes_on_after_a_date_that_fails_and_ends_with_its_code(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(shop.home.path))
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    words = ["backfill", "things", "--from", "2024-03-01", "--to", "2024-03-02"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 3
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["2024-03-01", "2024-03-02"]
    assert "no raw data for 2024-03-02" in told.stdout
    as_json = CliRunner().invoke(app, [*words, "--json"])
    assert as_json.exit_code == 3
    assert [json.loads(line)["date"] for line in as_json.stdout.splitlines()] == ["2024-03-01", "2024-03-02"]
    planned = [run.fails for run in shop.plan(date(2024, 3, 1), date(2024, 3, 2)).runs]
    assert [json.loads(line)["error"] for line in as_json.stdout.splitlines()] == planned
