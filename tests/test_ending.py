"""A program that is told to end: one line, the exit code of a shell, and nothing left that a session held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.quick import QUICK_JVM
from vintage.processes import TOLD

if TYPE_CHECKING:
    from pathlib import Path

# A job of Spark's is under way when the signal comes, and more are asked for while the program unwinds.
PROGRAM = """
import sys
from pathlib import Path

from vintage.processes import ends_in_order
from vintage.flow.job import configure_logging
from vintage.session import SparkProvider

configure_logging()
with ends_in_order():
    provider = SparkProvider("ended", master="local[1]")
    rows = provider().range(1).selectExpr("java_method('java.lang.Thread', 'sleep', 600000L + id)")
    try:
        print("begun", flush=True)
        rows.collect()
    finally:
        # Py4J may find no connection for either: what holds a program's files comes after.
        try:
            rows.unpersist()
            provider.stop()
        finally:
            Path(sys.argv[1]).write_text("in order")
"""


@pytest.mark.fault("Ctrl-C and SIGTERM", outcome="one line; exit 130 and 143")
@pytest.mark.spark
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_program_in_order_and_with_one_line(tmp_path: Path, number: signal.Signals) -> None:
    ended = tmp_path / "ended"
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ended)],
        env=os.environ | {"JAVA_TOOL_OPTIONS": QUICK_JVM},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    started = psutil.Process(program.pid).children(recursive=True)
    assert "java" in {process.name() for process in started}
    program.send_signal(number)
    _, told = program.communicate(timeout=300)
    assert program.returncode == 128 + number, told
    assert ended.read_text() == "in order"
    assert [line for line in told.splitlines() if line.startswith("vintage:")] == [
        f"vintage: ended by {number.name}; {TOLD}."
    ]
    assert "Traceback" not in told
    _, left = psutil.wait_procs(started, timeout=300)
    assert left == []
