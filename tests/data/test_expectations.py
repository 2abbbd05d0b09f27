"""Real rows are held to suites by Great Expectations: what is found, and what is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.data.conftest import QUIET, SCHEMA
from vintage.validation.expectations import SAMPLE, RuleOutcome, ValidationReport

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tests.data.conftest import Run

pytestmark = QUIET


def only(report: ValidationReport) -> RuleOutcome:
    (outcome,) = report.outcomes
    return outcome


def test_rows_that_hold_pass_and_the_outcomes_keep_the_suites_order(flights: DataFrame, run: Run) -> None:
    report = run(
        flights,
        ("expect_table_row_count_to_be_between", {"min_value": 5, "max_value": 5}),
        ("expect_column_values_to_be_between", {"column": "distance", "min_value": 10, "max_value": 6000}),
        ("expect_column_values_to_not_be_null", {"column": "origin"}),
        ("expect_column_max_to_be_between", {"column": "distance", "max_value": 1400}),
    )
    assert report.passed
    assert report.failures() == ()
    assert report.describe() == "4 of 4 rules hold"
    assert [(outcome.rule, outcome.checked, outcome.unexpected) for outcome in report.outcomes] == [
        ("expect_table_row_count_to_be_between", None, None),
        ("expect_column_values_to_be_between", 5, 0),
        ("expect_column_values_to_not_be_null", 5, 0),
        ("expect_column_max_to_be_between", None, None),
    ]
    assert [outcome.observed for outcome in report.outcomes] == ["5", None, None, "1400"]


def test_a_critical_failure_names_rule_column_count_percent_and_examples(
    flights: DataFrame, run: Run
) -> None:
    report = run(
        flights, ("expect_column_values_to_be_in_set", {"column": "origin", "value_set": ["JFK"]}, "critical")
    )
    assert not report.passed
    outcome = only(report)
    assert (outcome.column, outcome.severity) == ("origin", "critical")
    assert (outcome.checked, outcome.unexpected, outcome.unexpected_percent) == (5, 3, 60.0)
    assert outcome.examples == ('"EWR" (2 times)', '"LGA"')
    assert report.describe().splitlines() == [
        "0 of 1 rules hold, 1 critical failed",
        "  critical: expect_column_values_to_be_in_set on origin: 3 of 5 values unexpected (60.00 %); "
        'examples "EWR" (2 times), "LGA"; expected value_set ["JFK"]',
    ]


def test_a_warning_is_reported_and_passes(flights: DataFrame, run: Run) -> None:
    rule = ("expect_column_values_to_be_between", {"column": "distance", "max_value": 1000})
    report = run(flights, (*rule, "warning"), (*rule, "info"), (*rule, "critical"))
    assert [outcome.severity for outcome in report.failures()] == ["warning", "info", "critical"]
    assert len(report.failures("warning")) == 1
    severities = [line.split(":")[0].strip() for line in report.describe().splitlines()[1:]]
    assert severities == ["critical", "warning", "info"]
    assert not report.passed
    assert run(flights, (*rule, "warning"), (*rule, "info")).passed


def test_nulls_are_counted_by_rules_about_nulls_and_left_out_by_the_others(
    flights: DataFrame, run: Run
) -> None:
    report = run(
        flights,
        ("expect_column_values_to_not_be_null", {"column": "carrier"}),
        ("expect_column_values_to_be_in_set", {"column": "carrier", "value_set": ["UA"]}),
    )
    nulls, values = report.outcomes
    assert (nulls.checked, nulls.unexpected, nulls.examples) == (5, 1, ())
    assert (values.checked, values.unexpected, values.unexpected_percent) == (4, 2, 50.0)
    assert values.examples == ('"AA"', '"B6"')


def test_mostly_lets_some_values_by(flights: DataFrame, run: Run) -> None:
    outcome = only(
        run(flights, ("expect_column_values_to_not_be_null", {"column": "carrier", "mostly": 0.8}))
    )
    assert outcome.passed
    assert outcome.unexpected == 1


def test_a_rule_on_a_missing_column_fails_alone_and_says_so(flights: DataFrame, run: Run) -> None:
    report = run(
        flights,
        ("expect_column_values_to_not_be_null", {"column": "carier"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["flight", "gate"]}, "warning"),
        ("expect_column_values_to_not_be_null", {"column": "origin"}),
    )
    near, none, held = report.outcomes
    assert not report.passed
    assert near.error == 'there is no column "carier"; did you mean "carrier"?'
    assert none.error == (
        'there is no column "gate"; did you mean "carrier"?'
        if "did you mean" in str(none.error)
        else 'there is no column "gate"; the columns are carrier, origin, distance, flight'
    )
    assert held.passed
    assert "could not be checked: there is no column" in report.describe()
    assert report.result["statistics"]["evaluated_expectations"] == 3
    assert report.result["statistics"]["successful_expectations"] == 1


def test_a_rule_that_raises_counts_as_failed_and_tells_the_error_in_one_line(
    spark: SparkSession, run: Run
) -> None:
    df = spark.createDataFrame([([1, 2], "a")], "codes ARRAY<INT>, name STRING")
    report = run(
        df,
        ("expect_column_values_to_match_regex", {"column": "codes", "regex": "^a$"}),
        ("expect_column_values_to_match_regex", {"column": "name", "regex": "^a$"}),
    )
    raised, held = report.outcomes
    assert not report.passed
    assert held.passed
    assert raised.error is not None
    assert "DATATYPE_MISMATCH" in raised.error
    assert "\n" not in report.describe().splitlines()[1]


def test_an_empty_frame_passes_rules_about_values_and_fails_those_about_rows(
    spark: SparkSession, run: Run
) -> None:
    report = run(
        spark.createDataFrame([], SCHEMA),
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_column_values_to_not_be_null", {"column": "carrier"}),
        ("expect_column_values_to_be_in_set", {"column": "origin", "value_set": ["JFK"]}),
        ("expect_column_max_to_be_between", {"column": "distance", "max_value": 10}),
    )
    assert [outcome.passed for outcome in report.outcomes] == [False, True, True, False]
    assert report.outcomes[0].observed == "0"
    assert report.outcomes[1].unexpected_percent is None
    json.dumps(report.result)


def test_a_column_null_throughout(spark: SparkSession, run: Run) -> None:
    report = run(
        spark.createDataFrame([(None, 1), (None, 2)], "carrier STRING, flight INT"),
        ("expect_column_values_to_be_in_set", {"column": "carrier", "value_set": ["UA"]}),
        ("expect_column_values_to_not_be_null", {"column": "carrier"}),
    )
    assert [outcome.passed for outcome in report.outcomes] == [True, False]
    assert report.outcomes[0].checked == 0
    assert report.outcomes[1].unexpected_percent == 100.0


@pytest.mark.parametrize("column", ["air time", "air.time", "Größe", "a-b", "select"])
def test_columns_with_unusual_names(spark: SparkSession, run: Run, column: str) -> None:
    df = spark.createDataFrame([(1, 1), (9, 2)], ["x", "y"]).toDF(column, "y")
    report = run(
        df,
        ("expect_column_values_to_be_between", {"column": column, "max_value": 5}),
        ("expect_column_values_to_not_be_null", {"column": column}),
        ("expect_column_max_to_be_between", {"column": column, "max_value": 9}),
    )
    assert [outcome.passed for outcome in report.outcomes] == [False, True, True]
    assert report.outcomes[0].column == column
    assert report.outcomes[0].examples == ("9",)


def test_a_field_of_a_struct(spark: SparkSession, run: Run) -> None:
    df = spark.createDataFrame([(("UA",),), (("AA",),)], "leg STRUCT<carrier: STRING>")
    outcome = only(
        run(df, ("expect_column_values_to_be_in_set", {"column": "leg.carrier", "value_set": ["UA"]}))
    )
    assert (outcome.unexpected, outcome.examples) == (1, ('"AA"',))


def test_rules_over_several_columns(flights: DataFrame, run: Run) -> None:
    report = run(
        flights,
        ("expect_compound_columns_to_be_unique", {"column_list": ["origin", "distance"]}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "distance", "column_B": "flight"}),
        (
            "expect_column_values_to_not_be_null",
            {
                "column": "carrier",
                "row_condition": 'col("distance") > 1000',
                "condition_parser": "great_expectations",
            },
        ),
    )
    unique, greater, long_ones = report.outcomes
    assert (unique.column, unique.unexpected) == ("origin, distance", 4)
    assert unique.examples[0] == '{"origin": "EWR", "distance": 1400} (2 times)'
    assert greater.passed
    assert long_ones.passed
    assert long_ones.checked == 2


def test_only_the_columns_that_rules_name_are_read(spark: SparkSession, run: Run) -> None:
    df = spark.range(3).selectExpr("id", "raise_error('this column was read') AS other")
    assert run(df, ("expect_column_values_to_not_be_null", {"column": "id"})).passed
    assert run(df, ("expect_table_row_count_to_equal", {"value": 3})).passed


def test_rules_about_the_table_see_every_column(flights: DataFrame, run: Run) -> None:
    names = ["carrier", "origin", "distance", "flight"]
    report = run(
        flights,
        ("expect_table_columns_to_match_ordered_list", {"column_list": names}),
        ("expect_table_columns_to_match_set", {"column_set": [*names, "gate"]}),
        ("expect_table_column_count_to_equal", {"value": 4}),
        ("expect_column_to_exist", {"column": "flight", "column_index": 3}),
        ("expect_column_to_exist", {"column": "gate"}),
        (
            "expect_column_values_to_not_be_null",
            {"column": "carrier", "row_condition": "flight < 5", "condition_parser": "spark"},
        ),
    )
    assert [outcome.passed for outcome in report.outcomes] == [True, False, True, True, False, True]
    assert [outcome.error for outcome in report.outcomes] == [None] * 6


def test_a_condition_as_great_expectations_writes_it(flights: DataFrame, run: Run) -> None:
    condition = {"type": "comparison", "column": {"name": "flight"}, "operator": "<", "parameter": 5}
    kwargs = {"column": "carrier", "row_condition": condition}
    outcome = only(run(flights, ("expect_column_values_to_not_be_null", kwargs)))
    assert outcome.passed
    assert outcome.checked == 4


def test_what_is_fetched_does_not_grow_with_the_rows(spark: SparkSession, run: Run) -> None:
    rule = ("expect_column_values_to_be_between", {"column": "id", "min_value": 1_000_000})
    few, many = (run(spark.range(0, count, 1, 2), rule) for count in (1_000, 50_000))
    assert only(many).unexpected == 50_000
    assert only(many).sampled == SAMPLE
    assert len(only(many).examples) == 5
    assert f"(of the first {SAMPLE})" in many.describe()
    assert len(json.dumps(many.result)) < len(json.dumps(few.result)) + 100


def test_nothing_stays_cached(spark: SparkSession, flights: DataFrame, run: Run) -> None:
    # What other tests of the shared session have left there.
    spark.catalog.clearCache()
    cached = spark._jsparkSession.sharedState().cacheManager()
    run(flights, ("expect_column_values_to_not_be_null", {"column": "carrier"}))
    assert cached.isEmpty()
