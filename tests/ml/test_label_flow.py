"""A column that the label is computed from is refused among the features, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.flow.job import stage_problems
from vintage.ml.label_flow import label_problems
from vintage.ml.stages import check_stages, over_columns
from vintage.spec import feature_columns

SOURCE = {
    "format": "csv",
    "path": "raw",
    "schema": "id INT, a DOUBLE, b DOUBLE, delay DOUBLE, day STRING, reason STRING, due INT, done INT",
}
ASSEMBLED = "- VectorAssembler: {inputCols: [%s], outputCol: features}\n- LogisticRegression: {}\n"
LATE = "CAST(delay >= 15 AS DOUBLE)"


def told(
    sql: str, label: str | None, stages: str, *, task: str = "classification", **preprocess: Any
) -> list[str]:
    metric = {"regression": "rmse", "clustering": "silhouette", "recommendation": "rmse"}.get(task, "f1")
    pipeline = pipeline_of(
        stages,
        source=SOURCE,
        task=task,
        evaluate={"metric": metric},
        preprocess={"sql": sql, "key": ["id"], "label": label, **preprocess},
    )
    assert check_stages(pipeline, feature_columns(pipeline)) == []
    pipeline = over_columns(pipeline, feature_columns(pipeline))
    return [str(problem) for problem in label_problems(pipeline)]


@pytest.mark.fault(
    "a feature that is computed from the label's own column", outcome="exit 2; names file, line, column, path"
)
@pytest.mark.parametrize(
    ("sql", "label", "stages", "expected"),
    [
        (
            "SELECT id, a, delay FROM source",
            LATE,
            ASSEMBLED % "a, delay",
            'stages.yaml:1: the model learns from "delay", and its label is computed from the same column; '
            "expected columns that are known before the answer is; found label CAST(delay >= 15 AS DOUBLE) "
            "reads source.delay, and delay → VectorAssembler → features → LogisticRegression; leave it out; "
            "if it is known before the answer is, allow it with preprocess.allow_label_columns: [delay]",
        ),
        # Under another name, computed on, through other queries.
        ("SELECT id, a, delay, delay / 60 AS hours FROM source", LATE, ASSEMBLED % "a, hours", '"hours"'),
        ("SELECT id, delay > 15 AS late, LN(delay) AS x FROM source", "late", ASSEMBLED % "x", '"x"'),
        ("SELECT id, a, delay > 15 AS label, delay FROM source", None, ASSEMBLED % "a, delay", '"delay"'),
        ("SELECT * FROM source", LATE, ASSEMBLED % "a, delay", '"delay"'),
        (
            "WITH t AS (SELECT *, delay AS d FROM source) SELECT id, d, delay + a AS sum FROM t",
            "d > 1",
            ASSEMBLED % "sum",
            "reads source.delay, and sum → VectorAssembler",
        ),
        (
            "SELECT id, delay, AVG(delay) OVER (PARTITION BY day) AS mean FROM source",
            LATE,
            ASSEMBLED % "mean",
            '"mean"',
        ),
        # The label itself, straight or round about.
        ("SELECT id, a, delay FROM source", LATE, ASSEMBLED % "a, label", '"label", which is the answer'),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- SQLTransformer: {statement: 'SELECT *, 1 - label AS l FROM __THIS__'}\n" + ASSEMBLED % "a, l",
            "label → SQLTransformer → l → VectorAssembler → features",
        ),
        # Through stages.
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- Imputer: {inputCols: [a, delay], outputCols: [x, y]}\n" + ASSEMBLED % "x, y",
            "delay → Imputer → y → VectorAssembler → features",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- Bucketizer: {inputCol: delay, outputCol: y, splits: [0, 1, 2]}\n" + ASSEMBLED % "a, y",
            "delay → Bucketizer → y",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- RFormula: {formula: 'label ~ a + delay'}\n- LogisticRegression: {}\n",
            "delay → RFormula → features",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- SQLTransformer: {statement: 'SELECT *, label AS kept FROM __THIS__'}\n"
            "- RFormula: {formula: 'label ~ . - delay'}\n- LogisticRegression: {}\n",
            "label → SQLTransformer → kept → RFormula → features",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- VectorAssembler: {inputCols: [a, delay], outputCol: features}\n"
            "- OneVsRest: {classifier: {LinearSVC: {}}}\n",
            "features → OneVsRest",
        ),
        # The label that a stage makes.
        (
            "SELECT id, a, reason, upper(reason) AS why, 1 AS label FROM source",
            None,
            "- StringIndexer: {inputCols: [reason, why], outputCols: [answer, x]}\n"
            "- VectorAssembler: {inputCols: [a, x], outputCol: features}\n"
            "- LogisticRegression: {labelCol: answer}\n",
            '"why"',
        ),
    ],
)  # fmt: skip
def test_the_answer_among_the_features_is_refused(
    sql: str, label: str | None, stages: str, expected: str
) -> None:
    [problem] = told(sql, label, stages)
    assert expected in problem


@pytest.mark.parametrize(
    ("sql", "label", "stages"),
    [
        ("SELECT id, a, b, delay FROM source", LATE, ASSEMBLED % "a, b"),
        # It chooses, joins, groups and orders rows.
        ("SELECT id, a, delay FROM source WHERE delay IS NOT NULL ORDER BY delay", LATE, ASSEMBLED % "a"),
        (
            "SELECT id, delay, COUNT(*) OVER (PARTITION BY delay ORDER BY delay) AS n FROM source",
            LATE,
            ASSEMBLED % "n",
        ),
        ("SELECT s.id, t.a, s.delay FROM source s JOIN source t ON t.id = s.delay", LATE, ASSEMBLED % "a"),
        # Other rows' answers.
        (
            "SELECT id, delay, LAG(delay) OVER (PARTITION BY day ORDER BY due) AS last FROM source",
            LATE,
            ASSEMBLED % "last",
        ),
        # The answer is what a stage learns from, not what it makes features of.
        (
            "SELECT id, a, day, delay FROM source",
            LATE,
            "- StringIndexer: {inputCol: day, outputCol: ix}\n"
            "- TargetEncoder: {inputCol: ix, outputCol: mean, labelCol: label}\n" + ASSEMBLED % "a, mean",
        ),
        (
            "SELECT id, a, reason, 1 AS label FROM source",
            None,
            "- StringIndexer: {inputCols: [reason], outputCols: [answer]}\n"
            "- VectorAssembler: {inputCols: [a], outputCol: features}\n"
            "- LogisticRegression: {labelCol: answer}\n",
        ),
        (
            "SELECT id, a, delay, IF(delay > 15, 5.0, 1.0) AS heavy FROM source",
            LATE,
            "- VectorAssembler: {inputCols: [a], outputCol: features}\n"
            "- LogisticRegression: {weightCol: heavy}\n",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- RFormula: {formula: 'label ~ a'}\n- LogisticRegression: {}\n",
        ),
        # Made, and read by nobody; made of other columns in the same statement.
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- SQLTransformer: {statement: 'SELECT *, label AS kept, a + 1 AS x FROM __THIS__'}\n"
            + ASSEMBLED % "a, x",
        ),
        (
            "SELECT id, a, delay FROM source",
            LATE,
            "- Imputer: {inputCols: [a, delay], outputCols: [x, y]}\n" + ASSEMBLED % "x",
        ),
    ],
)
def test_what_is_no_answer_is_let_through(sql: str, label: str | None, stages: str) -> None:
    assert told(sql, label, stages) == []


def test_only_nullness_is_asked_for_by_train_where() -> None:
    sql = "SELECT id, a, b, delay FROM source"
    assert told(sql, LATE, ASSEMBLED % "a, b", train_where="a IS NOT NULL AND b > 1") == []


def test_what_is_meant_is_allowed_by_its_name() -> None:
    sql = "SELECT id, a, due, done FROM source"
    late = "CAST(done - due > 15 AS DOUBLE)"
    [problem] = told(sql, late, ASSEMBLED % "a, due")
    assert "preprocess.allow_label_columns: [due]" in problem
    assert told(sql, late, ASSEMBLED % "a, due", allow_label_columns=["Due"]) == []
    [problem] = told(sql, late, ASSEMBLED % "a, due, done", allow_label_columns=["due"])
    assert '"done"' in problem


@pytest.mark.parametrize("label", [None, "b"])
def test_a_task_without_an_answer_may_read_any_other_column(label: str | None) -> None:
    stages = "- VectorAssembler: {inputCols: [a], outputCol: features}\n- KMeans: {k: 2}\n"
    assert told("SELECT id, a, b FROM source", label, stages, task="clustering") == []
    ratings = "- ALS: {userCol: due, itemCol: done, ratingCol: a}\n"
    assert told("SELECT id, a, due, done FROM source", "a", ratings, task="recommendation") == []


def test_columns_of_a_function_are_told_by_their_names_alone() -> None:
    stages = ASSEMBLED % "a, size"
    given = {"function": "mine.features", "columns": "id INT, a DOUBLE, size DOUBLE, delay DOUBLE"}
    sql = "SELECT id, a, delay FROM source"
    assert told(sql, LATE, stages, **given) == []
    [problem] = told(sql, "CAST(size > delay AS DOUBLE)", stages, **given)
    assert "reads size, and size → VectorAssembler" in problem


def test_a_picture_s_name_and_its_pixels_are_two_things() -> None:
    source = {"format": "image", "path": "raw"}
    pipeline = pipeline_of(
        "- VectorAssembler: {inputCols: [wide], outputCol: features}\n- LogisticRegression: {}\n",
        source=source,
        preprocess={
            "sql": "SELECT image.origin AS id, image.width AS wide, image FROM source",
            "key": ["id"],
            "label": "CAST(split_part(image.origin, '/', 1) AS DOUBLE)",
        },
    )
    assert list(label_problems(pipeline)) == []


def test_a_candidate_of_a_tuning_is_followed_as_well() -> None:
    pipeline = pipeline_of(
        ASSEMBLED % "a",
        source=SOURCE,
        preprocess={"sql": "SELECT id, a, delay FROM source", "key": ["id"], "label": LATE},
        tuning={
            "method": "cross_validation",
            "folds": 2,
            "grid": {"VectorAssembler.inputCols": [["a"], ["a", "delay"]]},
        },
    )
    [problem] = stage_problems(pipeline)
    assert 'tuning.grid: the model learns from "delay"' in str(problem)
