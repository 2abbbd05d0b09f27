"""The `python_function` flavor of a model that has a twin: MLflow loads it without Spark."""

from __future__ import annotations

import platform
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage import twin
from vintage.registry.tracking.connection import settle_environment
from vintage.registry.tracking.model_folder import DESCRIPTION, SPARKS_DESCRIPTION

if TYPE_CHECKING:
    import pandas as pd

TWIN: Final = "twin"
"""Folder of the twin, within that of the model."""
CODE: Final = "twin_code.zip"
"""The evaluator, which MLflow puts on the path before it imports the loader; nobody adds bytecode to it."""
REQUIREMENTS: Final = ("mlflow-skinny", "numpy", "pandas")
_LOADER: Final = "vintage.twin.pyfunc"
_ENVIRONMENT: Final = "twin_environment"
_PACKAGE: Final = "from pkgutil import extend_path\n\n__path__ = extend_path(__path__, __name__)\n"
"""So that an installed Vintage, where there is one, stays whole beside the evaluator that a model carries."""


def add(directory: Path, example: pd.DataFrame) -> None:
    """Have MLflow load the folder's twin, where it is asked for a `python_function`; Spark's flavor stays.

    The evaluator goes along, so that the model is loaded where Vintage is not installed. What the description
    was is kept beside, for a twin that turns out to differ.

    Args:
        directory: an MLflow model folder, with a twin in it.
        example: a few rows as the model takes them.
    """
    settle_environment()
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature, infer_signature

    from vintage.twin.pyfunc import TwinFunction

    # First, for it may fail: what pandas holds is not all that a twin takes.
    answers = TwinFunction(twin.Twin.load(directory / TWIN)).predict(example)
    described: Model = Model.load(str(directory / DESCRIPTION))
    shutil.copyfile(directory / DESCRIPTION, directory / SPARKS_DESCRIPTION)
    _pack_evaluator(directory / CODE)
    described.flavors.pop(mlflow.pyfunc.FLAVOR_NAME, None)
    mlflow.pyfunc.add_to_model(
        described, loader_module=_LOADER, data=TWIN, code=CODE, **_write_environments(directory)
    )
    if described.signature is not None and not answers.empty:
        made = infer_signature(example, answers)
        described.signature = ModelSignature(described.signature.inputs, made.outputs)
    described.model_size_bytes = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    described.save(str(directory / DESCRIPTION))


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
    """What virtualenv and conda need to install; gives the names of the files."""
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
