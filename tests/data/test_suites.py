"""A suite that Great Expectations could not run is refused, with what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.data.conftest import QUIET, suite_of
from vintage.errors import SpecError
from vintage.validation.expectations import check_suite
from vintage.validation.rules import NOT_ON_SPARK

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.data.conftest import Run

pytestmark = QUIET

GOOD = {"column": "distance", "min_value": 1}


@pytest.mark.fault("a rule that Great Expectations lacks", outcome="exit 2 with its line")
@pytest.mark.parametrize(
    ("rule", "kwargs", "told"),
    [
        (
            "expect_column_values_to_not_be_nul",
            {"column": "a"},
            'did you mean "expect_column_values_to_not_be_null"?',
        ),
        ("expect_column_values_to_be_between", {**GOOD, "max_valu": 3}, 'no argument "max_valu"'),
        ("expect_column_values_to_be_between", {**GOOD, "max_valu": 3}, 'did you mean "max_value"?'),
        ("expect_column_values_to_be_between", {**GOOD, "severity": "info"}, 'no argument "severity"'),
        ("expect_column_values_to_be_between", {"min_value": 3}, 'misses its argument "column"'),
        (
            "expect_column_values_to_be_between",
            {"column": "a"},
            "min_value and max_value cannot both be None",
        ),
        ("expect_column_values_to_be_between", {**GOOD, "mostly": 3}, "less than or equal to 1.0; found 3"),
        ("expect_column_values_to_be_between", {"column": 3, "min_value": 1}, "str type expected; found 3"),
        ("expect_column_values_to_be_between", {**GOOD, "max_value": 0}, "values between it and max_value"),
        (
            "expect_column_values_to_be_between",
            {**GOOD, "row_condition": "a > 1"},
            "needs a condition_parser",
        ),
        (
            "expect_column_values_to_match_like_pattern",
            {"column": "a", "like_pattern": "x"},
            "not run on Spark",
        ),
    ],
)
def test_a_wrong_rule_is_told_without_spark(rule: str, kwargs: dict[str, Any], told: str) -> None:
    suite = suite_of(("expect_column_values_to_not_be_null", {"column": "a"}), (rule, kwargs))
    problems = check_suite(suite)
    assert [told in str(problem) for problem in problems] == [True], [str(problem) for problem in problems]


def test_a_right_suite_has_no_problems_and_every_wrong_rule_has_its_own() -> None:
    right = ("expect_column_values_to_be_between", {**GOOD, "notes": "a note", "mostly": 0.9}, "info")
    assert check_suite(suite_of(right)) == []
    wrong = suite_of(("expect_nothing", {}), right, ("expect_column_values_to_be_unique", {"colum": "a"}))
    assert len(check_suite(wrong)) == 3


def test_a_problem_stands_at_its_line(tmp_path: Path) -> None:
    from vintage.spec import Home, load_suite

    (tmp_path / "pipelines").mkdir()
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "flights.yaml").write_text(
        "expectations:\n"
        "  - {type: expect_column_values_to_not_be_null, kwargs: {column: carrier}}\n"
        "  - type: expect_column_values_to_be_between\n"
        "    kwargs:\n"
        "      column: distance\n"
        "      minimum: 3\n",
        encoding="utf-8",
    )
    home = Home.from_environment({"VINTAGE_HOME": str(tmp_path)})
    found = [(problem.line, problem.what) for problem in check_suite(load_suite(home, "flights"))]
    assert (6, 'expect_column_values_to_be_between has no argument "minimum"') in found


def test_a_wrong_suite_is_refused_before_the_rows_are_touched(spark: SparkSession, run: Run) -> None:
    df = spark.range(1).selectExpr("raise_error('this row was read') AS id")
    with pytest.raises(SpecError, match="did you mean"):
        run(df, ("expect_column_values_to_be_uniqe", {"column": "id"}))


def test_what_is_refused_for_spark_is_what_great_expectations_lacks_there() -> None:
    from great_expectations.expectations import registry

    for name in NOT_ON_SPARK:
        rule = registry.get_expectation_impl(name)
        metrics = [f"{rule.map_metric}.condition"] if getattr(rule, "map_metric", None) else []
        for metric in metrics:
            assert "SparkDFExecutionEngine" not in registry._registered_metrics[metric]["providers"]
    assert {registry.get_expectation_impl(other).__name__ for other in NOT_ON_SPARK.values()}
