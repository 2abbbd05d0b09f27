"""The rows decide on how many partitions they are learnt from; a manifest says on how many they were."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.store.details import FeaturesDetails
from vintage.store.partitions import MOST_PARTITIONS, ROWS_PER_PARTITION, partitions_for, partitions_then

STAGES = "- LogisticRegression: {}"


def part(trainable: int | None, rows: int = 0) -> Any:
    details = FeaturesDetails(trainable=trainable)
    return SimpleNamespace(manifest=SimpleNamespace(details=details), row_count=rows)


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        ([], 1),
        ([0], 1),
        ([ROWS_PER_PARTITION], 1),
        ([ROWS_PER_PARTITION, 1], 2),
        ([ROWS_PER_PARTITION] * 12, 12),
        ([10**12], MOST_PARTITIONS),
    ],
)
def test_the_number_follows_from_the_rows_that_one_may_learn_from(
    trainable: list[int], expected: int
) -> None:
    parts = [part(each, rows=10**9) for each in trainable]
    assert partitions_for(pipeline_of(STAGES), parts) == expected
    assert partitions_for(pipeline_of(STAGES, partitions=7), parts) == 7


def test_a_manifest_that_does_not_count_them_counts_all_its_rows() -> None:
    assert partitions_for(pipeline_of(STAGES), [part(None, rows=3 * ROWS_PER_PARTITION)]) == 3


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"partitions": 5}, 5),
        ({"reproducibility": "exact"}, 1),
        ({"reproducibility": "parallel"}, 16),
        ({}, 1),
    ],
)
def test_a_manifest_of_the_modes_that_were_is_read(spec: dict[str, Any], expected: int) -> None:
    ingredients = SimpleNamespace(spec=spec)
    model: Any = SimpleNamespace(manifest=SimpleNamespace(ingredients=ingredients))
    assert partitions_then(model) == expected
