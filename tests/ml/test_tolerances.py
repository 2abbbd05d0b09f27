"""What is known of how far a model fitted in parallel may part from itself."""

from __future__ import annotations

import pytest
from pyspark.ml import Estimator

from spark_jobs.ml.catalogue import known_stages
from spark_jobs.ml.tolerances import BOUNDS, CLOSE, Tolerance, tolerance_of
from spark_jobs.ml.training import MANY_ROWS, many_rows_warning, partitions_of
from tests.ml.test_stages import STAGES, pipeline_of

MEANS = STAGES.replace("median", "mean")
BOOSTED = MEANS.replace("LogisticRegression: {maxIter: 5, regParam: 0.1}", "GBTClassifier: {maxIter: 2}")
NESTED = """\
- VectorAssembler: {inputCols: [bill], outputCol: features}
- OneVsRest: {classifier: {FMClassifier: {maxIter: 2}}}
"""


def parallel(stages: str = MEANS) -> Tolerance:
    found = tolerance_of(pipeline_of(stages, reproducibility="parallel"))
    assert found is not None
    return found


def test_what_is_exact_has_none() -> None:
    assert tolerance_of(pipeline_of()) is None


def test_the_widest_bound_among_the_stages_is_the_models() -> None:
    found = parallel()
    assert found.relative == CLOSE
    assert set(found.of) <= {"Imputer", "StringIndexer", "LogisticRegression"}


def test_a_stage_without_a_bound_leaves_none_and_is_named() -> None:
    found = parallel(BOOSTED)
    assert found == Tolerance(None, ("GBTClassifier",))
    assert "no bound is known of GBTClassifier" in found.told
    assert parallel(NESTED) == Tolerance(None, ("FMClassifier",))
    assert parallel(NESTED.replace("FMClassifier", "LinearSVC")).relative == CLOSE
    assert parallel(STAGES) == Tolerance(None, ("Imputer, strategy=median",))
    weighed = MEANS.replace(
        "LogisticRegression: {maxIter: 5, regParam: 0.1}", "RandomForestClassifier: {weightCol: bill}"
    )
    assert parallel(weighed) == Tolerance(None, ("RandomForestClassifier, weightCol=bill",))


def test_what_learns_nothing_changes_nothing() -> None:
    own = MEANS + "- tests.ml.own_stages.Doubler: {inputCol: bill, outputCol: more}\n"
    assert parallel(own) == parallel()


def test_bounds_are_of_estimators_of_spark() -> None:
    for name, bound in BOUNDS.items():
        assert issubclass(known_stages()[name], Estimator)
        assert 0 < bound <= 1e-3


@pytest.mark.parametrize(
    ("mode", "rows", "told"),
    [("exact", MANY_ROWS, True), ("exact", MANY_ROWS - 1, False), ("parallel", MANY_ROWS, False)],
)
def test_many_rows_on_one_core_are_told_of(mode: str, rows: int, told: bool) -> None:
    pipeline = pipeline_of(reproducibility=mode)
    assert (str(rows) in many_rows_warning(rows, pipeline)) == told
    assert partitions_of(pipeline) == (1 if mode == "exact" else 16)
