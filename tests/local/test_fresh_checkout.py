"""The set-up for real: a fresh checkout becomes one that runs, and the JVM's archive is used."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.integration


def shell(script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as a person at a terminal would: without this process's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("VINTAGE_", "SPARK_", "PYSPARK_", "AIRFLOW_", "COV", "VIRTUAL_ENV", "MAKE", "JAVA_TOOL_OPTIONS")
        )
    }
    return subprocess.run(
        ["sh", "-c", script],
        cwd=cwd,
        env=kept | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.mark.timeout(1200)
def test_a_fresh_checkout_without_uv_in_a_path_with_a_space(tmp_path: Path) -> None:
    checkout = tmp_path / "a fresh" / "vintage"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (CHECKOUT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, checkout / name)
    base_python = Path(sys.base_prefix) / "bin" / "python3"
    machine = {"PATH": "/usr/bin:/bin", "VINTAGE_PYTHON": str(base_python), "VINTAGE_INSTALL": "never"}

    first = shell("make setup", checkout, **machine)
    assert first.returncode == 0, first.stderr
    assert (checkout / ".cache" / "uv-venv" / "bin" / "uv").exists() or shutil.which(
        "uv", path="/usr/bin:/bin"
    )

    second = shell("make setup", checkout, **machine)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    used = shell(
        ". ./.cache/env.sh; cd /; spark-submit --version 2>&1; "
        'python -c "import vintage as s; print(s.__file__)"; echo "$VINTAGE_HOME"',
        checkout,
        **machine,
    )
    assert "version 4.1" in used.stdout
    assert f"{checkout}/vintage/__init__.py" in used.stdout
    assert used.stdout.endswith(f"{checkout}\n")


@pytest.fixture(scope="module")
def archive() -> Path:
    """The archive of this checkout, built if it is not there."""
    made = shell('sh local/setup.sh && . ./.cache/env.sh && echo "$VINTAGE_CDS_ARCHIVE"', CHECKOUT)
    assert made.returncode == 0, made.stderr
    if not made.stdout.strip():
        pytest.skip(f"no archive on this machine: {made.stderr}")
    return Path(made.stdout.strip())


def submit(archive: Path, folder: Path, *, memory: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Submits a job of nothing with an archive; gives how it ended and where the JVM found its classes."""
    job, loaded = folder / "job.py", folder / "loaded.log"
    job.write_text("import sys; sys.stdout.write('the job ran')\n")
    options = (
        f"-XX:SharedArchiveFile={archive} -Xshare:auto -XX:MaxVectorSize=16 -Xlog:class+load:file={loaded}"
    )
    ended = shell(
        f". ./.cache/env.sh; spark-submit --master 'local[1]' --conf spark.driver.memory={memory} "
        f"--conf {shlex.quote(f'spark.driver.extraJavaOptions={options}')} {shlex.quote(str(job))}",
        CHECKOUT,
    )
    return ended, loaded.read_text()


@pytest.mark.parametrize("memory", ["2g", "4g"])
def test_a_submitted_job_takes_its_classes_from_the_archive(
    archive: Path, tmp_path: Path, memory: str
) -> None:
    ended, loaded = submit(archive, tmp_path, memory=memory)
    assert ended.returncode == 0, ended.stderr
    assert "the job ran" in ended.stdout
    assert "org.apache.spark.deploy.SparkSubmit source: shared objects file (top)" in loaded


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 1000], ids=["empty", "foreign"])
def test_a_file_that_is_no_archive_does_no_harm(archive: Path, tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / archive.name
    broken.write_bytes(content)
    ended, loaded = submit(broken, tmp_path, memory="1g")
    assert ended.returncode == 0, ended.stderr
    assert "the job ran" in ended.stdout
    assert "shared objects file (top)" not in loaded
