"""The folder that a model is saved in: what Spark saves, described so that MLflow can load it anywhere."""

from __future__ import annotations

import logging
import platform
import time
import warnings
from typing import TYPE_CHECKING, Final

from vintage.errors import TrackingError
from vintage.registry.tracking.connection import settle_environment
from vintage.store.spark_paths import loadable, uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from mlflow.entities import LoggedModel
    from mlflow.models import Model, ModelSignature
    from pyspark.ml import PipelineModel

log = logging.getLogger(__name__)

MODEL: Final = "model"
"""The folder, within a model's data."""
DESCRIPTION: Final = "MLmodel"
"""The file that tells MLflow how the folder is loaded."""
SPARKS_DESCRIPTION: Final = "MLmodel.spark"
"""Of a model that has a twin: what its description is where Spark serves it all the same."""
FEATURES_DESCRIPTION: Final = "MLmodel.features"
"""Of a model whose twin takes raw rows: what its description is where it takes features all the same."""
_IDS: Final = ("artifact_path", "model_id", "model_uuid", "run_id")
SPARK_MODEL: Final = "sparkml"
"""Of what Spark saves, within the folder."""


def save(
    model: PipelineModel,
    directory: Path,
    *,
    example: pd.DataFrame,
    output: pd.DataFrame,
    requirements: Sequence[str],
) -> None:
    """Write the folder; see `Tracking.save_model`."""
    settle_environment()
    import mlflow.pyfunc
    import pyspark
    from mlflow.models import Model

    started = time.monotonic()
    directory.mkdir(parents=True, exist_ok=True)
    model.write().overwrite().save(uri(directory / SPARK_MODEL))
    described = Model(signature=_signature(example, output))
    described.add_flavor(
        "spark",
        pyspark_version=pyspark.__version__,
        model_data=SPARK_MODEL,
        model_class=f"{type(model).__module__}.{type(model).__qualname__}",
        code=None,
    )
    environments = _write_environments(directory, requirements)
    mlflow.pyfunc.add_to_model(described, loader_module="mlflow.spark", data=SPARK_MODEL, **environments)
    (directory / "input_example.json").write_text(
        example.to_json(orient="split", index=False, date_format="iso")
    )
    described.saved_input_example_info = {
        "artifact_path": "input_example.json",
        "type": "dataframe",
        "pandas_orient": "split",
    }
    described.model_size_bytes = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    described.save(str(directory / DESCRIPTION))
    log.info("saved the model, %d bytes: %.1f s", described.model_size_bytes, time.monotonic() - started)


def load(directory: Path) -> PipelineModel:
    """Read the fitted pipeline straight from the folder; `mlflow.spark.load_model` may copy it first.

    Raises:
        TrackingError: the folder holds none.
    """
    from pyspark.ml import PipelineModel

    path = directory.absolute() / SPARK_MODEL
    if not path.is_dir():
        raise TrackingError(f"There is no saved model in {directory}", expected=f"a folder {SPARK_MODEL}/")
    return PipelineModel.load(loadable(path))


def described_alike(copy: Path, folder: Path) -> Path | None:
    """Return the description that a copy's MLmodel says the same as: one of the twin's, or Spark's.

    But for the ids that MLflow gives to each copy; and it writes fields of its own beside, with their
    defaults, where the original has none. None where the copy describes something else.
    """
    originals = (folder / name for name in (DESCRIPTION, FEATURES_DESCRIPTION, SPARKS_DESCRIPTION))
    return next((each for each in originals if each.is_file() and _describes_the_same(copy, each)), None)


def _describes_the_same(copy: Path, original: Path) -> bool:
    import yaml

    try:
        found = yaml.safe_load(copy.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    if not isinstance(found, dict):
        return False
    wanted = yaml.safe_load(original.read_bytes())
    wanted = yaml.safe_load(_described(original).to_yaml()) | wanted
    return _without_ids(found) == _without_ids(wanted)


def _without_ids(told: Mapping[str, object]) -> dict[str, object]:
    # A field that says nothing is one that another release of MLflow does not write.
    return {name: value for name, value in told.items() if name not in _IDS and value is not None}


def named_after(model: LoggedModel, run_id: str, description: Path, scratch: Path) -> str:
    """Return a copy of a folder's MLmodel that knows which logged model of which run it describes."""
    described = _described(description)
    described.model_id = described.model_uuid = model.model_id
    described.run_id = run_id
    described.artifact_path = model.artifact_location
    described.save(str(scratch / DESCRIPTION))
    return str(scratch / DESCRIPTION)


def _described(file: Path) -> Model:
    """Return the content of an MLmodel file. Model.load reads the path as a URI, with # and % special."""
    import yaml
    from mlflow.models import Model

    return Model.from_dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def _signature(example: pd.DataFrame, output: pd.DataFrame) -> ModelSignature | None:
    from mlflow.models import infer_signature

    odd = sorted(set(example.columns) - set(_plain(example).columns))
    if odd:
        log.warning("the model is saved without a signature: MLflow has no types for %s", ", ".join(odd))
        return None
    made = _plain(output)
    with warnings.catch_warnings():
        # That an integer column may meet a null one day is known: a missing value makes it a double here.
        warnings.simplefilter("ignore", UserWarning)
        return infer_signature(example) if made.empty else infer_signature(example, made)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that MLflow's signature has types for; vectors, for one, have none."""
    plain = (str, bytes, bool, list)
    kept = [
        name
        for name in frame.columns
        if frame[name].dtype != object or all(isinstance(value, plain) for value in frame[name].dropna())
    ]
    return frame[kept]


def _write_environments(directory: Path, requirements: Sequence[str]) -> dict[str, str]:
    """`requirements.txt` and what virtualenv and conda need to install it; gives the names of the latter."""
    import yaml

    python = platform.python_version()
    pip = ["pip", "setuptools", "wheel"]
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": [*requirements]}],
    }
    virtualenv = {"python": python, "build_dependencies": pip, "dependencies": ["-r requirements.txt"]}
    (directory / "requirements.txt").write_text("".join(f"{each}\n" for each in requirements))
    (directory / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (directory / "python_env.yaml").write_text(yaml.safe_dump(virtualenv, sort_keys=False))
    return {"conda_env": "conda.yaml", "python_env": "python_env.yaml"}
