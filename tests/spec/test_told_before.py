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
    ],
)
def test_a_gate_that_makes_sense_is_not(home_with: HomeWith, gate: str) -> None:
    assert load_pipeline(home_with((GATE, gate)), "tips").evaluate.gates


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("day", "STRING"),
        ("CAST(tip AS STRING)", "STRING"),
        ("(CAST(day AS DATE))", "DATE"),
        ("'1'", "STRING"),
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
