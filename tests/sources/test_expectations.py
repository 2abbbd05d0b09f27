"""Real rows are held to suites by Great Expectations: what is found, what is said, what is left behind."""

from __future__ import annotations

import json
import logging
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.errors import SpecError
from spark_jobs.sources.expectations import SAMPLE, RuleOutcome, ValidationReport, check_suite, run_suite
from spark_jobs.sources.rules import NOT_ON_SPARK
from spark_jobs.spec import Suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    Run = Callable[..., ValidationReport]

# Great Expectations imports a module that Python has deprecated; pyspark leaves sockets to the
# garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:module .sre_:DeprecationWarning",
    "ignore:.*deprecated as of GX Core:DeprecationWarning",
    "ignore:unclosed <socket:ResourceWarning",
)

SCHEMA = "carrier STRING, origin STRING, distance INT, flight INT"
ROWS = [
    ("UA", "EWR", 1400, 1),
    ("UA", "EWR", 1400, 2),
    ("AA", "LGA", 200, 3),
    ("B6", "JFK", 700, 4),
    (None, "JFK", 700, 5),
]


def suite_of(*rules: tuple[Any, ...]) -> Suite:
    """A suite of (type, kwargs) or (type, kwargs, severity)."""
    keys = ("type", "kwargs", "severity")
    return Suite.model_validate({"expectations": [dict(zip(keys, rule, strict=False)) for rule in rules]})


@pytest.fixture
def flights(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def _run(df: DataFrame, *rules: tuple[Any, ...]) -> ValidationReport:
        return run_suite(df, suite_of(*rules), name="flights 2013-02-28", docs_dir=tmp_path / "docs")

    return _run


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
    assert re.findall(r'href="(?!#|https://greatexpectations)[^"]*"', page) == []


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
    with caplog.at_level(logging.INFO, logger="spark_jobs"):
        run(flights, ("expect_column_values_to_not_be_null", {"column": "origin"}))
    (line,) = [
        record.getMessage() for record in caplog.records if record.name == "spark_jobs.sources.expectations"
    ]
    assert re.fullmatch(r"flights 2013-02-28: 1 of 1 rules hold, \d+\.\d s", line)


GOOD = {"column": "distance", "min_value": 1}


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
        ("expect_column_values_to_be_between", {**GOOD, "max_value": 0}, "no value lies between"),
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
    from spark_jobs.spec import Home, load_suite

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
