"""Runs the benchmarks and writes what they gave: ratios of two things run side by side, as medians."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.backfill import backfills
from benchmarks.chain import CHECKOUT, Bench, Timing
from benchmarks.data import many_flights
from benchmarks.spread import FITS
from spark_jobs.ml.tolerances import CLOSE

DAY = date(2013, 2, 28)
RESULTS = CHECKOUT / "benchmarks" / "results"
RAW = CHECKOUT / "data" / "raw" / "flights"
MANY = 3_000_000
A_DAY = 900
HOURS = ["backfill", "exactness", "spread"]
EVERY = ["startup", "warm", "cold", "many", "evaluation", "parse"]
SIZES = (300_000, 3_000_000, 10_000_000)

NOTHING = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
spark.range(1).count()
spark.stop()
"""


@dataclass(frozen=True)
class Row:
    """One measure: `ratio` is ours / baseline, both in `unit`, each the median of `runs` runs."""

    measure: str
    ratio: float
    goal: float
    ours: float
    baseline: float
    unit: str
    runs: int
    ours_peak_mib: float
    baseline_peak_mib: float
    detail: dict[str, float]


def startup(scratch: Path, runs: int) -> Row:
    """(a) spark-submit of next to nothing with the archive of loaded classes, against the same without it."""
    application = scratch / "nothing.py"
    application.write_text(NOTHING, encoding="utf-8")
    archive = os.environ["VINTAGE_CDS_ARCHIVE"]
    bench = Bench(scratch / "startup", RAW)
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[*]"]
    fast = ["--conf", f"spark.driver.extraJavaOptions=-XX:SharedArchiveFile={archive} -Xshare:auto"]
    return _measured(
        "startup: spark-submit with the class archive / without",
        lambda number: [bench.timed([*submit, *fast, str(application)])],
        lambda number: [bench.timed([*submit, str(application)])],
        goal=0.65,
        runs=runs,
    )


def warm(scratch: Path, raw: Path, measure: str, goal: float, *, runs: int, times: int = 1) -> Row:
    """(b), (c) the six jobs for a date whose window is there but for the date itself, against the script."""
    bench = Bench(scratch / "warm", raw, times=times)
    bench.chain(DAY - timedelta(days=1))
    bench.keep()

    def ours(number: int) -> Iterable[Timing]:
        bench.restore()
        return bench.chain(DAY).values()

    row = _measured(measure, ours, lambda number: [bench.script(DAY, str(number))], goal=goal, runs=runs)
    shutil.rmtree(scratch / "warm")
    return row


def cold(scratch: Path, runs: int) -> Row:
    """(d) the six jobs for a window of 28 dates of which nothing is there, against the script."""
    bench = Bench(scratch / "cold", RAW)
    bench.keep()

    def ours(number: int) -> Iterable[Timing]:
        bench.restore()
        return bench.chain(DAY).values()

    return _measured(
        "cold window of 28 dates / hand-written script",
        ours,
        lambda number: [bench.script(DAY, str(number))],
        goal=3.0,
        runs=runs,
    )


