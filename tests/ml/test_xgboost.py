"""A third party's estimator, by its dotted path: xgboost.spark, whose Params are Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.flow.fit import fit
from vintage.ml.importances import importances_of
from vintage.ml.stages import check_stages
from vintage.store import steps

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytest.importorskip("xgboost.spark")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

STAGES = """\
- VectorAssembler: {inputCols: [radius, texture, smoothness], outputCol: features}
- xgboost.spark.SparkXGBClassifier: {max_depth: 3, n_estimators: 5, subsample: 0.7}
"""


@pytest.fixture(scope="module")
def tumours(spark: SparkSession) -> DataFrame:
    """Scikit-learn's breast cancer data: three of its measures, and whether the tumour is benign."""
    from sklearn.datasets import load_breast_cancer

    measured = load_breast_cancer()
    rows = [
        (number, float(values[0]), float(values[1]), float(values[4]), float(kind))
        for number, (values, kind) in enumerate(zip(measured.data, measured.target, strict=True))
    ]
    schema = "id INT, radius DOUBLE, texture DOUBLE, smoothness DOUBLE, label DOUBLE"
    return spark.newSession().createDataFrame(rows, schema)


def test_its_params_are_checked_without_a_jvm() -> None:
    columns = ("id", "radius", "texture", "smoothness")
    assert check_stages(pipeline_of(STAGES), columns) == []
    [problem] = check_stages(pipeline_of(STAGES.replace("max_depth", "max_dept")), columns)
    assert 'no Param "max_dept"; did you mean "max_depth"?' in str(problem)
    found = check_stages(pipeline_of(STAGES.replace("outputCol: features", "outputCol: x")), columns)
    assert 'reads column "features", which does not exist' in str(found[0])
    singly = "- xgboost.spark.SparkXGBClassifier: {features_cols: [radius, texture]}\n"
    assert check_stages(pipeline_of(singly), columns) == []


def test_its_version_is_in_the_models_key() -> None:
    from datetime import date
    from importlib.metadata import version

    from vintage.store.user_code import distribution_of

    found = steps.model(pipeline_of(STAGES), date(2020, 1, 1), train={})
    name = distribution_of("xgboost")
    assert name in {"xgboost", "xgboost-cpu"}
    assert found.spec["own_code"] == {name: version(name)}


@pytest.mark.long
def test_it_is_fitted_saved_and_loaded_and_a_second_fit_is_the_same(
    tumours: DataFrame, tmp_path: Path
) -> None:
    from pyspark.ml import PipelineModel

    pipeline = pipeline_of(STAGES, seed=5)
    fitted = fit(tumours, pipeline)
    assert fitted.params["1.SparkXGBClassifier.random_state"] == "5"
    assert fitted.params["1.SparkXGBClassifier.max_depth"] == "3"
    fitted.model.save(str(tmp_path / "model"))
    fitted.unfitted.save(str(tmp_path / "pipeline"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    again = fit(tumours.repartition(5), pipeline).model

    def scored(model: PipelineModel) -> list[tuple[int, float, str]]:
        rows = model.transform(tumours).orderBy("id").select("id", "prediction", "probability").collect()
        return [(row["id"], row["prediction"], str(row["probability"])) for row in rows]

    first = scored(fitted.model)
    assert scored(loaded) == first
    assert scored(again) == first
    labels = [row["label"] for row in tumours.orderBy("id").collect()]
    right = sum(prediction == label for (_, prediction, _), label in zip(first, labels, strict=True))
    assert right / len(labels) > 0.9
    gains = importances_of(loaded, tumours)
    assert gains is not None
    assert gains["kind"] == "importances"
    values = [each["value"] for each in gains["features"]]
    assert values == sorted(values, reverse=True)
    assert {each["feature"] for each in gains["features"]} == {"radius", "texture", "smoothness"}
