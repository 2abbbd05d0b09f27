"""What `vintage check` tells before the night: names, gates and labels that a run would fail on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vintage.errors import SpecError
from vintage.flow.job import stage_problems
from vintage.spec import Problem, load_pipeline, load_suite, read_home
from vintage.spec.problem import without_echoes
from vintage.validation.rules import check_suite

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.spec import Home

    HomeWith = Callable[..., Home]

# Great Expectations warns of conditions as texts, and of queries without a batch.
QUIET = pytest.mark.filterwarnings(
    "ignore:.*deprecated as of GX Core:DeprecationWarning", "ignore:unexpected_rows_query:UserWarning"
)
GATE = "{metric: areaUnderROC, min: 0.5}"


@pytest.mark.parametrize(
    "name",
    ["score", "Prediction", "probability", "rawPrediction", "label", "model_key", "model_version", "reason"],
)
def test_a_key_is_not_called_like_what_stands_beside_it(home_with: HomeWith, name: str) -> None:
    with pytest.raises(SpecError, match=f'the key has a column "{name}"'):
        load_pipeline(
            home_with(("      id, bill", f"      id AS {name}, bill"), ("key: [id]", f"key: [{name}]")),
            "tips",
        )


def test_a_row_is_told_by_a_name_that_no_column_has(home_with: HomeWith) -> None:
    with pytest.raises(SpecError, match='the SQL provides column "scored_row"'):
        load_pipeline(home_with(("id, bill, day,", "id, bill, day, id AS scored_row,")), "tips")


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("{metric: areaUnderROC, max: 0.9}", "better the larger it is; expected min"),
        ("{metric: logLoss, min: 0.3}", "better the smaller it is; expected max"),
        (
            "{metric: areaUnderROC, min: 65}",
            "no model can pass the gate on areaUnderROC; expected a bound from 0 to",
        ),
        ("{metric: logLoss, max: -1}", "no model can pass the gate on logLoss"),
        ("{metric: logLoss, slice: {day: Sat}, min: 0.3}", "better the smaller it is"),
        ("{metric: areaUnderROC, vs_champion: 5}", "it cannot gain so much"),
        (
            "{metric: accuracy, min: 0.9}\n    - {metric: accuracy, min: 0.2, max: 0.5}",
            "no model can pass both gates on accuracy",
        ),
        ("{metric: brokenDates, min: 1}", "better the smaller it is; expected max"),
        ("{metric: brokenDates, max: -1}", "no model can pass the gate on brokenDates"),
        ("{metric: brokenDates, slice: {day: Sat}, max: 0}", "of the whole window's data"),
        ("{metric: brokenDates, vs_champion: 0}", "of the whole window's data"),
        ("{metric: brokenDate, max: 0}", 'did you mean "brokenDates"'),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(home_with: HomeWith, gate: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_pipeline(home_with((GATE, gate)), "tips")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "gate",
    [
        "{metric: areaUnderROC, min: 0.5, max: 0.999}",
        "{metric: logLoss, max: 0.7}",
        "{metric: logLoss, min: 0.01, max: 0.7}",
        "{metric: areaUnderROC, vs_champion: -0.1}",
        "{metric: areaUnderROC, min: 1}",
        "{metric: logLoss, vs_champion: 5}",
        "{metric: accuracy, min: 0.9}\n    - {metric: accuracy, slice: {day: Sat}, max: 0.5, min: 0.1}",
        "{metric: brokenDates, max: 0}",
    ],
)
def test_a_gate_that_makes_sense_is_not(home_with: HomeWith, gate: str) -> None:
    assert load_pipeline(home_with((GATE, gate)), "tips").evaluate.gates


def test_the_data_of_one_date_cannot_be_gated(home_with: HomeWith) -> None:
    undated = (
        ("path: raw/{date}", "path: raw/all"),
        ("split: {by: date, test_days: 3}", "split: {by: key, test_fraction: 0.2}"),
    )
    with pytest.raises(SpecError, match="the window of an undated source has one date"):
        load_pipeline(home_with((GATE, "{metric: brokenDates, max: 0}"), *undated), "tips")


def test_the_data_decides_no_model(home_with: HomeWith) -> None:
    with pytest.raises(SpecError, match='no metric "brokenDates" for classification'):
        load_pipeline(home_with(("metric: areaUnderROC\n", "metric: brokenDates\n")), "tips")


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("day", "STRING"),
        ("CAST(tip AS STRING)", "STRING"),
        ("(CAST(day AS DATE))", "DATE"),
        ("'1'", "STRING"),
        ("CASE WHEN tip > 2 THEN 'yes' ELSE 'no' END", "STRING"),
        ("if(tip > 2, 'a', 'b')", "STRING"),
        ("upper(day)", "STRING"),
        ("tip || 'x'", "STRING"),
        ("to_date(day)", "DATE"),
        ("array(tip)", "ARRAY<DOUBLE>"),
        ("array(tip)[0]", ""),
        ("CASE WHEN day LIKE 'S%' THEN 1 END", ""),
        ("month(to_date(day)) + length(day)", ""),
        ("datediff(day, day)", ""),
        ("nullif(round(tip), 0)", ""),
        ("my_function(day)", ""),
        ("aggregate(array(tip), 0D, (one, other) -> one + other)", ""),
        ("tip", ""),
        ("tip > 2", ""),
        ("CAST(tip AS DECIMAL(9, 2))", ""),
        ("CAST(tip > 2 AS BOOLEAN)", ""),
    ],
)
def test_a_label_is_a_number(home_with: HomeWith, label: str, found: str) -> None:
    pipeline = load_pipeline(home_with(("label: CAST(tip > 2 AS DOUBLE)", f'label: "{label}"')), "tips")
    told = [each for each in stage_problems(pipeline) if "is no number" in each.what]
    assert [each.found for each in told] == ([found] if found else [])


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        (("label: CAST(tip > 2 AS DOUBLE)", "label: avg(tip)"), "preprocess.label asks for AVG(tip)"),
        (
            ("label: CAST(tip > 2 AS DOUBLE)", "label: sum(tip) OVER (PARTITION BY day)"),
            "which is of many rows",
        ),
        (("tip IS NOT NULL", "max(tip) > 2"), "preprocess.train_where asks for MAX(tip)"),
        (("tip IS NOT NULL", "day"), 'preprocess.train_where "day" is no condition'),
        (("tip IS NOT NULL", "tip + 1"), "found DOUBLE"),
        (("tip IS NOT NULL", "tip > (SELECT max(bill) FROM source)"), ""),
        (("tip IS NOT NULL", "exists(array(tip), one -> one > 0)"), ""),
    ],
)
def test_a_condition_is_of_one_row(home_with: HomeWith, replaced: tuple[str, str], told: str) -> None:
    found = [str(each) for each in stage_problems(load_pipeline(home_with(replaced), "tips"))]
    assert len(found) == bool(told), found
    assert told in "".join(found)


OPTIONS = "{header: true, samplingRatio: 0.5}"


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        ((OPTIONS, "{header: 'yes'}"), "header cannot be 'yes'; expected true or false"),
        ((OPTIONS, "{header: true, sep: ''}"), "sep cannot be ''"),
        ((OPTIONS, "{header: true, quote: '\"\"'}"), "one character, or an empty text for none"),
        ((OPTIONS, "{header: true, encoding: utf8x}"), "encoding cannot be 'utf8x'"),
        ((OPTIONS, "{header: true, encoding: hex}"), "encoding cannot be 'hex'"),
        ((OPTIONS, "{header: true, locale: de_DE}"), 'did you mean "de-DE"?'),
        ((OPTIONS, "{header: true, locale: german}"), "expected a language tag"),
        ((OPTIONS, "{header: true, timeZone: CEST}"), "a region such as Europe/Berlin"),
        ((OPTIONS, "{header: true, maxColumns: many}"), "expected a whole number"),
        (("bill DOUBLE", "bill DECIMAL(39,2)"), "DECIMAL(39, 2), which Spark does not have"),
        (("bill DOUBLE", "bill DECIMAL(2,4)"), "no more places than digits"),
        (("day STRING", "day ARRAY<STRING>"), 'column "day" cannot stand in CSV'),
        (("raw/{date}", "raw/%Y-%m-%d"), 'has "%Y-%m-%d", which stands for no date'),
        (("raw/{date}", "raw/orders_yyyyMMdd.csv"), 'has "yyyyMMdd"'),
        (("raw/{date}", "raw/$date"), 'has "$date"'),
        (("raw/{date}", "raw/o_{date:%Y%m%d"), "expected {date}, or {date:%Y%m%d}"),
        (("path: raw/{date}", "path: raw/x\n  date_column: id"), 'the date_column "id" has no day'),
    ],
)
def test_what_no_reader_takes_is_refused(home_with: HomeWith, replaced: tuple[str, str], told: str) -> None:
    found = [str(each) for each in read_home(home_with(replaced)).problems]
    assert any(told in each for each in found), found
    # Of what it leads to, that the source is not dated say, nothing is told.
    assert len(found) == 1


@pytest.mark.parametrize(
    "options",
    [
        "{header: 'TRUE', sep: '\\t', quote: '', escape: '\\', comment: '#'}",
        "{header: true, encoding: windows-1252, locale: zh-Hans-CN, timeZone: America/New_York}",
        "{header: true, charset: Shift_JIS, locale: fr, timeZone: '+02:00', maxColumns: 30000}",
    ],
)
def test_what_readers_take_is_not(home_with: HomeWith, options: str) -> None:
    assert not read_home(home_with((OPTIONS, options))).problems


def test_what_the_form_offers_is_a_param(home_with: HomeWith) -> None:
    pipeline = load_pipeline(
        home_with(("[LogisticRegression.regParam]", "[LogisticRegression.regParm]")), "tips"
    )
    [problem] = stage_problems(pipeline)
    assert str(problem).endswith(
        'trigger_params: LogisticRegression has no Param "regParm"; did you mean "regParam"?'
    )
    assert ":30:" in str(problem)


def test_a_type_is_called_as_great_expectations_does(home_with: HomeWith) -> None:
    rules = """expectations:
  - {type: expect_column_values_to_be_of_type, kwargs: {column: id, type_: INT}}
  - {type: expect_column_values_to_be_in_type_list, kwargs: {column: bill, type_list: [DOUBLE, FloatType]}}
  - {type: expect_column_values_to_be_of_type, kwargs: {column: id, type_: IntegrType}}
  - {type: expect_column_values_to_be_of_type, kwargs: {column: id, type_: LongType}}
