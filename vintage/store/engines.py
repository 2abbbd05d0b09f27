"""What runs the code: versions that are part of a key, and those that are only recorded."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from vintage.errors import EnvironmentProblem
from vintage.store.code import ROOT

OLDEST_JAVA = 17
RECORDED = (
    "pyspark",
    "great-expectations",
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "py4j",
    "sqlglot",
    "pydantic",
)
AIRFLOW_VARIABLES: Final = {
    "dag_id": "AIRFLOW_CTX_DAG_ID",
    "run_id": "AIRFLOW_CTX_DAG_RUN_ID",
    "task_id": "AIRFLOW_CTX_TASK_ID",
    "try_number": "AIRFLOW_CTX_TRY_NUMBER",
}
"""What a manifest tells of Airflow's task → the variable that Airflow tells a task's processes of it in."""


def engines(*packages: str) -> dict[str, str]:
    """Return the engines of a key: Spark, Python's minor version, Java's major, and further packages by name.

    Raises:
        EnvironmentProblem: no Java of version 17 or later is found.
    """
    return {"spark": _installed("pyspark"), "java": str(java_major())} | engines_without_spark(*packages)


def engines_without_spark(*packages: str) -> dict[str, str]:
    """Return the engines of the key of what Python alone computes."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python} | {name: _installed(name) for name in packages}


@functools.cache
def _installed(package: str) -> str:
    # To look one up takes milliseconds, and each key of a window of dates asks for it.
    return metadata.version(package)


def package_versions() -> dict[str, str]:
    """Return versions of the packages that take part, for the record; those not installed are left out."""
    versions = {"python": ".".join(map(str, sys.version_info[:3])), "java": java_version()}
    for name in RECORDED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def java_major() -> int:
    """Java's feature release, of the Java that spark-submit will run.

    Raises:
        EnvironmentProblem: no Java, or one older than 17.
    """
    version = java_version()
    numbers = version.split(".")
    major = int(numbers[1] if numbers[0] == "1" else re.match(r"\d+", numbers[0])[0])  # type: ignore[index]
    if major < OLDEST_JAVA:
        raise EnvironmentProblem(
            "Java is too old for Spark",
            expected=f"Java {OLDEST_JAVA} or later",
            found=f"{version} ({_java_binary()})",
            fix="Set JAVA_HOME to a newer one, or run `make setup`.",
        )
    return major


@functools.cache
def java_version() -> str:
    """Return the full version of Java, such as `17.0.15`, from its release file, which is quick.

    Raises:
        EnvironmentProblem: there is no Java.
    """
    binary = _java_binary()
    release = binary.resolve().parent.parent / "release"
    if release.is_file():
        match = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            return match[1]
    try:
        asked = subprocess.run([binary, "-version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentProblem(
            f"{binary} does not run", found=str(error), fix="Set JAVA_HOME to a working Java 17 or later."
        ) from error
    match = re.search(r'version "([^"]+)"', asked.stderr)
    if match is None:
        raise EnvironmentProblem(f"{binary} -version is not understood", found=asked.stderr.strip()[:200])
    return match[1]


def _java_binary() -> Path:
    home = os.environ.get("JAVA_HOME")
    if home:
        binary = Path(home) / "bin" / "java"
        if binary.is_file():
            return binary
        raise EnvironmentProblem(
            "JAVA_HOME has no Java in it",
            expected=f"a file {binary}",
            fix="Set JAVA_HOME to a Java 17 or later, or unset it and run `make setup`.",
        )
    found = shutil.which("java")
    if found is None:
        raise EnvironmentProblem(
            "Java is not found",
            expected="Java 17 or later in JAVA_HOME or on the PATH",
            fix="Run `make setup`, or install it (Debian: `apt-get install openjdk-17-jre-headless`).",
        )
    return Path(found)


def airflow_task() -> dict[str, str]:
    """Return which of Airflow's tasks this process belongs to; empty outside Airflow."""
    found = {name: os.environ.get(variable) for name, variable in AIRFLOW_VARIABLES.items()}
    return {name: value for name, value in found.items() if value}


@functools.cache
def git_state() -> dict[str, str | bool | None]:
    """Return the checkout's commit and whether its tree is clean; `VINTAGE_GIT_COMMIT` without git."""
    commit = git_text("rev-parse", "HEAD")
    if commit is None:
        return {"commit": os.environ.get("VINTAGE_GIT_COMMIT"), "clean": None}
    status = git_text("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "clean": status == ""}


def git_text(*arguments: str) -> str | None:
    """Return what git says of the checkout; None where there is no git, or where it refuses."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            [git, "-C", ROOT, *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
