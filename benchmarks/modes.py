"""What is measured of the modes of `reproducibility`: what exact costs, how far parallel fits part."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.chain import CHECKOUT, Bench, Timing
from benchmarks.measures import RAW, Row
from benchmarks.spread import FITS
from local.cluster import cluster_in
from local.settings import LOOPBACK
from spark_jobs.ml.tolerances import CLOSE


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
    """(h) how far models part that are fitted in parallel on the same rows, each class of Spark's.

    In four threads, where parts of a sum nearly always arrive in one order, and on four executors.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with cluster_in(scratch / "cluster") as cluster:
        for where, master in (("four threads", "local[4]"), ("four executors", cluster.master)):
            file = scratch / "spread.json"
            environment = {**os.environ, "SPARK_LOCAL_IP": LOOPBACK, "PYSPARK_PYTHON": sys.executable}
            command = [sys.executable, "-m", "benchmarks.spread", str(file), master]
            subprocess.run(command, cwd=CHECKOUT, env=environment, check=True)
            found[where] = json.loads(file.read_text(encoding="utf-8"))
    return [
        Row(
            measure=f"{name}, fitted in parallel {FITS} times by {where}: numbers part by / 1e-9",
            ratio=each["parallel"] / CLOSE,
            goal=1.0,
            ours=each["parallel"],
            baseline=CLOSE,
            unit="relative difference",
            runs=FITS,
            ours_peak_mib=0,
            baseline_peak_mib=0,
            detail={
                "different_models": each["models"],
                "from_exact": each["exact"],
                "exact_models": len({told[name]["exact_digest"] for told in found.values()}),
            },
        )
        for where, classes in found.items()
        for name, each in classes.items()
    ]
