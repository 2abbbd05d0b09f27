"""How far fits in parallel may part: what was measured of each Estimator of pyspark.ml, and of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyspark.ml import Estimator

from spark_jobs.ml.catalogue import find_stage_class
from spark_jobs.ml.nested import NESTED, nested_stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from spark_jobs.spec import Pipeline, Stage

CLOSE: Final = 1e-9
"""Relative: a thousand times what the order of sums changed in most classes."""
# By which Params a class adds up in another way: approximate quantiles are merged in no certain order, and
# a forest counts whole numbers as long as rows count alike.
_APART: Final = (
    ("Imputer", "strategy", "median"),
    ("DecisionTreeClassifier", "weightCol", None),
    ("RandomForestClassifier", "weightCol", None),
)

BOUNDS: Final[Mapping[str, float]] = dict.fromkeys(
    (
        # They count, find the least and the greatest, or follow from a seed alone.
        "BucketedRandomProjectionLSH",
        "DecisionTreeClassifier",
        "IDF",
        "MaxAbsScaler",
        "MinHashLSH",
        "MinMaxScaler",
        "OneHotEncoder",
        "RandomForestClassifier",
        "RFormula",
        "StringIndexer",
        "VectorIndexer",
        # What they add follows from sums, and parts as little as those do.
        "AFTSurvivalRegression",
        "GeneralizedLinearRegression",
        "Imputer",
        "IsotonicRegression",
        "LinearRegression",
        "LinearSVC",
        "LogisticRegression",
        "NaiveBayes",
        "StandardScaler",
        "TargetEncoder",
        # The classifier in it has its own.
        "OneVsRest",
    ),
    CLOSE,
)
"""Estimator → greatest relative difference of what it adds to a row; one that is not here has no bound.

Measured by `python -m benchmarks.run spread`, in threads and on executors, with room for rows of other sizes.
One that decides by sums of fractions, where to split or which features to keep, has none, however little it
parted.
"""


@dataclass(frozen=True)
class Tolerance:
    """How far numbers of a model may be from those of the same model fitted again.

    Attributes:
        relative: |a - b| / max(|a|, |b|, 0.001) of two predictions or metrics; None where no bound is known.
        of: the classes of stages that decide it.
    """

    relative: float | None
    of: tuple[str, ...]

    @property
    def told(self) -> str:
        """In words."""
        of = f" of {', '.join(self.of)}" if self.of else ""
        if self.relative is None:
            return f"fitted in parallel, where no bound is known{of}: other bits may be other numbers"
        return f"fitted in parallel, where numbers may differ by {self.relative:g}, relatively{of}"

    def details(self) -> dict[str, Any]:
        """As a model's manifest has it."""
        return {"relative": self.relative, "of": list(self.of)}


def tolerance_of(pipeline: Pipeline) -> Tolerance | None:
    """The tolerance of a pipeline's models; None of those that are exact.

    What one stage gives the next one reads, so that the widest bound is that of all, and a stage without one
    leaves none. Estimators of one's own may add up in any way: they have none.
    """
    if pipeline.reproducibility == "exact":
        return None
    learning = list(dict.fromkeys(_estimators(pipeline.stages)))
    unbounded = tuple(name for name in learning if name not in BOUNDS)
    if unbounded:
        return Tolerance(None, unbounded)
    widest = max([CLOSE, *(BOUNDS[name] for name in learning)])
    return Tolerance(widest, tuple(name for name in learning if BOUNDS[name] == widest))


def _adds_otherwise(stage: str, param: str, value: Any) -> bool:
    return (stage, param, value) in _APART or (stage, param, None) in _APART


def _estimators(stages: Iterable[Stage]) -> Iterator[str]:
    for stage in stages:
        if issubclass(find_stage_class(stage.type), Estimator):
            apart = [name for name, value in stage.params.items() if _adds_otherwise(stage.type, name, value)]
            yield ", ".join([stage.type, *(f"{name}={stage.params[name]}" for name in apart)])
        for name in stage.params:
            inner = nested_stage(stage, name) if (stage.type, name) in NESTED else None
            if inner is not None:
                yield from _estimators([inner])
