"""A saved model is one folder that Spark and MLflow load, wherever it has been moved to."""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from vintage.errors import TrackingError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import SparkSession

    from vintage.registry.tracking import Tracking

pytestmark = [
    pytest.mark.spark,
    # Of mlflow.spark and of what it imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

REQUIREMENTS = [f"{name}=={metadata.version(name)}" for name in ("mlflow", "pyspark")]
ROWS = pd.DataFrame(
    {
        "carrier": ["AA", "UA", None, "B6"] * 3,
        "distance": [100.0, None, 2400.0, 800.0] * 3,
        "label": [0.0, 1.0, 1.0, 0.0] * 3,
    }
)


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> PipelineModel:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import Imputer, StringIndexer, VectorAssembler

    stages = [
        Imputer(inputCols=["distance"], outputCols=["filled"]),
        StringIndexer(inputCol="carrier", outputCol="carrier_ix", handleInvalid="keep"),
        VectorAssembler(inputCols=["filled", "carrier_ix"], outputCol="features"),
        LogisticRegression(maxIter=3),
    ]
    return Pipeline(stages=stages).fit(spark.createDataFrame(ROWS))


@pytest.fixture(scope="module")
def expected(spark: SparkSession, model: PipelineModel) -> list[float]:
    return [row.prediction for row in model.transform(spark.createDataFrame(ROWS)).collect()]


@pytest.fixture
def folder(spark: SparkSession, model: PipelineModel, tracking: Tracking, tmp_path: Path) -> Path:
    """A folder that was saved at one place and is at another now."""
    first, second = tmp_path / "attempt=1" / "model", tmp_path / "date=2013-02-28" / "a key" / "model"
    given = ROWS.head(4)
    made = model.transform(spark.createDataFrame(given)).toPandas().drop(columns=list(given))
    tracking.save_model(model, first, example=given, output=made, requirements=REQUIREMENTS)
    second.parent.mkdir(parents=True)
    first.rename(second)
    return second


@pytest.mark.parametrize("tracking_uri", ["sqlite"], indirect=True)
def test_the_folder_is_complete_and_loads_in_every_way(
    spark: SparkSession, folder: Path, tracking: Tracking, expected: list[float]
) -> None:
    import mlflow.pyfunc
    import mlflow.spark
    from mlflow.models import Model
    from pyspark.ml import PipelineModel

    rows = spark.createDataFrame(ROWS)
    loaded = {
        "tracking": tracking.load_model(folder),
        "spark": PipelineModel.load(str(folder / "sparkml")),
        "mlflow.spark": mlflow.spark.load_model(str(folder)),
    }
    for name, model in loaded.items():
        assert [row.prediction for row in model.transform(rows).collect()] == expected, name
    served = mlflow.pyfunc.load_model(str(folder))
    assert list(served.predict(ROWS[["carrier", "distance", "label"]])) == expected

    described = Model.load(str(folder))
    assert described.signature.inputs.input_names() == ["carrier", "distance", "label"]
    assert described.signature.outputs.input_names() == ["filled", "carrier_ix", "prediction"]
    pd.testing.assert_frame_equal(described.load_input_example(str(folder)), ROWS.head(4))
    assert (folder / "requirements.txt").read_text().split() == REQUIREMENTS
    assert {file.name for file in folder.iterdir()} == {
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "python_env.yaml",
        "requirements.txt",
        "sparkml",
    }


def test_the_champion_loads_by_its_alias_and_knows_its_run(
    tracking: Tracking, folder: Path, expected: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = tracking.start_run(pipeline="served", date="2013-02-28", key="ef" * 32, tags={})
    model_id = tracking.log_fit(
        run_id, params={"0.Imputer.strategy": "mean"}, datasets=[], model_dir=folder, metrics={}
    )
    version = tracking.register(pipeline="served", date="2013-02-28", key="ef" * 32, run_id=run_id, tags={})
    tracking.set_champion("served", version.version)

    import mlflow

    mlflow.set_tracking_uri(tracking._connection.endpoint.uri)
    try:
        served = mlflow.pyfunc.load_model("models:/served@champion")
        assert list(served.predict(ROWS)) == expected
        assert served.metadata.run_id == run_id
        assert served.metadata.model_id == model_id
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("tracking_uri", ["sqlite"], indirect=True)
def test_a_model_whose_example_has_no_signature_is_saved_without_one(
    spark: SparkSession, model: PipelineModel, tracking: Tracking, tmp_path: Path
) -> None:
    from mlflow.models import Model
    from pyspark.ml.linalg import Vectors

    odd = pd.DataFrame({"features": [Vectors.dense(1.0, 2.0)]})
    tracking.save_model(model, tmp_path / "odd", example=odd, output=odd, requirements=REQUIREMENTS)
    assert Model.load(str(tmp_path / "odd")).signature is None
    assert tracking.load_model(tmp_path / "odd").stages


@pytest.mark.parametrize("tracking_uri", ["sqlite"], indirect=True)
def test_a_folder_without_a_model_is_named(tracking: Tracking, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="no saved model"):
        tracking.load_model(tmp_path)


@pytest.mark.parametrize("tracking_uri", ["sqlite"], indirect=True)
def test_the_example_is_what_a_server_takes(folder: Path) -> None:
    example = json.loads((folder / "input_example.json").read_text())
    assert example["columns"] == ["carrier", "distance", "label"]
    assert example["data"][1] == ["UA", None, 1.0]
