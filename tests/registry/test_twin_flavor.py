"""A model with a twin is loaded by MLflow without Spark, also where Vintage is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.serving.conftest import RAW
from tests.twin.test_pyfunc import DESCRIBED
from vintage.registry.tracking import twin_flavor
from vintage.registry.tracking.serving import load
from vintage.twin import Description, description

pytestmark = [
    # Of mlflow and of what it imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ROWS = pd.DataFrame({"colour": ["blue", "red", None], "size": [1.0, None, 2.0]})
EXPECTED = [11.5, 7.5]
RAW_ROWS = pd.DataFrame({"colour": ["blue", "red", "red"], "millimetres": [10, None, 0]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("twin") / "model", DESCRIBED)


@pytest.fixture(scope="module")
def raw_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a twin that takes raw rows."""
    return made(tmp_path_factory.mktemp("raw") / "model", replace(DESCRIBED, preparation=RAW), RAW_ROWS)


def made(folder: Path, described: Description, raw: pd.DataFrame | None = None) -> Path:
    """A model folder as `model_folder.save` leaves it, but for what Spark saves."""
    import mlflow.pyfunc
    from mlflow.models import Model, infer_signature

    description.save(described, folder / twin_flavor.TWIN)
    model = Model(signature=infer_signature(ROWS))
    model.add_flavor("spark", pyspark_version="4.1.4", model_data="sparkml", code=None)
    mlflow.pyfunc.add_to_model(model, loader_module="mlflow.spark", data="sparkml")
    model.save(str(folder / "MLmodel"))
    twin_flavor.add(folder, ROWS, raw)
    return folder


def test_mlflow_loads_the_twin_and_spark_its_own(folder: Path) -> None:
    from mlflow.models import Model

    described = Model.load(str(folder))
    assert set(described.flavors) == {"python_function", "spark"}
    assert described.flavors["spark"]["model_data"] == "sparkml"
    assert described.signature.inputs.input_names() == ["colour", "size"]
    assert described.signature.outputs.input_names() == ["prediction"]


def test_it_answers_by_pyfunc_and_over_http(folder: Path) -> None:
    served = load(folder)
    assert served.predict(ROWS) == EXPECTED
    assert served.predict_over_http(ROWS) == EXPECTED


def test_of_a_twin_that_takes_raw_rows_mlflow_does_too(raw_folder: Path) -> None:
    from mlflow.models import Model

    served = load(raw_folder)
    assert served.takes_raw_rows
    rows = twin_flavor.raw_example(raw_folder)
    pd.testing.assert_frame_equal(rows, RAW_ROWS)
    expected = twin_flavor.raw_predictions(raw_folder, rows)
    assert expected == [11.5, None, None]
    assert served.predict(rows) == expected
    assert served.predict_over_http(rows) == expected
    described = Model.load(str(raw_folder))
    assert described.signature.inputs.input_names() == ["colour", "millimetres"]
    assert described.signature.outputs.input_names() == ["prediction", "left_out"]
    features, spark = (
        Model.from_dict(yaml.safe_load((raw_folder / name).read_text()))
        for name in ("MLmodel.features", "MLmodel.spark")
    )
    assert features.flavors["python_function"]["loader_module"] == "vintage.twin.pyfunc"
    assert features.signature.inputs.input_names() == ["colour", "size"]
    assert spark.flavors["python_function"]["loader_module"] == "mlflow.spark"


def test_it_loads_where_neither_vintage_nor_spark_nor_java_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pyspark.py").write_text("raise ImportError('there is no Spark here')")
    program = (
        "import json, sys, mlflow.pyfunc, pandas as pd\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "rows = pd.DataFrame({'colour': ['blue', 'red', None], 'size': [1.0, None, 2.0]})\n"
        "import vintage.twin; print(vintage.twin.__file__)\n"
        "print(json.dumps(model.predict(rows)['prediction'].tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=tmp_path,
        env={"PATH": "/nonexistent", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    place, answer = done.stdout.splitlines()[-2:]
    assert Path(place).is_relative_to(folder / twin_flavor.CODE)
    assert json.loads(answer) == EXPECTED


def test_an_image_of_mlflow_s_has_java_unless_spark_s_flavor_is_taken_out(
    folder: Path, tmp_path: Path
) -> None:
    """MLflow looks at the names of flavors alone; docs/serving.md says how to build one without."""
    import shutil

    from mlflow.models import Model
    from mlflow.pyfunc.backend import PyFuncBackend

    def dockerfile(model: Path, env_manager: str) -> str:
        made = tmp_path / f"{model.name} {env_manager}"
        PyFuncBackend({}, env_manager=env_manager).generate_dockerfile(str(model), str(made))
        return (made / "Dockerfile").read_text(encoding="utf-8")

    assert "jdk" in dockerfile(folder, "virtualenv")
    alone = shutil.copytree(folder, tmp_path / "alone")
    described = Model.load(str(alone))
    del described.flavors["spark"]
    described.save(str(alone / "MLmodel"))
    text = dockerfile(alone, "local")
    assert "FROM python:" in text
    assert "jdk" not in text
    assert "pyspark" not in (alone / "twin_environment/python_env.yaml").read_text()
    assert load(alone).predict(ROWS) == EXPECTED


@pytest.mark.fault("a changed byte in the twin that MLflow is to serve", outcome="refused when it is loaded")
def test_a_damaged_twin_does_not_load(folder: Path, tmp_path: Path) -> None:
    import shutil

    damaged = shutil.copytree(folder, tmp_path / "model")
    raw = bytearray((damaged / "twin/arrays.npz").read_bytes())
    raw[-1] ^= 1
    (damaged / "twin/arrays.npz").write_bytes(raw)
    with pytest.raises(ValueError, match="are not those that SHA256SUMS names"):
        load(damaged)
