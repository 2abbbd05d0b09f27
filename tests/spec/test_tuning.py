"""A tuning that cannot be is refused with its line; what is set by hand is not tuned."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.spec import InvalidSpec, Pipeline, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.spec import Home

    HomeWith = Callable[..., Home]

FILE = "pipelines/tips.yaml"
TUNING = """\
tuning:
  method: cross_validation
  folds: 4
  grid:
    LogisticRegression.regParam: [0.0, 0.1]
    StringIndexer.handleInvalid: [keep, skip]
evaluate:
"""
FIRST = 26
"""The line of `tuning:`."""


def tuned(home_with: HomeWith, *replaced: tuple[str, str]) -> Pipeline:
    text = TUNING
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return load_pipeline(home_with(("evaluate:\n", text)), "tips")


def test_the_candidates_are_every_combination_in_the_grid_s_order(home_with: HomeWith) -> None:
    pipeline = tuned(home_with)
    assert pipeline.tuning is not None
    assert [list(each.values()) for each in pipeline.tuning.candidates] == [
        [0.0, "keep"],
        [0.0, "skip"],
        [0.1, "keep"],
        [0.1, "skip"],
    ]
    chosen = pipeline.with_params(pipeline.tuning.candidates[3])
    assert chosen.tuning is None
    assert chosen.stages[2].params == {"maxIter": 5, "regParam": 0.1}
    assert chosen.stages[0].params["handleInvalid"] == "skip"
    assert pipeline.stages[2].params["regParam"] == 0.01


def test_the_metric_is_that_of_evaluate_unless_it_has_its_own(home_with: HomeWith) -> None:
    assert tuned(home_with).tuning_metric.name == "areaUnderROC"
    metric = tuned(home_with, ("folds: 4", "metric: logLoss")).tuning_metric
    assert (metric.name, metric.larger_is_better) == ("logLoss", False)


def test_the_number_of_parts_has_a_default(home_with: HomeWith) -> None:
    pipeline = tuned(home_with, ("  folds: 4\n", ""))
    assert pipeline.tuning is not None
    assert pipeline.tuning.parts == 3
    split = tuned(home_with, ("cross_validation", "train_validation_split"), ("  folds: 4\n", ""))
    assert split.tuning is not None
    assert (split.tuning.parts, split.tuning.share) == (1, 0.75)


WRONG: list[tuple[tuple[str, str], int, str]] = [
    (
        ("cross_validation", "crossvalidation"),
        1,
        'tuning.method; expected cross_validation or train_validation_split; found text "crossvalidation"; '
        'did you mean "cross_validation"?',
    ),
    (("folds: 4", "folds: 1"), 2, "tuning.folds; expected greater than or equal to 2; found 1"),
    (("folds: 4", "train_fraction: 0.5"), 0, "train_fraction is of train_validation_split; expected folds"),
    (("cross_validation", "train_validation_split"), 0, "folds are of cross_validation; expected"),
    (("folds: 4", "fold: 4"), 2, 'unknown key "fold"; did you mean "folds"?'),
    (("folds: 4", "refresh_days: 0"), 2, "tuning.refresh_days; expected greater than or equal to 1; found 0"),
    (("folds: 4", "parallelism: 0"), 2, "tuning.parallelism; expected greater than or equal to 1; found 0"),
    (
        ("[0.0, 0.1]", "0.1"),
        4,
        "tuning.grid.LogisticRegression.regParam; expected a list; found 0.1",
    ),
    (
        ("[0.0, 0.1]", "[]"),
        3,
        "LogisticRegression.regParam has no value to try; expected at least one",
    ),
    (
        ("[0.0, 0.1]", "[0, 0.1, 0.0]"),
        3,
        "LogisticRegression.regParam has the value 0.0 twice; expected each value once",
    ),
    (
        ("[0.0, 0.1]", str(list(range(200)))),
        3,
        "the grid has 400 candidates; expected at most 256; found 200 · 2",
    ),
    (
        ("LogisticRegression.regParam", "LogisticRegresion.regParam"),
        4,
        'tuning.grid: LogisticRegresion.regParam: no stage "LogisticRegresion" in the pipeline; '
        "expected one of "
        'StringIndexer, VectorAssembler, LogisticRegression; did you mean "LogisticRegression"?',
    ),
    (
        ("LogisticRegression.regParam", "regParam"),
        4,
        "tuning.grid: 'regParam' does not name a stage's Param; expected Stage.param, "
        "such as LogisticRegression.regParam",
    ),
    (
        ("LogisticRegression.regParam", "StringIndexer[0].handleInvalid"),
        5,
        "tuning.grid: StringIndexer.handleInvalid and StringIndexer[0].handleInvalid are the same Param",
    ),
    (
        ("folds: 4", "metric: rmse"),
        2,
        'no metric "rmse" for classification; known: areaUnderROC, areaUnderPR, accuracy',
    ),
]


@pytest.mark.parametrize(("replaced", "line", "message"), WRONG, ids=[each[2][:40] for each in WRONG])
def test_a_tuning_that_cannot_be_is_refused(
    home_with: HomeWith, replaced: tuple[str, str], line: int, message: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        tuned(home_with, replaced)
    assert str(caught.value.problems[0]).startswith(f"{FILE}:{FIRST + line}: {message}")


def test_a_class_that_stands_twice_is_told_apart_by_its_place(home_with: HomeWith) -> None:
    twice = (
        "  - VectorAssembler:",
        "  - StringIndexer: {inputCol: bill, outputCol: bill_ix}\n  - VectorAssembler:",
    )
    with pytest.raises(
        InvalidSpec, match=r"StringIndexer occurs 2 times .* StringIndexer\[0\].handleInvalid"
    ):
        load_pipeline(home_with(("evaluate:\n", TUNING), twice), "tips")
    named = TUNING.replace("StringIndexer.handle", "StringIndexer[1].handle")
    pipeline = load_pipeline(home_with(("evaluate:\n", named), twice), "tips")
    assert pipeline.tuning is not None
    chosen = pipeline.with_params(pipeline.tuning.candidates[0])
    assert "handleInvalid" not in chosen.stages[0].params
    assert chosen.stages[1].params["handleInvalid"] == "keep"


@pytest.mark.parametrize(("task", "metric"), [("clustering", "stability"), ("reduction", "subspaceChange")])
def test_a_metric_that_compares_with_the_champion_cannot_choose(
    home_with: HomeWith, task: str, metric: str
) -> None:
    home = home_with(
        ("evaluate:\n", TUNING),
        ("task: classification", f"task: {task}"),
        ("metric: areaUnderROC\n", f"metric: {metric}\n"),
        ("{metric: areaUnderROC,", f"{{metric: {metric},"),
    )
    with pytest.raises(InvalidSpec, match=f'"{metric}" cannot choose among candidates: it compares'):
        load_pipeline(home, "tips")


def test_a_param_that_is_set_by_hand_is_not_tuned(home_with: HomeWith) -> None:
    pipeline = tuned(home_with)
    # Set to what the file declares, too.
    fixed = pipeline.with_overrides(["LogisticRegression.regParam=0.01"])
    assert fixed.tuning is not None
    assert list(fixed.tuning.grid) == ["StringIndexer.handleInvalid"]
    assert fixed.parameter("LogisticRegression.regParam") == 0.01
    both = pipeline.with_overrides(["LogisticRegression.regParam=0.5", "StringIndexer[0].handleInvalid=keep"])
    assert both.tuning is None
    assert pipeline.with_overrides(["LogisticRegression.maxIter=9"]).tuning == pipeline.tuning
    assert pipeline.with_overrides(["LogisticRegression.regParam=null"]).tuning == pipeline.tuning
    assert pipeline.tried("LogisticRegression.regParam") == (0.0, 0.1)
    assert pipeline.tried("LogisticRegression.maxIter") == ()


@given(days=st.integers(1, 60), past=st.integers(0, 2000))
def test_a_date_is_tuned_on_the_latest_date_to_refresh_on(days: int, past: int) -> None:
    pipeline = Pipeline.model_validate(
        {
            "name": "tips",
            "schedule": "0 2 * * *",
            "start_date": "2020-01-01",
            "source": {"format": "csv", "path": "raw/{date}"},
            "expectations": "tips",
            "window": {"days": 3},
            "preprocess": {"sql": "SELECT * FROM source", "key": ["id"]},
            "split": {"by": "date", "test_days": 1},
            "task": "classification",
            "stages": [{"LogisticRegression": {}}],
            "tuning": {
                "method": "cross_validation",
                "refresh_days": days,
                "grid": {"LogisticRegression.regParam": [0.1]},
            },
            "evaluate": {"metric": "areaUnderROC"},
        }
    )
    date = pipeline.start_date + dt.timedelta(days=past)
    on = pipeline.tuning_date(date)
    assert 0 <= (date - on).days < days
    assert (on - pipeline.start_date).days % days == 0
    assert pipeline.tuning_date(on) == on
