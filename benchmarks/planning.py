"""How long a window of many dates, a raw file each, takes to be listed and planned, without a JVM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from benchmarks.chain import CHECKOUT

PIPELINE = "flight_delay"
LAST = date(2013, 12, 31)


def write_home(home: Path, dates: int) -> None:
    """A home of one pipeline whose window has so many dates, each with one raw file."""
    shutil.copytree(CHECKOUT / "expectations", home / "expectations")
    (home / "pipelines").mkdir(parents=True)
    text = (CHECKOUT / "pipelines" / f"{PIPELINE}.yaml").read_text(encoding="utf-8")
    first = LAST - timedelta(days=dates - 1)
    text = re.sub(r"days: \d+, min_days", f"days: {dates}, min_days", text, count=1)
    text = re.sub(r"start_date: \S+", f"start_date: {first}", text, count=1)
    (home / "pipelines" / f"{PIPELINE}.yaml").write_text(text, encoding="utf-8")
    for number in range(dates):
        folder = home / "data" / "raw" / "flights" / f"date={first + timedelta(days=number)}"
        folder.mkdir(parents=True)
        (folder / "flights.csv").write_text("year\n2013\n", encoding="utf-8")


def plan(home: Path) -> tuple[float, float]:
    """Seconds of the processor, and of the clock, of `vintage plan` for the last date."""
    command = [
        sys.executable,
        "-m",
        "vintage",
        "plan",
        PIPELINE,
        "--from",
        str(LAST),
        "--to",
        str(LAST),
    ]
    places = {"VINTAGE_HOME": str(home), "VINTAGE_STORE": str(home / "data" / "store")}
    places["MLFLOW_TRACKING_URI"] = f"sqlite:///{home}/mlflow.db"
    before, started = os.times(), time.monotonic()
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | places, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, time.monotonic() - started
