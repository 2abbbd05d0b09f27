"""How much each row of a holdout counts in its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.ml.families.error_sums import power_of_two
from vintage.ml.families.measured import is_finite

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from vintage.spec import Pipeline

WEIGHT: Final = "__weight"
"""Column of a scored holdout: the weight of a row, as a double; absent where rows count alike."""


def weight_columns(pipeline: Pipeline) -> list[Column]:
    """Return what a scored holdout keeps of its rows to weigh them: one column, or nothing."""
    from pyspark.sql import functions as F

    name = pipeline.evaluate.weight
    return [] if name is None else [F.col(f"`{name}`").try_cast("double").alias(WEIGHT)]


@dataclass(frozen=True)
class Weights:
    """The weights of a holdout.

    Attributes:
        scale: a power of two that none exceeds, by which they are divided: no metric depends on the scale.
        unknown: rows whose weight is null, negative or no finite number; they count nothing.
        any: whether a row has a weight above 0.
    """

    scale: float
    unknown: int
    any: bool

    @classmethod
    def of(cls, scored: DataFrame) -> Weights | None:
        """Return the weights of a scored holdout, from one pass over it; None where its rows count alike."""
        from pyspark.sql import functions as F

        if WEIGHT not in scored.columns:
            return None
        known = _known()
        [seen] = scored.agg(
            F.count_if(~known).alias("unknown"), F.max(F.when(known, F.col(WEIGHT))).alias("most")
        ).collect()
        most = seen["most"] or 0.0
        return cls(power_of_two(most), seen["unknown"], most > 0)

    @property
    def share(self) -> Column:
        """A row's weight, from 0 to 1, as a decimal: no sum of them depends on the order of rows."""
        from pyspark.sql import functions as F

        return F.when(_known(), F.col(WEIGHT) / self.scale).otherwise(0.0).cast("decimal(28,27)")

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why rows of these weights can tell nothing of a model."""
        if self.unknown:
            told = "rows of the holdout have a weight that is null, negative or no finite number"
            return (f"{self.unknown} {told}",)
        return () if self.any else ("no row of the holdout has a weight above 0",)


def _known() -> Column:
    from pyspark.sql import functions as F

    return is_finite(F.col(WEIGHT)) & (F.col(WEIGHT) >= 0)
