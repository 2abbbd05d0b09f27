"""`mlflow run .` reaches the `vintage` program with its values whole, and with our own default for MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(entry_point: str, **values: str) -> str:
    """The shell command that MLflow makes of an entry point."""
    from mlflow.projects._project_spec import load_project

    return str(load_project(str(ROOT)).get_entry_point(entry_point).compute_command(values, None))


def called(line: str, folder: Path, **environment: str) -> list[str]:
    """What a `vintage` that tells its arguments is called with, when a shell runs the line."""
    told = folder / "bin"
    told.mkdir(exist_ok=True)
    program = (
        f'#!/bin/sh\nfor each in "$@" "uri=$MLFLOW_TRACKING_URI"; do echo "$each"; done > {folder}/told\n'
    )
    (told / "vintage").write_text(program)
    (told / "vintage").chmod(0o755)
    path = f"{told}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-c", line], check=True, cwd=folder, env={"PATH": path, **environment})
    return (folder / "told").read_text().splitlines()


@pytest.mark.parametrize(
    "hostile", ["$(touch made)", "2013-02-28 --set=x", "`id`; touch made", "it's", "--help"]
)
def test_a_value_is_one_argument_and_no_shell_reads_it(hostile: str, tmp_path: Path) -> None:
    line = command("retrain", pipeline=hostile, date=hostile, set=hostile)
    assert called(line, tmp_path) == ["run", f"--date={hostile}", f"--set={hostile}", "--", hostile, "uri="]
    assert not (tmp_path / "made").exists()


def test_the_defaults(tmp_path: Path) -> None:
    retrain = command("retrain", date="2013-02-28")
    assert called(retrain, tmp_path) == ["run", "--date=2013-02-28", "--set=", "--", "flight_delay", "uri="]
    assert called(command("show"), tmp_path) == ["show", "--date=", "--", "flight_delay", "uri="]
    assert called(command("check"), tmp_path) == ["check", "uri="]
    scored = command("score", date="2013-02-28")
    assert called(scored, tmp_path) == [
        "score",
        "--date=2013-02-28",
        "--version=",
        "--",
        "flight_delay",
        "uri=",
    ]
    again = command("reproduce", date="2013-02-28")
    assert called(again, tmp_path) == [
        "reproduce",
        "--date=2013-02-28",
        "--key=",
        "--",
        "flight_delay",
        "uri=",
    ]


def test_a_server_that_was_named_is_kept_and_the_default_of_mlflow_is_not(tmp_path: Path) -> None:
    line = command("retrain", date="2013-02-28")
    for uri, kept in {
        "http://127.0.0.1:5000": "http://127.0.0.1:5000",
        f"sqlite:///{tmp_path}/data/mlflow/mlflow.db": f"sqlite:///{tmp_path}/data/mlflow/mlflow.db",
        f"sqlite:///{tmp_path}/mlflow.db": "",
    }.items():
        assert called(line, tmp_path, MLFLOW_TRACKING_URI=uri)[-1] == f"uri={kept}"


@pytest.mark.integration
def test_mlflow_runs_an_entry_point_of_a_clone(tmp_path: Path) -> None:
    for name in ("MLproject", "vintage", "spark_jobs", "pipelines", "expectations"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    mlflow = [sys.executable, "-m", "mlflow", "run", ".", "--env-manager", "local", "-e", "check"]
    done = subprocess.run(mlflow, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "no problems" in done.stdout
