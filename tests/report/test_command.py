"""`vintage report`: where the page goes, and what is said when there is none."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.report.families import DAY, EVALUATIONS, publish_run
from vintage.cli.main import app
from vintage.errors import SpecError, StoreError
from vintage.store import Store
from vintage.store.reports import report_folder

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: things
schedule: "0 2 * * *"
start_date: 2024-01-01
source: {format: csv, path: raw}
expectations: things
window: {days: 3}
preprocess:
  sql: SELECT id, distance FROM source
  key: [id]
  label: id
split: {by: key, test_fraction: 0.2}
task: regression
stages: [VectorAssembler: {inputCols: [distance], outputCol: features}, LinearRegression: {}]
evaluate: {metric: rmse}
"""
SUITE = """
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: id}}
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A home with one pipeline that was evaluated for two dates."""
    for folder, text in (("pipelines", PIPELINE), ("expectations", SUITE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "things.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("VINTAGE_HOME", str(tmp_path))
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    store = Store(tmp_path / "data" / "store", "things")
    for back in (1, 0):
        made = publish_run(store, "regression", EVALUATIONS["regression"], day=DAY - timedelta(days=back))
        store.set_current(made)
    return store


def told(*words: str) -> str:
    result = CliRunner().invoke(app, ["report", "things", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout.strip()


def test_the_page_of_a_date_is_written_beside_its_evaluation(store: Store) -> None:
    for words, day in ((["--date", "2024-03-05"], DAY - timedelta(days=1)), ([], DAY)):
        evaluation = store.current("evaluation", day)
        assert evaluation is not None
        page = report_folder(store, evaluation) / "report.html"
        assert not page.exists()
        assert told(*words) == str(page)
        assert f"partition date {day}" in page.read_text(encoding="utf-8")


def test_the_page_goes_where_one_says_and_its_links_still_lead_to_the_store(
    store: Store, tmp_path: Path
) -> None:
    page = tmp_path / "mine.html"
    assert told("--output", str(page)) == str(page)
    text = page.read_text(encoding="utf-8")
    link = text.split('href="data/store/')[1].split('"')[0]
    assert (tmp_path / "data/store" / link).is_file()
    assert not (store.folder / "reports").exists()
    with pytest.raises(SpecError, match="no place for a file"):
        told("--output", str(tmp_path / "nowhere" / "mine.html"))
    with pytest.raises(SpecError, match="no place for a file"):
        told("--output", str(tmp_path))


def test_a_date_without_an_evaluation_is_told(store: Store) -> None:
    with pytest.raises(StoreError, match="no evaluated model for 2024-03-09"):
        told("--date", "2024-03-09")
    assert not (store.folder / "reports").exists()


def test_the_question_s_text_can_be_printed_by_hand(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there: the ledger says who serves.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    words = ["show", "things", "--date", str(DAY), "--markdown"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"**things {DAY}: Refused by its gates.** No model serves yet")
    assert "| `rmse >= 0.1` |" in result.stdout
    with pytest.raises(SpecError, match="exclude each other"):
        CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