def evaluation(runs: int) -> list[Row]:
    """(e) one evaluation with all it tells, against one evaluator, and against one for each metric."""
    command = [sys.executable, "-m", "benchmarks.evaluation", str(MANY), str(runs)]
    environment = os.environ | {"VINTAGE_LOG_LEVEL": "WARNING", "SPARK_LOCAL_IP": "127.0.0.1"}
    ended = subprocess.run(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    seconds = {name: statistics.median(each) for name, each in json.loads(ended.stdout).items()}
    against = {
        "one": ("evaluation of 3 million rows / one BinaryClassificationEvaluator", 1.5),
        "each": ("evaluation of 3 million rows / Spark's evaluators one by one", 0.2),
    }
    return [
        Row(
            measure=measure,
            ratio=round(seconds["ours"] / seconds[name], 3),
            goal=goal,
            ours=round(seconds["ours"], 2),
            baseline=round(seconds[name], 2),
            unit="s",
            runs=runs,
            ours_peak_mib=0,
            baseline_peak_mib=0,
            detail={},
        )
        for name, (measure, goal) in against.items()
    ]


def parse(runs: int) -> list[Row]:
    """(g) the Dag files over a home of many pipelines, once everything is imported, against a second."""
    rows = []
    for count in (1, 10, 100):
        command = [sys.executable, "-m", "benchmarks.parsing", str(count), str(runs)]
        ended = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        files = {name: statistics.median(each) for name, each in found["files"].items()}
        rows += [
            Row(
                measure=f"Dag folder of {count} pipelines, {which} after imports / one second",
                ratio=round(seconds, 3),
                goal=1.0,
                ours=round(seconds, 3),
                baseline=1.0,
                unit="s",
                runs=runs,
                ours_peak_mib=0,
                baseline_peak_mib=0,
                detail={
                    "imports": round(found["imports"], 2),
                    **{f"{name}.py": round(each, 3) for name, each in files.items()},
                },
            )
            for which, seconds in (("its slowest file", max(files.values())), ("all", sum(files.values())))
        ]
    return rows


def backfill(scratch: Path, days: int, submitted: int) -> list[Row]:
    """(f) dates of the past, each of a window of 28 dates, against a run of the script for each; once."""
    found = backfills(scratch, RAW, DAY, days, submitted)
    shutil.rmtree(scratch / "backfill")
    return [
        Row(
            measure=f"backfill of {len(scripts.timings)} dates, {way} / hand-written script for each",
            ratio=round(each.seconds / scripts.seconds, 3),
            goal=0.4,
            ours=round(each.seconds, 2),
            baseline=round(scripts.seconds, 2),
            unit="s",
            runs=1,
            ours_peak_mib=each.peak_mib,
            baseline_peak_mib=scripts.peak_mib,
            detail={"raw dates read": each.reads.total(), "by the script": scripts.reads.total()},
        )
        for way, (each, scripts) in found.items()
    ]


def exactness(scratch: Path, sizes: Iterable[int], runs: int) -> list[Row]:
    """(g) fits that are exact against the same that are parallel, and how far their predictions part."""
    bench = Bench(scratch / "exactness", RAW)
    found = []
    for rows in sizes:
        timings: dict[str, list[Timing]] = {"exact": [], "parallel": []}
        seconds: dict[str, list[dict[str, float]]] = {"exact": [], "parallel": []}
        predicted: dict[str, dict[str, dict[str, float]]] = {}
        for _ in range(runs):
            for mode, timed in timings.items():
                file = bench.folder / f"{mode}.json"
                timed.append(bench.fits(rows, mode, file))
                told = json.loads(file.read_text(encoding="utf-8"))
                seconds[mode].append({model: each["seconds"] for model, each in told.items()})
                predicted[mode] = {model: each["predicted"] for model, each in told.items()}
        peaks = {mode: statistics.median(each.peak_mib for each in timings[mode]) for mode in timings}
        for model, exact in predicted["exact"].items():
            took = {mode: statistics.median(each[model] for each in seconds[mode]) for mode in timings}
            parted = [abs(exact[row] - value) for row, value in predicted["parallel"][model].items()]
            found.append(
                Row(
                    measure=f"{model} of {rows:,} rows: exact / parallel",
                    ratio=round(took["exact"] / took["parallel"], 3),
                    goal=2.0,
                    ours=round(took["exact"], 2),
                    baseline=round(took["parallel"], 2),
                    unit="s",
                    runs=runs,
                    ours_peak_mib=round(peaks["exact"]),
                    baseline_peak_mib=round(peaks["parallel"]),
                    detail={
                        "greatest_difference": max(parted),
                        "share_that_differs": sum(each > 0 for each in parted) / len(parted),
                    },
                )
            )
    return found


def spread(scratch: Path) -> list[Row]:
    """(h) how far models part that are fitted in parallel on the same rows, each class of Spark's."""
    file = scratch / "spread.json"
    subprocess.run([sys.executable, "-m", "benchmarks.spread", str(file)], cwd=CHECKOUT, check=True)
    return [
        Row(
            measure=f"{name}, fitted in parallel {FITS} times: numbers part by / 1e-9",
            ratio=each["parallel"] / CLOSE,
            goal=1.0,
            ours=each["parallel"],
            baseline=CLOSE,
            unit="relative difference",
            runs=FITS,
            ours_peak_mib=0,
            baseline_peak_mib=0,
            detail={"different_models": each["models"], "from_exact": each["exact"]},
        )
        for name, each in json.loads(file.read_text(encoding="utf-8")).items()
    ]


def _measured(
    measure: str,
    ours: Callable[[int], Iterable[Timing]],
    baseline: Callable[[int], Iterable[Timing]],
    *,
    goal: float,
    runs: int,
) -> Row:
    """Runs both in turn, so that a slow spell of the machine meets both."""
    mine: list[list[Timing]] = []
    theirs: list[list[Timing]] = []
    for number in range(runs):
        mine.append(list(ours(number)))
        theirs.append(list(baseline(number)))
    our_seconds = statistics.median(sum(each.seconds for each in run) for run in mine)
    their_seconds = statistics.median(sum(each.seconds for each in run) for run in theirs)
    return Row(
        measure=measure,
        ratio=round(our_seconds / their_seconds, 3),
        goal=goal,
        ours=round(our_seconds, 2),
        baseline=round(their_seconds, 2),
        unit="s",
        runs=runs,
        ours_peak_mib=round(max(each.peak_mib for run in mine for each in run)),
        baseline_peak_mib=round(max(each.peak_mib for run in theirs for each in run)),
        detail={
            f"step {place + 1}": round(statistics.median(run[place].seconds for run in mine), 2)
            for place in range(len(mine[0]))
        },
    )


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
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="how many rows the fits of exactness have"
    )
    parser.add_argument("--scratch", type=Path, help="where to work; a temporary folder when left out")
    arguments = parser.parse_args()
    wanted = arguments.which or EVERY
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="vintage-bench-") as name:
        scratch = Path(name)
        for which in wanted:
            started = time.monotonic()
            _write(which, _run(which, scratch, arguments))
            Console().print(f"{which}: {time.monotonic() - started:.0f} s")
    _show()


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
    if which in {"evaluation", "parse"}:
        return evaluation(runs) if which == "evaluation" else parse(max(runs, 5))
    if which in {"exactness", "spread"}:
        return exactness(scratch, arguments.sizes, runs) if which == "exactness" else spread(scratch)
    many = scratch / "many-flights"
    many_flights(RAW, many, DAY, rows=MANY)
    measure = "warm chain at 3 million rows / hand-written script"
    return [warm(scratch, many, measure, 1.0, runs=runs, times=MANY // 28 // A_DAY)]


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


def _show() -> None:
    table = Table("measure", "ratio", "goal", "ours, s", "baseline, s", "runs", "peak MiB, ours / baseline")
    for path in sorted(RESULTS.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            met = "green" if row["ratio"] <= row["goal"] else "red"
            table.add_row(
                row["measure"],
                f"[{met}]{row['ratio']}",
                str(row["goal"]),
                str(row["ours"]),
                str(row["baseline"]),
                str(row["runs"]),
                f"{row['ours_peak_mib']:.0f} / {row['baseline_peak_mib']:.0f}"
                if row["ours_peak_mib"]
                else "",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
