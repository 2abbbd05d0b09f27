"""What order costs: ordered fits against those of Spark as it is, on one partition, and on one core."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from benchmarks.chain import Bench, Timing
from benchmarks.measures import RAW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Against what, the goal, and the masters of ours and of the baseline.
_AGAINST = {
    "Spark as it is": ("plain", 1.05, "local[2]", "local[2]"),
    "one partition": ("one", 1.0, "local[2]", "local[2]"),
    "one core": ("ordered", 0.75, "local[2]", "local[1]"),
}


def exactness(scratch: Path, sizes: Iterable[int], runs: int) -> list[Row]:
    """(g) ordered fits against those of Spark as it is, of one partition, and of one core."""
    bench = Bench(scratch / "exactness", RAW)
    found = []
    for rows in sizes:
        timings: dict[tuple[str, str], list[tuple[Timing, dict[str, float]]]] = {}
        places = {
            place
            for mode, _, ours, theirs in _AGAINST.values()
            for place in (("ordered", ours), (mode, theirs))
        }
        for _ in range(runs):
            for mode, master in sorted(places):
                file = bench.folder / f"{mode}.json"
                timing = bench.fits(rows, mode, master, file)
                timings.setdefault((mode, master), []).append(
                    (timing, json.loads(file.read_text(encoding="utf-8")))
                )
        for name, (mode, goal, ours, theirs) in _AGAINST.items():
            one, other = timings["ordered", ours], timings[mode, theirs]
            for model in one[0][1]:
                took, against = (
                    statistics.median(each[model] for _, each in these) for these in (one, other)
                )
                peaks = [statistics.median(timing.peak_mib for timing, _ in these) for these in (one, other)]
                found.append(
                    Row(
                        measure=f"{model} of {rows:,} rows: ordered / {name}",
                        ratio=round(took / against, 3),
                        goal=goal,
                        ours=round(took, 2),
                        baseline=round(against, 2),
                        unit="s",
                        runs=runs,
                        ours_peak_mib=round(peaks[0]),
                        baseline_peak_mib=round(peaks[1]),
                    )
                )
    return found
