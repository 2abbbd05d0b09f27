"""Runs the benchmarks and writes what they gave: ratios of two things run side by side, as medians."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chain import CHECKOUT
from benchmarks.data import many_flights
from benchmarks.measures import (
    DAY,
    MANY,
    RAW,
    ROWS_A_DAY,
    Row,
    backfill,
    cold,
    evaluation,
    parse,
    planning,
    serving,
    startup,
    verification,
    warm,
)
from benchmarks.modes import exactness
from benchmarks.reading import reading
from examples.prepare import prepare

RESULTS = CHECKOUT / "benchmarks" / "results"
HOURS = ["backfill", "exactness", "verification"]
EVERY = ["startup", "warm", "cold", "many", "evaluation", "parse", "planning", "reading", "serving"]
SIZES = (3_000_000, 10_000_000)


def main() -> None:
    """`python -m benchmarks.run [WHICH …]`: all that do not take hours, when none is named."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("which", nargs="*", choices=[*EVERY, *HOURS, []])
    parser.add_argument("--days", type=int, default=30, help="dates of the backfill (%(default)s)")
    parser.add_argument(
        "--submitted",
        type=int,
        default=5,
        help="how many of them by submitted jobs too (%(default)s)",
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=MANY, help="of many and verification (%(default)s)")
    parser.add_argument("--day", type=int, default=10_000_000, help="rows of reading's day (%(default)s)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="how many rows the fits of exactness have"
    )
    parser.add_argument("--scratch", type=Path, help="where to work; a temporary folder when left out")
    parser.add_argument("--champions", type=Path, help="where those of serving are kept, to be used again")
    arguments = parser.parse_args()
    wanted = arguments.which or EVERY
    prepare(("flight_delay",), RAW.parent)
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="vintage-bench-") as name:
        scratch = Path(name)
        for which in wanted:
            started = time.monotonic()
            _write(which, _run(which, scratch, arguments))
            Console().print(f"{which}: {time.monotonic() - started:.0f} s")
    _show(wanted)


def _run(which: str, scratch: Path, arguments: argparse.Namespace) -> list[Row]:  # noqa: PLR0911 - one each
    runs = arguments.runs
    if which == "backfill":
        return backfill(scratch, arguments.days, arguments.submitted)
    if which == "startup":
        return [startup(scratch, max(runs, 5))]
    if which == "warm":
        measure = "warm chain of six jobs, one flights date / hand-written script"
        return [warm(scratch, RAW, measure, 2.0, runs=runs)]
    if which == "cold":
        return [cold(scratch, runs)]
    if which == "planning":
        return planning(scratch, runs)
    if which == "reading":
        return reading(scratch, arguments.day, runs)
    if which in {"evaluation", "parse"}:
        return evaluation(runs) if which == "evaluation" else parse(max(runs, 5))
    if which == "serving":
        return serving(arguments.champions or scratch, 1000 * runs)
    if which == "exactness":
        return exactness(scratch, arguments.sizes, runs)
    many = scratch / "many-flights"
    many_flights(RAW, many, DAY, rows=arguments.rows)
    if which == "verification":
        return [verification(scratch, many, runs=runs, times=arguments.rows // 28 // ROWS_A_DAY)]
    measure = "warm chain at 3 million rows / hand-written script"
    return [warm(scratch, many, measure, 1.0, runs=runs, times=arguments.rows // 28 // ROWS_A_DAY)]


def _write(which: str, rows: list[Row]) -> None:
    machine = {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    content = {
        "rows": [asdict(row) for row in rows],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": machine,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{which}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _show(wanted: Iterable[str]) -> None:
    table = Table(
        "measure", "ratio", "of CPU", "goal", "ours", "baseline", "runs", "peak MiB, ours / baseline"
    )
    for which in wanted:
        for row in json.loads((RESULTS / f"{which}.json").read_text(encoding="utf-8"))["rows"]:
            met = "green" if row["ratio"] <= row["goal"] else "red"
            table.add_row(
                row["measure"],
                f"[{met}]{row['ratio']:.3g}",
                f"{row['ours_cpu'] / row['baseline_cpu']:.3g}" if row.get("baseline_cpu") else "",
                str(row["goal"]),
                f"{row['ours']:.4g}",
                f"{row['baseline']:.4g}",
                str(row["runs"]),
                f"{row['ours_peak_mib']:.0f} / {row['baseline_peak_mib']:.0f}"
                if row["ours_peak_mib"]
                else "",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