"""
    home = home_with(suite=rules)
    told = [str(problem) for problem in check_suite(load_suite(home, "tips"))]
    assert [text.partition("did you mean ")[2] for text in told] == [
        '"IntegerType"?',
        '"DoubleType"?',
        '"IntegerType"?',
    ]


BETWEEN = "type: expect_column_values_to_be_between, kwargs: {column: bill"


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("type: expect_column_values_to_be_of_type, kwargs: {column: id, type_: 5}", 'no type "5"'),
        (
            "type: expect_column_values_to_be_in_type_list, kwargs: {column: id, type_list: []}",
            "one at least",
        ),
        ("type: expect_column_values_to_be_in_set, kwargs: {column: day, value_set: []}", "one at least"),
        (f"{BETWEEN}, min_value: .nan}}", "expected a number; found nan"),
        (f"{BETWEEN}, min_value: 3, max_value: 2}}", "min_value"),
        (f"{BETWEEN}, min_value: 2, max_value: 2, strict_max: true}}", "values between it and max_value, 2"),
        ("type: expect_table_row_count_to_be_between", "min_value, max_value or both"),
        ("type: expect_column_values_to_match_regex, kwargs: {column: day}", 'misses its "regex"'),
        ("type: expect_column_values_to_match_regex, kwargs: {column: day, regex: '['}", "unterminated"),
        (
            "type: expect_column_values_to_not_match_regex_list, kwargs: {column: day, regex_list: [a, '(']}",
            "missing ), unterminated subpattern",
        ),
        (
            "type: expect_column_quantile_values_to_be_between, "
            "kwargs: {column: bill, quantile_ranges: {quantiles: [50], value_ranges: [[0, 1]]}}",
            "quantiles from 0 to 1",
        ),
        (
            "type: expect_column_kl_divergence_to_be_less_than, kwargs: {column: day, threshold: 1}",
            "partition",
        ),
        (
            "type: expect_column_values_to_not_be_null, "
            "kwargs: {column: id, row_condition: 'bill >', condition_parser: spark}",
            "row_condition: the SQL cannot be read",
        ),
        (
            "type: unexpected_rows_expectation, "
            "kwargs: {unexpected_rows_query: 'SELECT * FROM source WHERE id < 0'}",
            "a query of {batch}",
        ),
        (
            "type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'SELEC * FROM {batch}'}",
            "the SQL cannot be read",
        ),
    ],
)
@QUIET
def test_arguments_that_hold_no_row_to_anything(home_with: HomeWith, rule: str, told: str) -> None:
    suite = load_suite(home_with(suite=f"expectations:\n  - {{{rule}}}\n"), "tips")
    [problem] = check_suite(suite)
    assert told in str(problem)


@QUIET
@pytest.mark.parametrize(
    "kwargs",
    [
        r"{column: day, regex: '^\p{L}+(?<name>x)++[a-z&&[^b]]\Q(\E$'}",
        "{column: id, regex: a, row_condition: 'bill > 2 AND NOT isnan(tip)', condition_parser: spark}",
    ],
)
def test_arguments_that_hold_some_to_something(home_with: HomeWith, kwargs: str) -> None:
    rule = f"{{type: expect_column_values_to_match_regex, kwargs: {kwargs}}}"
    home = home_with(suite=f"expectations:\n  - {rule}\n")
    assert not read_home(home).problems
    assert not check_suite(load_suite(home, "tips"))


@pytest.mark.parametrize(
    "rule",
    [
        "{type: expect_column_values_to_not_be_null, "
        "kwargs: {column: id, row_condition: 'bil > 2', condition_parser: spark}}",
        "{type: unexpected_rows_expectation, "
        "kwargs: {unexpected_rows_query: 'SELECT id FROM {batch} WHERE bil < 0'}}",
    ],
)
def test_sql_of_a_rule_names_columns(home_with: HomeWith, rule: str) -> None:
    [problem] = read_home(home_with(suite=f"expectations:\n  - {rule}\n")).problems
    assert 'names column "bil", which the schema' in str(problem)


def test_a_wrong_rule_is_told_once(home_with: HomeWith) -> None:
    suite = "expectations:\n  - {type: ExpectColumnToExist, kwargs: {column: id}}\n"
    [problem] = read_home(home_with(suite=suite)).problems
    assert "is not the name of a rule" in str(problem)


def test_a_typo_is_told_once(home_with: HomeWith) -> None:
    home = home_with(
        ("- LogisticRegression: {maxIter", "- LogisticRegresion: {maxIter"),
        ("      id, bill, day,", "      id, bil, day,"),
    )
    found = read_home(home)
    [pipeline] = found.pipelines
    told = [str(problem) for problem in without_echoes({*found.problems, *stage_problems(pipeline)})]
    assert len(told) == 2, told
    assert 'reads column "bil"' in told[0]
    assert "LogisticRegresion" in told[1]


def test_problems_that_have_nothing_to_do_with_each_other_stay() -> None:
    one = Problem("x", 1, 'no "aab"', hint='did you mean "aaa"?')
    other = Problem("x", 2, 'no "aac"', hint='did you mean "aaa"?')
    elsewhere = Problem("y", 2, 'no "aaa"', hint='did you mean "aab"?')
    assert without_echoes([other, one, elsewhere, one]) == [one, other, elsewhere]
