"""What a job tells Airflow of what it made: a few facts, and links that lead somewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.airflow.conftest import write_home
from tests.artifacts import decide, publish, snapshot
from vintage.flow.job import Job
from vintage.jobs.program import tell
from vintage.registry import ledger
from vintage.report.job_result import result_of
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2024, 3, 6)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    path = write_home(tmp_path / "home")
    return Home.from_environment({"VINTAGE_HOME": str(path), "VINTAGE_MLFLOW_URL": "http://mlflow/"})


@pytest.fixture
def store(home: Home) -> Store:
    return Store(home.store, "tiny")


def test_of_a_window_s_dates_the_run_s_own_is_told(home: Home, store: Store) -> None:
    made = {day: snapshot(store, day, rows=str(day), count=day.day) for day in (DAY - timedelta(days=1), DAY)}
    told = result_of(home, store, DAY, made)
    assert told.facts == {"key": made[DAY].key, "rows": 6, "dates": 2}
    assert told.links == {}


def test_a_validation_links_to_its_page_as_a_file_or_where_the_store_is_shown(
    home: Home, store: Store
) -> None:
    failures = {"critical": [], "warning": ["size"]}
    made = publish(store, "validation", DAY, passed=True, failures=failures)
    told = result_of(home, store, DAY, {DAY: made})
    assert told.facts == {"key": made.key, "passed": True, "warnings": 1, "dates": 1}
    assert told.links == {"Data Docs": (made.data / "index.html").as_uri()}
    shown = result_of(replace(home, store_url="https://store/of/ours/"), store, DAY, {DAY: made})
    page = f"https://store/of/ours/tiny/validation/date%3D{DAY}/{made.key}/data/index.html"
    assert shown.links == {"Data Docs": page}


def test_a_decision_is_told_with_its_reasons(home: Home, store: Store) -> None:
    model = publish(store, "model", DAY, rows={"train": 5})
    decide(store, model, publish(store, "evaluation", DAY), version=3, action="refused")
    [entry] = ledger.read(store.ledger_path)
    assert result_of(home, store, DAY, entry).facts == {"decision": "refused", "version": 3, "reasons": []}
    # It has no run in MLflow, and so no link.
    assert result_of(home, store, DAY, model).links == {}


def test_a_job_writes_it_into_the_file_that_airflow_names(home: Home, store: Store, tmp_path: Path) -> None:
    job = Job(home, load_pipeline(home, "tiny"), DAY, store, SparkProvider("none"))
    tell(job, publish(store, "model", DAY, rows={"train": 5}), tmp_path / "told.json")
    assert '"rows":5' in (tmp_path / "told.json").read_text()
    tell(job, None, tmp_path / "told.json")
    assert (tmp_path / "told.json").read_text() == '{"facts":{},"links":{}}'
