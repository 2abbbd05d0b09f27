"""What is measured of nights: their jobs, backfills and parts, each against something run side by side."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.backfill import backfills
from benchmarks.chain import CHECKOUT, Bench, Timing
from benchmarks.planning import plan, write_home
from benchmarks.serving import measured as served

DAY = date(2013, 2, 28)
RAW = CHECKOUT / "data" / "raw" / "flights"
MANY = 3_000_000
NOTHING = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
spark.range(1).count()
spark.stop()
"""


ROWS_A_DAY = 900
DATES = 1_000
IMPORTING = """
import vintage.session
import vintage.store.integrity
"""
TRUSTING = f"""{IMPORTING}
vintage.store.integrity.require_intact = lambda artifacts: None
vintage.session.FIXED_CONF = {{
    **vintage.session.FIXED_CONF,
    "spark.hadoop.parquet.page.verify-checksum.enabled": "false",
}}
"""


@dataclass(frozen=True)
class Row:
    """One measure: `ratio` is ours / baseline, both in `unit`, each the median of `runs` runs.

    Peaks of memory and seconds of the processor are 0 where they were not measured.
    """

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
    ours_cpu: float = 0
    baseline_cpu: float = 0


def startup(scratch: Path, runs: int) -> Row:
    """(a) spark-submit of next to nothing with the archive of loaded classes, against the same without it."""
    application = scratch / "nothing.py"
    application.write_text(NOTHING, encoding="utf-8")
    archive = os.environ["VINTAGE_CDS_ARCHIVE"]
    bench = Bench(scratch / "startup", RAW)
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[*]"]
    fast = ["--conf", f"spark.driver.extraJavaOptions=-XX:SharedArchiveFile={archive} -Xshare:auto"]
    return measured(
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

    row = measured(measure, ours, lambda number: [bench.script(DAY, str(number))], goal=goal, runs=runs)
    shutil.rmtree(scratch / "warm")
    return row


def verification(scratch: Path, raw: Path, *, runs: int, times: int) -> Row:
    """(i) the chain as in (c), against the same without comparing bytes and verifying pages."""
    bench = Bench(scratch / "verification", raw, times=times)
    bench.chain(DAY - timedelta(days=1))
    bench.keep()
    before = bench.environment.get("PYTHONPATH", "")

    def chain(first: str) -> Iterable[Timing]:
        # Python imports it when it starts, whichever program it runs; so both pay for the same imports.
        folder = scratch / "first"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(first, encoding="utf-8")
        bench.restore()
        bench.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
        return bench.chain(DAY).values()

    row = measured(
        f"warm chain at {times * ROWS_A_DAY * 28:,} rows, bytes compared / not",
        lambda number: chain(IMPORTING),
        lambda number: chain(TRUSTING),
        goal=1.03,
        runs=runs,
    )
    shutil.rmtree(scratch / "verification")
    return row


def cold(scratch: Path, runs: int) -> Row:
    """(d) the six jobs for a window of 28 dates of which nothing is there, against the script."""
    bench = Bench(scratch / "cold", RAW)
    bench.keep()

    def ours(number: int) -> Iterable[Timing]:
        bench.restore()
        return bench.chain(DAY).values()

    return measured(
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
            _within(
                f"Dag folder of {count} pipelines, {which} after imports / one second",
                seconds,
                1.0,
                runs=runs,
                detail={
                    "imports": round(found["imports"], 2),
                    **{f"{name}.py": round(each, 3) for name, each in files.items()},
                },
            )
            for which, seconds in (("its slowest file", max(files.values())), ("all", sum(files.values())))
        ]
    return rows


def planning(scratch: Path, runs: int) -> list[Row]:
    """(h) a window of 1,000 dates, a file each: listed and planned, against 20 seconds of the processor."""
    home = scratch / "planning"
    write_home(home, DATES)
    found = [plan(home) for _ in range(runs)]
    shutil.rmtree(home)
    seconds = statistics.median(used for used, _ in found)
    return [
        _within(
            f"{DATES} dates of one file each, listed and planned / 20 seconds of the processor",
            seconds,
            20.0,
            runs=runs,
            detail={"seconds of the clock": round(statistics.median(clock for _, clock in found), 2)},
        )
    ]


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


def _within(measure: str, seconds: float, bound: float, *, runs: int, detail: Mapping[str, float]) -> Row:
    """Return the median of some runs against so many seconds; no memory was looked at."""
    return Row(
        measure=measure,
        ratio=round(seconds / bound, 3),
        goal=1.0,
        ours=round(seconds, 3),
        baseline=bound,
        unit="s",
        runs=runs,
        ours_peak_mib=0,
        baseline_peak_mib=0,
        detail=dict(detail),
    )


def measured(
    measure: str,
    ours: Callable[[int], Iterable[Timing]],
    baseline: Callable[[int], Iterable[Timing]],
    *,
    goal: float,
    runs: int,
) -> Row:
    """Run both in turn, so that a slow spell of the machine meets both."""
    mine: list[list[Timing]] = []
    theirs: list[list[Timing]] = []
    for number in range(runs):
        mine.append(list(ours(number)))
        theirs.append(list(baseline(number)))
    return compared(measure, mine, theirs, goal=goal)


def compared(
    measure: str,
    mine: Sequence[Sequence[Timing]],
    theirs: Sequence[Sequence[Timing]],
    *,
    goal: float,
    detail: Mapping[str, float] | None = None,
) -> Row:
    """Return the medians of runs that were made in turn, each of one step or several."""
    our_seconds, their_seconds = (
        statistics.median(sum(each.seconds for each in run) for run in runs) for runs in (mine, theirs)
    )
    our_cpu, their_cpu = (
        statistics.median(sum(each.cpu for each in run) for run in runs) for runs in (mine, theirs)
    )
    return Row(
        measure=measure,
        ratio=round(our_seconds / their_seconds, 3),
        goal=goal,
        ours=round(our_seconds, 2),
        baseline=round(their_seconds, 2),
        unit="s",
        runs=len(mine),
        ours_peak_mib=round(max(each.peak_mib for run in mine for each in run)),
        baseline_peak_mib=round(max(each.peak_mib for run in theirs for each in run)),
        detail=dict(detail)
        if detail is not None
        else {
            f"step {place + 1}": round(statistics.median(run[place].seconds for run in mine), 2)
            for place in range(len(mine[0]))
        },
        ours_cpu=round(our_cpu, 2),
        baseline_cpu=round(their_cpu, 2),
    )


def serving(scratch: Path, requests: int) -> list[Row]:
    """(j) one row over HTTP, a batch, the start, memory, and a swap of the champion under load."""
    found = served(scratch, RAW, (DAY - timedelta(days=1), DAY), requests)
    spark, ours, batch, swap = found["spark"], found["ours"], found["batch"], found["swap"]
    asked, failed = sum(swap.values()), sum(swap.values()) - swap.get("status_200", 0.0)

    def row(
        measure: str, goal: float, value: float, baseline: float, unit: str, detail: dict[str, float]
    ) -> Row:
        return Row(measure, value / baseline, goal, value, baseline, unit, requests, 0, 0, detail)

    return [
        row("one row over HTTP, p50 / MLflow's Spark flavor", 0.01, ours["p50"], spark["p50"], "s", ours),
        row("one row over HTTP, p50 / 2 ms", 1.0, ours["p50"], 0.002, "s", {}),
        row("one row over HTTP, p99 / 5 ms", 1.0, ours["p99"], 0.005, "s", {}),
        row(
            "a batch of 1,000 rows / pandas and scikit-learn", 1.0, batch["ours"], batch["baseline"], "s", {}
        ),
        row("start of the server / 3 s", 1.0, ours["started"], 3.0, "s", spark),
        row("memory of the server / 300 MiB", 1.0, ours["mib"], 300.0, "MiB", {}),
        row("requests that failed while the champion changed / all", 0.0, failed, asked, "requests", swap),
    ]
