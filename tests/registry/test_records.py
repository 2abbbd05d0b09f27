"""Names and values reach MLflow at a length that it takes, and two that differ stay apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vintage.registry.tracking.records import accepted_name, shortened


@given(st.text(max_size=400), st.integers(min_value=80, max_value=200))
def test_a_shortened_text_fits_and_a_short_one_is_itself(text: str, longest: int) -> None:
    cut = shortened(text, longest)
    assert len(cut) <= longest
    assert (cut == text) == (len(text) <= longest)


def test_two_long_texts_stay_apart() -> None:
    assert shortened("x" * 7000 + "a", 6000) != shortened("x" * 7000 + "b", 6000)


@given(st.text(max_size=400))
def test_a_name_fits(name: str) -> None:
    assert len(accepted_name(name)) <= 250


def test_a_name_of_ours_is_left_as_it_is() -> None:
    assert accepted_name("4.LogisticRegression.regParam") == "4.LogisticRegression.regParam"
    assert accepted_name("n" * 300 + "a") != accepted_name("n" * 300 + "b")
