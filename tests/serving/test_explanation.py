"""`vintage serve --explain` says what a request holds, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serving.conftest import of_raw_rows
from vintage.cli.serve import show
from vintage.errors import NothingServes
from vintage.serving import explained
from vintage.serving.explanation import FEATURES, RAW, Field, Made

if TYPE_CHECKING:
    from tests.serving.conftest import Desk


def test_the_columns_of_a_request_are_told_with_the_sql_that_makes_them(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"size": "a cast of INT to DOUBLE is left to Spark"}
    raw = {"reason": f"`size`: {refused['size']}", "columns": refused}
    found = explained(desk.store, desk.promoted(fitted={"reason": "", "raw": raw}))
    assert found.fields == (Field("colour", "string"), Field("size", "double"))
    assert found.made == (
        Made("colour", "string", "colour", "the twin"),
        Made("size", "double", "CAST(millimetres / 10 AS DOUBLE)", refused["size"]),
    )
    assert found.answers == ("prediction",)
    assert found.why == f"{FEATURES}: {raw['reason']}."
    show("paint", found)
    told = " ".join(capsys.readouterr().out.split())
    assert "served by its twin, without Spark: 9 holdout rows have the same prediction" in told
    assert "A request holds the columns after preprocess, not the raw ones: `size`:" in told


def test_raw_columns_are_told_with_what_shows_that_they_give_the_same(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(desk.store, desk.promoted(**of_raw_rows()))
    assert found.fields == (Field("colour", "string"), Field("millimetres", "int"))
    assert {each.by for each in found.made} == {"the twin"}
    assert found.why == (
        f"{RAW}: 9 raw rows of the holdout's dates give the features that Spark made of them. "
        "A row gets no prediction unless millimetres > 0."
    )
    show("paint", found)
    assert "CAST(millimetres / 10 AS DOUBLE)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"fitted": {"reason": ""}}, "the model was fitted before twins took raw rows"),
        ({"raw": None}, "the twin's features were not compared with those of the holdout"),
        (
            {"raw": {"rows": 3, "differs": "on 2024-03-01 `size` of kept row 2 is 1.0, Spark's is 2.0"}},
            "the raw rows of the holdout give other features: on 2024-03-01 `size` of kept row 2 is 1.0, "
            "Spark's is 2.0",
        ),
    ],
)
def test_without_that_the_request_holds_features(desk: Desk, changed: dict[str, Any], expected: str) -> None:
    found = explained(desk.store, desk.promoted(**of_raw_rows() | changed))
    assert [each.name for each in found.fields] == ["colour", "size"]
    assert found.why == f"{FEATURES}: {expected}."


def test_a_champion_that_spark_serves_is_told_with_the_reason(desk: Desk) -> None:
    found = explained(desk.store, desk.promoted(fitted={"reason": "LDA is not portable"}))
    assert (found.fields, found.served) == ((), "Spark: LDA is not portable")


def test_nothing_serves_is_an_error_of_its_own(desk: Desk) -> None:
    with pytest.raises(NothingServes, match="no version of paint serves yet"):
        explained(desk.store, None)
