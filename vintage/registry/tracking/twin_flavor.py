"""The `python_function` flavor of a model that has a twin: MLflow loads it without Spark."""

from __future__ import annotations

import json
import platform
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage import twin
from vintage.registry.tracking.connection import settle_environment
from vintage.registry.tracking.model_folder import DESCRIPTION, FEATURES_DESCRIPTION, SPARKS_DESCRIPTION
from vintage.twin.columns import VECTOR
from vintage.twin.raw import RawTwin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from mlflow.models import Model, ModelSignature

    from vintage.twin import Input

TWIN: Final = "twin"
"""Folder of the twin, within that of the model."""
CODE: Final = "twin_code.zip"
"""The evaluator, which MLflow puts on the path before it imports the loader; nobody adds bytecode to it."""
REQUIREMENTS: Final = ("mlflow-skinny", "numpy", "pandas")
RAW_EXAMPLE: Final = "raw_input_example.json"
"""A few raw rows, of a twin that takes them."""
_LOADER: Final = "vintage.twin.pyfunc"
RAW_LOADER: Final = "vintage.twin.raw_pyfunc"
_EXAMPLE_INFO: Final = {"type": "dataframe", "pandas_orient": "split"}
_ENVIRONMENT: Final = "twin_environment"
_PACKAGE: Final = "from pkgutil import extend_path\n\n__path__ = extend_path(__path__, __name__)\n"
"""So that an installed Vintage, where there is one, stays whole beside the evaluator that a model carries."""


def add(directory: Path, example: pd.DataFrame, raw: pd.DataFrame | None = None) -> None:
    """Have MLflow load the folder's twin, where it is asked for a `python_function`; Spark's flavor stays.

    The evaluator goes along, so that the model is loaded where Vintage is not installed. What the description
    was is kept beside, for a twin that turns out to differ; and so is that of a twin that takes features, for
    one whose raw rows turn out to give others.

    Args:
        directory: an MLflow model folder, with a twin in it.
        example: a few rows as the model takes them.
        raw: a few raw rows, of a twin that takes them.
    """
    settle_environment()
    from mlflow.models import Model, ModelSignature, infer_signature

    from vintage.twin.pyfunc import TwinFunction
    from vintage.twin.raw_pyfunc import RawFunction

    # First, for it may fail: what pandas holds is not all that a twin takes.
    loaded = twin.Twin.load(directory / TWIN)
    answers = TwinFunction(loaded).predict(example)
    described: Model = Model.load(str(directory / DESCRIPTION))
    function = RawFunction(RawTwin(loaded)) if raw is not None else None
    raw_answers = None if raw is None or function is None else function.predict(raw)
    shutil.copyfile(directory / DESCRIPTION, directory / SPARKS_DESCRIPTION)
    _pack_evaluator(directory / CODE)
    environments = _write_environments(directory)
    _describe(described, _LOADER, environments)
    signature = described.signature
    if signature is not None and not answers.empty:
        described.signature = ModelSignature(signature.inputs, infer_signature(example, answers).outputs)
    described.model_size_bytes = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    described.save(str(directory / DESCRIPTION))
    if raw is not None and function is not None and raw_answers is not None:
        (directory / DESCRIPTION).rename(directory / FEATURES_DESCRIPTION)
        (directory / RAW_EXAMPLE).write_text(json.dumps(_split(raw)))
        _describe(described, RAW_LOADER, environments)
        described.signature = _raw_signature(function.twin.inputs, raw, raw_answers)
        described.saved_input_example_info = {**_EXAMPLE_INFO, "artifact_path": RAW_EXAMPLE}
        described.save(str(directory / DESCRIPTION))


def _describe(described: Model, loader: str, environments: Mapping[str, str]) -> None:
    import mlflow.pyfunc

    described.flavors.pop(mlflow.pyfunc.FLAVOR_NAME, None)
    mlflow.pyfunc.add_to_model(described, loader_module=loader, data=TWIN, code=CODE, **environments)


def _split(raw: pd.DataFrame) -> dict[str, Any]:
    """Return rows as MLflow writes an example, with every digit of a double."""
    missing = raw.isna()
    columns = [raw[name].tolist() for name in raw]
    for name, values in zip(raw, columns, strict=True):
        values[:] = [None if lacks else value for lacks, value in zip(missing[name], values, strict=True)]
    return {"columns": list(raw), "data": [list(row) for row in zip(*columns, strict=True)]}


def raw_frame(inputs: Sequence[Input], columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return raw rows as pandas has them; a column of doubles that are all null is one of doubles too."""
    import pandas as pd

    dtypes: dict[str, Any] = {"float": "float64", "double": "float64", "string": object}
    return pd.DataFrame(
        {each.name: pd.Series(list(columns[each.name]), dtype=dtypes.get(each.type)) for each in inputs}
    )


def raw_example(directory: Path) -> pd.DataFrame:
    """Read the raw rows that a model's folder keeps, of a twin that takes them."""
    inputs = RawTwin.load(directory / TWIN).inputs
    told = json.loads((directory / RAW_EXAMPLE).read_text(encoding="utf-8"))
    columns = zip(*told["data"], strict=True) if told["data"] else [[]] * len(inputs)
    return raw_frame(inputs, dict(zip(told["columns"], columns, strict=True)))


def raw_predictions(directory: Path, rows: pd.DataFrame) -> list[Any]:
    """Return what the twin of a model's folder predicts of raw rows."""
    from vintage.twin.raw_pyfunc import RawFunction

    return list(RawFunction(RawTwin.load(directory / TWIN)).predict(rows)["prediction"].tolist())


def _raw_signature(
    inputs: Sequence[Input], raw: pd.DataFrame, answers: pd.DataFrame
) -> ModelSignature | None:
    """Return the signature of raw rows; None where one is a vector, for which MLflow has no type.

    MLflow knows no null among integers, and no dates in JSON but timestamps. Such columns are of any type to
    it, and the twin holds them to theirs.
    """
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    if any(each.type == VECTOR for each in inputs):
        return None
    types = {"string": DataType.string, "double": DataType.double, "float": DataType.double}
    anything = AnyType()  # type: ignore[no-untyped-call]
    columns: list[Any] = [ColSpec(types.get(each.type, anything), each.name) for each in inputs]
    made = None if answers.empty else infer_signature(raw, answers).outputs
    return ModelSignature(Schema(columns), made)


def _pack_evaluator(archive: Path) -> None:
    """Zip the package `vintage.twin`; the same one gives the same bytes."""
    package = Path(twin.__file__).parent
    files = {
        f"vintage/{TWIN}/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*.py"))
    }
    files["vintage/__init__.py"] = _PACKAGE.encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
        for name, raw in files.items():
            made.writestr(zipfile.ZipInfo(name), raw)


def _write_environments(directory: Path) -> dict[str, str]:
    """Return what virtualenv and conda need to install; gives the names of the files."""
    import yaml

    python = platform.python_version()
    pip = ["pip", "setuptools", "wheel"]
    pinned = [f"{name}=={metadata.version(name)}" for name in REQUIREMENTS]
    written: dict[str, dict[str, Any]] = {
        "conda.yaml": {
            "name": "mlflow-env",
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", "pip", {"pip": pinned}],
        },
        "python_env.yaml": {"python": python, "build_dependencies": pip, "dependencies": pinned},
    }
    (directory / _ENVIRONMENT).mkdir()
    for name, content in written.items():
        (directory / _ENVIRONMENT / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return {
        "conda_env": f"{_ENVIRONMENT}/conda.yaml",
        "python_env": f"{_ENVIRONMENT}/python_env.yaml",
    }
