"""What a Param's class tells of its values is told without a JVM, and is what Spark itself holds to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.test_stages import pipeline_of, problems_of
from vintage.ml.catalogue import known_stages, params_of
from vintage.ml.stages import build_stages
from vintage.ml.values import bounds, options, value_problem

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Too little, too much, and no number at all, as whole numbers and others.
ODD: dict[str, tuple[Any, ...]] = {
    "toInt": (-7, -1, 0, 1, 31, 10**6),
    "toFloat": (-7.5, -1e-9, 0.0, 0.5, 1.0, 1.5, float("inf"), float("nan")),
    "toString": ("no_such_choice",),
}


def test_the_bounds_are_those_of_the_text() -> None:
    assert str(bounds("Number of trees to train (>= 1).")) == "a number of at least 1"
    assert str(bounds("The number of clusters to create. Must be > 1.")) == "a number more than 1"
    assert str(bounds("the mixing parameter, in range [0, 1]. For 0")) == "a number in [0, 1]"
    assert str(bounds("Should be in interval [0.0, 0.5).")) == "a number in [0, 0.5)"
    assert bounds("set checkpoint interval (>= 1) or disable checkpoint (-1). E.g. 10") is None
    assert options("Supported options: 'euclidean' and 'cosine'.") == ("euclidean", "cosine")
    assert options("Supported options: numTopFeatures (default), fpr.") == ("numTopFeatures", "fpr")
    assert options("Supported options: 'auto' (choose: if 1, 'all'), 'all'") == ()


WRONG = [
    ("KMeans: {k: 1}", "KMeans.k cannot be 1; expected a number more than 1; The number of clusters"),
    ("KMeans: {maxIter: -1}", "KMeans.maxIter cannot be -1; expected a number of at least 0; max number"),
    ("ALS: {coldStartStrategy: drpo}", 'cannot be "drpo"; expected one of nan, drop; did you mean "drop"?'),
    ("LogisticRegression: {elasticNetParam: 1.5}", "expected a number in [0, 1]"),
    ("RandomForestClassifier: {subsamplingRate: 0}", "expected a number in (0, 1]"),
    ("RegexTokenizer: {inputCol: day, outputCol: a, gaps: some}", 'gaps cannot be "some"; expected true or'),
    ("GBTClassifier: {maxDepth: 2.5}", "expected a whole number"),
    ("KMeans: {k: {a: 1}}", "expected a value that YAML can give, no mapping"),
    ("OneVsRest: {}", "OneVsRest has no classifier; expected a classifier of two classes"),
    ("OneVsRest: {classifier: 5}", "OneVsRest.classifier is no stage; expected a classifier"),
    ("OneVsRest: {classifier: {LinearSVM: {}}}", 'unknown stage "LinearSVM"; did you mean "LinearSVC"?'),
    ("OneVsRest: {classifier: {KMeans: {}}}", "KMeans is no classifier; expected a classifier"),
    ("OneVsRest: {classifier: {OneVsRest: {classifier: LinearSVC}}}", "OneVsRest is no classifier"),
    ("OneVsRest: {classifier: {LinearSVC: {regParam: -1}}}", "LinearSVC.regParam cannot be -1; expected"),
    ("OneVsRest: {classifier: {LinearSVC: {maxItre: 1}}}", 'no Param "maxItre"; did you mean "maxIter"?'),
    (
        "OneVsRest: {rawPredictionCol: raw, classifier: LinearSVC}",
        "OneVsRest.rawPredictionCol is lost when Spark saves and loads the model; leave it out",
    ),
    (
        "OneVsRest: {classifier: {LinearSVC: {labelCol: day}}}",
        "OneVsRest gives its classifier its own labelCol; leave it out here",
    ),
]


@pytest.mark.parametrize(("stage", "told"), WRONG, ids=[stage for stage, _ in WRONG])
def test_a_wrong_value_is_refused_before_spark_starts(stage: str, told: str) -> None:
    found = problems_of(f"- VectorAssembler: {{inputCols: [bill], outputCol: features}}\n- {stage}\n")
    wanted = [problem for problem in found if told in problem]
    assert len(wanted) == 1, found
    assert wanted[0].startswith("stages.yaml:2: ")


def test_a_classifier_in_a_classifier_is_right_with_or_without_params() -> None:
    for classifier in ("LinearSVC", "{LinearSVC: {maxIter: 3}}", "{LogisticRegression: }"):
        assert (
            problems_of(
                "- VectorAssembler: {inputCols: [bill], outputCol: features}\n"
                f"- OneVsRest: {{classifier: {classifier}}}\n"
            )
            == []
        )


@pytest.mark.spark
def test_a_nested_stage_has_the_pipelines_seed_and_spark_s_own_refusal(spark: SparkSession) -> None:
    from vintage.spec import InvalidSpec

    head = "- VectorAssembler: {inputCols: [bill], outputCol: features}\n"
    nested = head + "- OneVsRest: {classifier: {FMClassifier: {factorSize: %s}}}\n"
    [_, rest] = build_stages(pipeline_of(nested % 2, seed=9))
    assert rest.getClassifier().getSeed() == 9
    assert rest.getClassifier().getFactorSize() == 2
    with pytest.raises(InvalidSpec, match=r"yaml:2: Spark refuses a Param: .*factorSize given invalid value"):
        build_stages(pipeline_of(nested % 0))


@pytest.mark.spark
@pytest.mark.parametrize("name", sorted(known_stages()))
def test_nothing_is_refused_that_spark_would_take(spark: SparkSession, name: str) -> None:
    from pyspark.errors import IllegalArgumentException

    stage = known_stages()[name]()
    for param in params_of(known_stages()[name]).values():
        for value in ODD.get(param.typeConverter.__name__, ()):
            if value_problem(param, value, told=True)[0] and hasattr(stage, "_java_obj"):
                with pytest.raises(IllegalArgumentException):
                    stage._make_java_param_pair(stage.getParam(param.name), value)
