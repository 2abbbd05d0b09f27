"""`vintage serve --explain` says what a request holds, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vintage.cli.serve import show
from vintage.errors import NothingServes
from vintage.serving import explained
from vintage.serving.explanation import FEATURES_NOT_RAW, Field

if TYPE_CHECKING:
    from tests.serving.conftest import Desk


def test_the_columns_of_a_request_are_told_with_the_sql_that_makes_them(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(desk.store, desk.promoted())
    assert found.fields == (
        Field("colour", "string", "colour"),
        Field("size", "double", "CAST(millimetres / 10 AS DOUBLE)"),
    )
    assert (found.answers, found.why) == (("prediction",), FEATURES_NOT_RAW)
    show("paint", found)
    told = " ".join(capsys.readouterr().out.split())
    assert "served by its twin, without Spark: 9 holdout rows have the same prediction" in told
    assert "CAST(millimetres / 10 AS DOUBLE)" in told


def test_a_champion_that_spark_serves_is_told_with_the_reason(desk: Desk) -> None:
    found = explained(desk.store, desk.promoted(fitted={"reason": "LDA is not portable"}))
    assert (found.fields, found.served) == ((), "Spark: LDA is not portable")


def test_nothing_serves_is_an_error_of_its_own(desk: Desk) -> None:
    with pytest.raises(NothingServes, match="no version of paint serves yet"):
        explained(desk.store, None)
