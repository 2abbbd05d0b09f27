"""Who waits at a terminal sees the step, its dates and warnings; the JVM's noise is in the log file."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

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


RANGE = """
import logging, os
from datetime import date
from vintage.cli.signs_of_life import signs_of_life
from vintage.spec import Home
from vintage.store import Store

home = Home.from_environment(os.environ)
with signs_of_life(home, Store(home.store, "tiny"), "backfill_tiny") as signs:
    for number in (1, 2, 3):
        try:
            with signs.date(number, 3, date(2024, 5, number)), signs.step(1, 1, "snapshot"):
                if number == 2:
                    raise ValueError
        except ValueError:
            signs.tell(f"line of {number}: failed")
        else:
            signs.tell(f"line of {number}")
"""


def run(home: Path, stderr: int, work: str = WORK, **options: Any) -> None:
    environment = {**os.environ, "VINTAGE_HOME": str(home), "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("VINTAGE_STORE", None)
    subprocess.run([sys.executable, "-c", work], env=environment, stderr=stderr, check=True, **options)


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


def test_a_range_shows_the_dates_that_are_done_and_keeps_results_apart(tmp_path: Path) -> None:
    home = write_home(tmp_path / "home")
    lines = "line of 1\nline of 2: failed\nline of 3\n"
    shown, out = on_terminal(home, RANGE)
    assert out == lines
    assert re.search(r"2024-05-03 3 of 3 dates done 0:00:0\d", shown), shown
    assert "line of" not in shown
    # On a terminal they stand above what is under way, and the steps of a date go with it.
    shown, _ = on_terminal(home, RANGE, both=True)
    assert [each for each in lines.splitlines() if each in shown] == lines.splitlines()
    assert "2024-05-03 3 of 3 dates done" in shown.rstrip().splitlines()[-1]


def on_terminal(home: Path, work: str, *, both: bool = False) -> tuple[str, str]:
    """What a terminal shows, and what standard output gets where it is none."""
    master, slave = pty.openpty()
    out = home / "out"
    try:
        with out.open("wb") as file:
            run(home, slave, work, stdout=slave if both else file)
        os.set_blocking(master, False)
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(master, 1 << 20).decode())
    finally:
        os.close(slave)
        os.close(master)
    return shown, out.read_text(encoding="utf-8")
