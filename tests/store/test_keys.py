"""A key is the same for the same ingredients, differs when one differs, and knows no time, host or path."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.store.keys import Ingredients, canonical_json, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def ingredients(**changes: object) -> Ingredients:
    given = {
        "kind": "features",
        "date": "2013-02-28",
        "inputs": {"snapshot": {"2013-02-28": "a" * 64}},
        "spec": {"sql": "SELECT 1"},
        "seed": 42,
        "code": "c",
        "engines": {"spark": "4.1.4"},
    }
    return Ingredients.model_validate(given | changes)


@given(JSON)
def test_canonical_json_reads_back_and_has_one_spelling(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=6))
def test_the_order_of_names_does_not_matter(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(list(value.items()))))


def test_nan_has_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"value": math.nan})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "snapshot"},
        {"date": "2013-03-01"},
        {"inputs": {"snapshot": {"2013-02-28": "b" * 64}}},
        {"inputs": {"snapshot": {"2013-02-27": "a" * 64}}},
        {"spec": {"sql": "SELECT 2"}},
        {"seed": 43},
        {"code": "d"},
        {"engines": {"spark": "4.1.5"}},
    ],
)
def test_each_ingredient_changes_the_key(change: dict[str, object]) -> None:
    assert ingredients(**change).key != ingredients().key


def test_equal_ingredients_have_one_key() -> None:
    assert ingredients().key == ingredients().key
    assert len(ingredients().key) == 64
