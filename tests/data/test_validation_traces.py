"""What a validation leaves behind: one page, its result, a line in the log, and nothing else."""

from __future__ import annotations

import json
import logging
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.data.conftest import QUIET, suite_of
from vintage.store.reports import DATES_FROM_DOCS
from vintage.validation.expectations import ValidationReport, run_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from tests.data.conftest import Run

pytestmark = QUIET


def test_the_data_docs_are_one_page_that_loads_nothing(flights: DataFrame, run: Run, tmp_path: Path) -> None:
    report = run(
        flights,
        ("expect_column_values_to_be_in_set", {"column": "origin", "value_set": ["<JFK>"]}),
        ("expect_column_values_to_not_be_null", {"column": "carrier"}, "warning"),
        ("expect_column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["UA"]}, "info"),
        ("expect_column_max_to_be_between", {"column": "gate", "max_value": 3}),
    )
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        "docs/index.html"
    ]
    page = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    assert "flights 2013-02-28" in page
    assert report.summary in page
    for outcome in report.outcomes:
        assert outcome.rule in page
        assert outcome.severity in page
    assert "Unexpected Value" in page
    assert "there is no column &#34;gate&#34;" in page
    assert "<JFK>" not in page
    assert re.findall(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=", page) == []
    # Its one way out of the page leads to the other dates.
    assert re.findall(r'href="((?!#|https://greatexpectations)[^"]*)"', page) == [DATES_FROM_DOCS]


def test_the_result_is_great_expectations_json_and_the_same_for_the_same_rows(
    flights: DataFrame, run: Run
) -> None:
    rules = (
        ("expect_column_values_to_be_in_set", {"column": "origin", "value_set": ["JFK"]}, "warning"),
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
    )
    first, second = run(flights, *rules), run(flights, *rules)
    assert json.dumps(first.result) == json.dumps(second.result)
    kinds = [found["expectation_config"]["type"] for found in first.result["results"]]
    assert kinds == [rule[0] for rule in rules]
    assert first.result["results"][0]["expectation_config"]["severity"] == "warning"
    assert first.result["results"][0]["result"]["unexpected_count"] == 3


def test_it_speaks_to_no_other_host_and_prints_nothing(
    flights: DataFrame,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    connect = socket.socket.connect
    asked: list[Any] = []

    def watched(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {
            "127.0.0.1",
            "::1",
            "localhost",
        }:
            asked.append(address)
            raise OSError("no network here")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    monkeypatch.chdir(tmp_path)
    run(flights, ("expect_column_values_to_not_be_null", {"column": "carrier"}))
    assert asked == []
    out, err = capfd.readouterr()
    assert out == ""
    assert "Calculating Metrics" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_threads_do_not_mix_their_dates(spark: SparkSession, tmp_path: Path) -> None:
    suite = suite_of(
        ("expect_table_row_count_to_equal", {"value": 0}),
        ("expect_column_values_to_be_in_set", {"column": "id", "value_set": [-1]}),
    )

    def one(count: int) -> ValidationReport:
        return run_suite(spark.range(count), suite, name="same name", docs_dir=tmp_path / str(count))

    counts = [1, 2, 3, 4, 5, 6]
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(one, counts))
    assert [report.outcomes[0].observed for report in reports] == [str(count) for count in counts]
    assert [report.outcomes[1].unexpected for report in reports] == counts
    assert all((tmp_path / str(count) / "index.html").is_file() for count in counts)


def test_the_log_says_how_many_rules_hold(
    flights: DataFrame, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="vintage"):
        run(flights, ("expect_column_values_to_not_be_null", {"column": "origin"}))
    (line,) = [
        record.getMessage() for record in caplog.records if record.name == "vintage.validation.expectations"
    ]
    assert re.fullmatch(r"flights 2013-02-28: 1 of 1 rules hold, \d+\.\d s", line)
