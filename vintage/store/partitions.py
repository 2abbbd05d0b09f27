"""On how many partitions rows are trained on: as their number says, never the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.store.details import FeaturesDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vintage.spec import Pipeline
    from vintage.store.artifacts import Artifact

ROWS_PER_PARTITION: Final = 250_000
"""A fit of 300,000 rows was quicker on one partition than on sixteen, with two cores: docs/exactness.md."""
MOST_PARTITIONS: Final = 10_000
# What a manifest said before it had the number itself.
_PARTITIONS_OF_MODES: Final = {"exact": 1, "parallel": 16}


def partitions_for(pipeline: Pipeline, parts: Iterable[Artifact]) -> int:
    """Return the number of Spark partitions for the feature rows, unless the pipeline fixes it.

    Of a split by key, the rows of both sides count: which is which is known to no manifest.
    """
    if pipeline.partitions is not None:
        return pipeline.partitions
    rows = sum(_trainable(part) for part in parts)
    return min(MOST_PARTITIONS, max(1, -(-rows // ROWS_PER_PARTITION)))


def _trainable(features: Artifact) -> int:
    counted = FeaturesDetails.of(features).trainable
    return features.row_count if counted is None else counted


def partitions_then(model: Artifact) -> int:
    """Return how many partitions a model, or a tuning, was made on."""
    spec = model.manifest.ingredients.spec
    return int(spec.get("partitions", _PARTITIONS_OF_MODES.get(spec.get("reproducibility", ""), 1)))
