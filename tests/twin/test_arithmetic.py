"""Arithmetic in Java's order and by Java's rules, held against other libraries and against plain loops."""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dct, idct
from sklearn.utils import murmurhash3_32

from vintage.twin import Frame, Stage, java
from vintage.twin.arithmetic import argmax, in_order, softmax
from vintage.twin.columns import Column
from vintage.twin.stages import prepared
from vintage.twin.stages.hashing import murmur3

FINITE = st.floats(-1e10, 1e10)


@given(st.lists(FINITE, max_size=40))
def test_a_sum_is_added_from_the_first_to_the_last(terms: list[float]) -> None:
    assert in_order(np.array([terms])).tolist() == [reduce(float.__add__, terms, 0.0)]


@given(st.text())
def test_the_hash_is_that_of_murmur3(text: str) -> None:
    assert murmur3(text) == murmurhash3_32(text, seed=42)


@pytest.mark.parametrize(
    ("scores", "place"),
    [([1, 2, 2], 1), ([np.nan, 2, 3], 0), ([1, np.nan, 3], 2), ([-np.inf, -np.inf, 0], 2), ([0.0, -0.0], 0)],
)
def test_the_largest_is_the_first_of_equals_and_no_nan(scores: list[float], place: int) -> None:
    assert argmax(np.array([scores], dtype=float)).tolist() == [place]


def test_an_infinite_margin_takes_all() -> None:
    with np.errstate(invalid="ignore"):
        found = softmax(np.array([[1.0, np.inf, 0.0], [0.0, 0.0, -np.inf], [np.inf, 0.0, np.inf]]))
    np.testing.assert_equal(found, [[0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [1.0, 0.0, np.nan]])


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (123456789.5, "1.234567895E8"),
        (5e-324, "4.9E-324"),
        (np.nan, "NaN"),
        (-np.inf, "-Infinity"),
    ],
)
def test_a_double_is_written_as_java_writes_it(number: float, text: str) -> None:
    assert java.text_of_double(np.float64(number)) == text


def test_a_float_has_the_digits_of_a_float() -> None:
    assert java.text_of_double(np.float32(0.1)) == "0.1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a b", ["a", "b"]),
        (" a  b ", ["", "a", "", "b"]),
        ("", [""]),
        ("  ", []),
        ("ab", ["ab"]),
    ],
)
def test_a_text_is_cut_as_java_cuts_it(text: str, parts: list[str]) -> None:
    assert java.split(re.compile(r"\s"), text) == parts


def test_a_character_beyond_the_first_plane_counts_twice() -> None:
    assert java.length("a😀") == 3


@pytest.mark.parametrize(("inverse", "oracle"), [(False, dct), (True, idct)])
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_cosine_transform_is_scipys(inverse: bool, oracle: object, size: int) -> None:
    vectors = np.random.default_rng(3).normal(size=(4, size))
    found = made(Stage("DCT", {"inputCol": "v", "outputCol": "made", "inverse": inverse}), vectors)
    np.testing.assert_allclose(found, oracle(vectors, type=2, norm="ortho"), rtol=1e-12)  # type: ignore[operator]


def test_products_of_slots_are_in_sparks_order() -> None:
    x, y = 3.0, 5.0
    expansion = Stage("PolynomialExpansion", {"inputCol": "v", "outputCol": "made", "degree": 3})
    expected = [x, x * x, x**3, y, x * y, x * x * y, y * y, x * y * y, y**3]
    assert made(expansion, np.array([[x, y]])).tolist() == [expected]


def made(stage: Stage, vectors: np.ndarray) -> np.ndarray:
    frame = Frame({"v": Column.full(vectors)}, np.arange(len(vectors)))
    return prepared(stage)(frame)["made"].values
