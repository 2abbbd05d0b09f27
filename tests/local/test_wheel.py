"""The wheel in an environment of its own: a night from a folder that is no checkout, and its DAGs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.airflow.conftest import write_home

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
DAG_FILE = "from vintage.airflow import retraining_dags\n\nglobals().update(retraining_dags())\n"
DAG_IDS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
jobs = {task.application for dag in bag.dags.values() for task in dag.tasks if hasattr(task, "application")}
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "jobs": sorted(jobs)}))
"""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


def uv() -> str:
    own = CHECKOUT / ".cache" / "uv-venv" / "bin" / "uv"
    return str(own) if own.exists() else str(shutil.which("uv"))


def run(words: Sequence[str | Path], cwd: Path, **variables: str) -> str:
    """What a program prints; it is told nothing of the checkout."""
    own = ("PYTHONPATH", "VIRTUAL_ENV", "VINTAGE_", "AIRFLOW_", "MLFLOW_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{words}\n{ended.stdout[-1500:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and the versions of the lock."""
    folder = tmp_path_factory.mktemp("installed")
    run([uv(), "build", "--quiet", "--wheel", "--out-dir", folder, CHECKOUT], folder)
    [wheel] = folder.glob("*.whl")
    export = ["export", "--quiet", "--frozen", "--all-extras", "--no-dev", "--no-emit-project", "--no-hashes"]
    lock = folder / "constraints.txt"
    run([uv(), *export, "--output-file", lock], CHECKOUT)
    run([uv(), "venv", "--quiet", "--python", sys.executable, folder / "env"], folder)
    python = folder / "env" / "bin" / "python"
    # As the README says: of pyspark's two packages that own the same folder, the one with the JVM stays.
    without = folder / "overrides.txt"
    without.write_text('pyspark-client; sys_platform == "never"\n', encoding="utf-8")
    words = ["--constraint", lock, "--override", without, f"{wheel}[airflow,jobs]"]
    run([uv(), "pip", "install", "--quiet", "--python", python, *words], folder)
    return python.parent


def test_a_night_runs_from_a_folder_that_is_no_checkout(installed: Path, tmp_path: Path) -> None:
    home = write_home(tmp_path / "home")
    raw = home / "data" / "raw" / "tiny" / "date=2024-03-01"
    raw.mkdir(parents=True)
    lines = [
        f"{number},{number % 7},{float((number % 7 > 3) != (number % 11 == 0))}" for number in range(200)
    ]
    (raw / "rows.csv").write_text("id,x,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    python = installed / "python"
    run([python, "-m", "vintage.ordered_jar"], tmp_path)
    shown = run([installed / "vintage", "run", "tiny", "--date", "2024-03-01", "--json"], home)
    made = json.loads(shown)
    assert made["action"] == "promoted"
    assert made["champion"]["key"] == made["keys"]["model"]

    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "vintage_dags.py").write_text(DAG_FILE, encoding="utf-8")
    own = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    printed = run([python, "-c", DAG_IDS, dags], tmp_path, VINTAGE_HOME=str(home), **own)
    found = json.loads(printed.splitlines()[-1])
    assert found["errors"] == {}
    assert found["dags"] == ["retrain_tiny", "score_tiny", "vintage_reproduction", "vintage_restatement"]
    assert found["jobs"]
    assert all(Path(job).is_file() and str(installed.parent) in job for job in found["jobs"])
