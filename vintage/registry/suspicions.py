"""What a careful person would question of a good result: it refuses a model until the spec allows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vintage.spec import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.ml.families import EvaluationResult
    from vintage.ml.overlap import Overlap
    from vintage.spec import Pipeline

NEAR: Final = 1e-9
"""How far from perfect a metric may be that rounding alone keeps from it."""

TELLING: Final = ("areaUnderROC", "accuracy", "r2")
"""Metrics that are questioned whatever metric decides: each is perfect only if every answer is right."""


def suspicions(pipeline: Pipeline, measured: EvaluationResult, overlap: Overlap) -> Iterator[str]:
    """Yield the reasons to question what a model reaches, each a sentence with the key that allows it."""
    evaluate = pipeline.evaluate
    if not evaluate.allow_perfect:
        metrics = METRICS[pipeline.task]
        for name in dict.fromkeys((evaluate.metric, *TELLING)):
            best = metrics[name].best if name in metrics else None
            value = measured.values.get(name, math.nan)
            if best is not None and abs(value - best) <= NEAR:
                yield (
                    f"{name} is {value:.6g}, which is perfect: most likely the features hold the answer, or "
                    "the holdout tells nothing; evaluate.allow_perfect: true lets such a model pass"
                )
    if overlap.share > evaluate.max_overlap:
        same = "; ".join(
            f"{day} has the same rows as {other}" for day, other in sorted(overlap.dates.items())
        )
        yield (
            f"{overlap.rows} of {measured.rows} holdout rows ({overlap.share:.2%}) are training rows "
            f"too, more than evaluate.max_overlap {evaluate.max_overlap:g}{': ' * bool(same)}{same}"
        )
