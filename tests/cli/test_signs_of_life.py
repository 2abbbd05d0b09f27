"""Who waits at a terminal sees the step, its dates and warnings; the JVM's noise is in the log file."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.airflow.conftest import write_home

if TYPE_CHECKING:
    from pathlib import Path

WORK = """
import logging, os, pathlib
from vintage.cli.signs_of_life import signs_of_life
from vintage.spec import Home
from vintage.store import Store

home = Home.from_environment(os.environ)
with signs_of_life(home, Store(home.store, "tiny"), "run_tiny") as signs:
    with signs.step(1, 2, "snapshot"):
        os.write(2, b"WARN NativeCodeLoader: noise of the JVM\\n")
        logging.getLogger("vintage").info("snapshot done", extra={"doing": "3 of 28 dates"})
        logging.getLogger("vintage").warning("two dates are missing")
os.write(2, b"afterwards\\n")
"""


def run(home: Path, stderr: int) -> None:
    environment = {**os.environ, "VINTAGE_HOME": str(home), "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("VINTAGE_STORE", None)
    subprocess.run([sys.executable, "-c", WORK], env=environment, stderr=stderr, check=True)


def test_a_terminal_shows_the_step_and_the_file_has_the_noise(tmp_path: Path) -> None:
    home = write_home(tmp_path / "home")
    master, slave = pty.openpty()
    try:
        run(home, slave)
        os.set_blocking(master, False)
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(master, 1 << 20).decode())
    finally:
        os.close(slave)
        os.close(master)
    log = home / "data" / "logs" / "run_tiny.log"
    assert f"log: {log}" in shown
    assert re.search(r"✓ 1/2 snapshot +3 of 28 dates +0:00:0\d", shown), shown
    assert "warning: two dates are missing" in shown
    assert "noise of the JVM" not in shown
    assert "afterwards" in shown
    text = log.read_text(encoding="utf-8")
    assert "noise of the JVM" in text
    assert "INFO step 1 of 2: snapshot" in text
    assert "afterwards" not in text


def test_what_is_no_terminal_gets_the_whole_log(tmp_path: Path) -> None:
    home = write_home(tmp_path / "home")
    with (tmp_path / "err").open("wb") as file:
        run(home, file.fileno())
    text = (tmp_path / "err").read_text(encoding="utf-8")
    assert "INFO step 1 of 2: snapshot" in text
    assert "noise of the JVM" in text
    assert not (home / "data").exists()
