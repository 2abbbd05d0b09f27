"""What order costs: ordered fits against those of Spark as it is, on one partition, and on one core."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.chain import Bench, Timing
from benchmarks.measures import RAW, Row, compared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    # A process, and seconds of the clock and of CPU of each thing that it did.
    Run = tuple[Timing, dict[str, dict[str, float]]]

# Against what, the goal, and the masters of ours and of the baseline.
_AGAINST = {
    "Spark as it is": ("plain", 1.05, "local[2]", "local[2]"),
    "one partition": ("one", 1.0, "local[2]", "local[2]"),
    "one core": ("ordered", 0.75, "local[2]", "local[1]"),
}


def exactness(scratch: Path, sizes: Sequence[int], runs: int) -> list[Row]:
    """(g) ordered fits against those of Spark as it is, of one partition, and of one core."""
    bench = Bench(scratch / "exactness", RAW)
    found = []
    for rows in sizes:
        timings: dict[tuple[str, str], list[Run]] = {}
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
            found += [
                compared(
                    f"{what if 'parts' in what else f'{what} of {rows:,} rows'}: ordered / {name}",
                    _of(what, one),
                    _of(what, other),
                    goal=goal,
                    detail={},
                )
                for what in one[0][1]
                # How many rows and cores there are says nothing of parts.
                if "parts" not in what or (name, rows) == ("Spark as it is", min(sizes))
            ]
    return found


def _of(what: str, runs: Sequence[Run]) -> list[list[Timing]]:
    return [[Timing(found[what]["seconds"], found[what]["cpu"], timing.peak_mib)] for timing, found in runs]
