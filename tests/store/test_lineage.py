"""An evaluated model of a date is found by the beginning of its key, or of its evaluation's."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import publish
from vintage.errors import SpecError, StoreError
from vintage.lineage import graph as lineage
from vintage.store import Store
from vintage.store.published import SHORTEST_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store import Artifact

DAY = date(2024, 3, 6)


def evaluated(store: Store, seed: int) -> tuple[Artifact, Artifact]:
    """A model and an evaluation of it."""
    model = publish(store, "model", DAY, seed=seed)
    return model, publish(store, "evaluation", DAY, {"model": [model]}, seed=seed)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "tiny")


def test_the_beginning_of_either_key_is_enough(store: Store) -> None:
    model, evaluation = evaluated(store, 1)
    evaluated(store, 2)
    for key in (model.key, evaluation.key):
        for length in (SHORTEST_PREFIX, len(key)):
            assert lineage.evaluation_with(store, DAY, key[:length]).key == evaluation.key


def test_of_several_evaluations_of_one_model_the_latest_is_meant(store: Store) -> None:
    model, _ = evaluated(store, 1)
    later = publish(store, "evaluation", DAY, {"model": [model]}, seed=2)
    assert lineage.evaluation_with(store, DAY, model.key).key == later.key


def test_what_begins_two_keys_is_refused_with_more_digits_of_each(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of as few digits as two keys share without a long search.
    monkeypatch.setattr(lineage, "is_key", lambda _key: True)
    made = [evaluated(store, seed)[0].key for seed in range(17)]
    [(digit, count)] = Counter(key[0] for key in made).most_common(1)
    assert count > 1
    keys = [key for key in made if key.startswith(digit)]
    with pytest.raises(SpecError, match=f"{digit} begins the keys of") as raised:
        lineage.evaluation_with(store, DAY, digit)
    assert all(key[:9] in str(raised.value) for key in keys)


@pytest.mark.parametrize(
    ("key", "error", "told"),
    [
        ("abc", SpecError, "'abc' is no key"),
        ("../../etc", SpecError, "is no key"),
        ("0" * 8, StoreError, "has no evaluated model 00000000 for 2024-03-06; expected one of"),
    ],
)
def test_what_is_no_key_of_the_date_is_refused(
    store: Store, key: str, error: type[Exception], told: str
) -> None:
    evaluated(store, 1)
    with pytest.raises(error, match=told):
        lineage.evaluation_with(store, DAY, key)
