"""The boundaries between rooms are guarded: a seeded violation of each contract is found."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = CONTRACTS[0]["layers"]

# Contract → a file, and what is written into it.
SEEDS = [
    (0, "vintage/data/rows.py", "import vintage.cli.main"),
    (0, "vintage/data/rows.py", "import vintage.ml.stages"),
    (0, "vintage/data/rows.py", "import vintage.registry.gates"),
    (0, "vintage/ml/stages.py", "import vintage.registry.gates"),
    (0, "vintage/registry/gates.py", "import vintage.report.summary"),
    (0, "vintage/report/summary.py", "import vintage.flow.job"),
    (0, "vintage/flow/fit.py", "import vintage.report.summary"),
    (0, "vintage/flow/fit.py", "import vintage.jobs.program"),
    (0, "vintage/store/keys.py", "import vintage.data.rows"),
    (0, "vintage/store/keys.py", "import vintage.session"),
    (0, "vintage/spec/names.py", "import vintage.store.keys"),
    (0, "vintage/errors.py", "import vintage.spec.names"),
    (1, "vintage/flow/preprocess.py", "import vintage.flow.fit"),
    (1, "vintage/flow/job.py", "import vintage.flow.fit"),
    (0, "vintage/a_room_of_no_floor.py", ""),
    (1, "vintage/errors.py", "import vintage.flow.job"),
    (2, "vintage/airflow/retrain.py", "import vintage.flow.fit"),
    (2, "vintage/airflow/retrain.py", "import mlflow"),
    (2, "vintage/airflow/retrain.py", "import spark_jobs.fit"),
    (3, "vintage/data/rows.py", "import airflow"),
    (3, "vintage/ml/stages.py", "import airflow"),
    (3, "vintage/flow/fit.py", "import spark_jobs.fit"),
    (4, "vintage/spec/names.py", "import pyspark"),
    (4, "vintage/spec/names.py", "import pandas"),
    (5, "vintage/data/rows.py", "import mlflow"),
    (5, "vintage/report/summary.py", "def late():\n    import mlflow"),
    (6, "vintage/data/rows.py", "import great_expectations"),
    (6, "vintage/cli/main.py", "def late():\n    import great_expectations"),
    (0, "vintage/serving/app.py", "import vintage.jobs.program"),
    (7, "vintage/serving/app.py", "import pyspark"),
    (7, "vintage/serving/app.py", "def late():\n    import airflow"),
    (8, "vintage/twin/evaluator.py", "import pyspark"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts are about."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    for name in ("vintage", "spark_jobs"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def broken(folder: Path) -> set[int]:
    """The contracts that import-linter finds broken."""
    seen = subprocess.run(
        ["lint-imports", "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    # It folds long names at the terminal's width.
    text = " ".join(seen.stdout.split())
    verdicts = {
        index: re.search(rf"{re.escape(contract['name'])} (KEPT|BROKEN)", text)
        for index, contract in enumerate(CONTRACTS)
    }
    assert all(verdicts.values()), seen.stdout + seen.stderr
    found = {index for index, verdict in verdicts.items() if verdict and verdict[1] == "BROKEN"}
    assert bool(found) == bool(seen.returncode)
    return found


def test_the_code_as_it_is_breaks_no_contract(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(("contract", "file", "seed"), SEEDS)
def test_a_violation_is_found(copy: Path, contract: int, file: str, seed: str) -> None:
    path = copy / file
    before = path.read_text() if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n{seed}\n")
        assert contract in broken(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


def test_every_contract_has_a_violation_of_its_own() -> None:
    assert {contract for contract, _, _ in SEEDS} == set(range(len(CONTRACTS)))


def test_no_layer_is_optional_and_all_rooms_are_listed() -> None:
    assert CONTRACTS[0]["exhaustive"] is True
    assert not [layer for layer in LAYERS if "(" in layer]


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` is not seen by the contracts."""
    folders = {path.parent for name in ("vintage", "spark_jobs") for path in (CHECKOUT / name).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_a_new_room_is_kept_from_the_dags() -> None:
    """The contract of the DAGs lists what they may not import: every room but those that it names here."""
    rooms = {room.strip() for layer in LAYERS for room in layer.split("|")} - {
        "__main__",
        "airflow",
        "ordered_jar",
    }
    kept_from = {name.removeprefix("vintage.") for name in CONTRACTS[2]["forbidden_modules"]}
    assert rooms - kept_from == {"spec", "errors", "processes", "places", "ordered"}
