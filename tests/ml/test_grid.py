"""The values of a grid are checked without a JVM, as those of the stages are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ml.test_stages import FEATURES, pipeline_of
from vintage.ml.grid import check_grid, first_tuned, tuned_columns
from vintage.spec import Pipeline
from vintage.spec.loading import read_text

REG = "LogisticRegression.regParam"


def tuned_by(grid: dict[str, list[Any]], **more: Any) -> Pipeline:
    return pipeline_of(tuning={"method": "cross_validation", "folds": 2, "grid": grid, **more})


def problems_of(grid: dict[str, list[Any]]) -> list[str]:
    return [problem.what for problem in check_grid(tuned_by(grid), FEATURES)]


def test_right_values_have_no_problems() -> None:
    grid = {REG: [0, 0.5], "Imputer.strategy": ["mean", "median"], "LogisticRegression.fitIntercept": [True]}
    assert problems_of(grid) == []
    assert problems_of({"VectorAssembler.inputCols": [["bill_filled"], ["bill_filled", "day_ix"]]}) == []


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (
            {"LogisticRegression.regParm": [0.1, 0.2]},
            ['tuning.grid: LogisticRegression has no Param "regParm"'],
        ),
        ({REG: [0.1, "much"]}, ['tuning.grid: LogisticRegression.regParam cannot be "much"']),
        ({REG: [None]}, ["tuning.grid: LogisticRegression.regParam cannot be null"]),
        (
            {"LogisticRegression.maxIter": [1.5, 5, True]},
            [
                "tuning.grid: LogisticRegression.maxIter cannot be 1.5",
                "tuning.grid: LogisticRegression.maxIter cannot be true",
            ],
        ),
        (
            {"VectorAssembler.inputCols": [["bill_filled"], ["bil_filled"]]},
            ['tuning.grid: VectorAssembler reads column "bil_filled", which does not exist'],
        ),
    ],
)
def test_a_value_that_its_param_cannot_take_is_told_once(
    grid: dict[str, list[Any]], expected: list[str]
) -> None:
    assert problems_of(grid) == expected


def test_the_line_is_that_of_the_value_and_the_nearest_name_is_told() -> None:
    text = "tuning:\n  grid:\n    LogisticRegression.regParm:\n      - 0.1\n"
    pipeline = tuned_by({"LogisticRegression.regParm": [0.1]})
    document, _ = read_text(text, "pipelines/tips.yaml")
    [problem] = check_grid(pipeline.placed(pipeline.home, document), FEATURES)
    assert str(problem).startswith("pipelines/tips.yaml:4: ")
    assert problem.hint == 'did you mean "regParam"?'


def test_only_stages_from_the_first_tuned_one_on_differ() -> None:
    assert first_tuned(pipeline_of()) == 4
    assert first_tuned(tuned_by({REG: [0.1]})) == 3
    assert first_tuned(tuned_by({REG: [0.1], "StringIndexer.handleInvalid": ["skip"]})) == 1


def test_the_columns_are_those_that_any_candidate_reads() -> None:
    assert tuned_columns(tuned_by({REG: [0.1]})) == ("bill", "day", "place", "label")
    grid = {"LogisticRegression.weightCol": ["id"], "Imputer.inputCols": [["bill"], ["tip"]]}
    assert tuned_columns(tuned_by(grid)) == ("bill", "day", "place", "label", "id", "tip")
