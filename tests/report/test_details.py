"""Each family's details are told in a table of their own, and never more of them than a person reads."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, Group

from vintage.report.details import MOST, detail_tables, number


def told(details: dict[str, Any]) -> str:
    text = io.StringIO()
    Console(file=text, width=120).print(Group(*detail_tables(details)))
    return text.getvalue()


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"confusion_matrix": {"labels": [0.0, 1.0], "counts": [[5, 1], [2, 7]]}}, ["predicted", "5", "7"]),
        (
            {"classes": [{"label": 2.0, "rows": 9, "precision": 0.5, "recall": 0.25, "f1": 1 / 3}]},
            ["0.5000", "0.2500", "0.3333"],
        ),
        ({"residual_quantiles": {"0.05": -3.25, "0.5": 0.125}}, ["5%", "-3.25", "50%", "0.125"]),
        ({"cluster_sizes": {"0": 12, "1": 0}}, ["cluster", "12"]),
        ({"pairs": {"known": 40, "unknown": 2}}, ["pairs of the holdout", "40", "unknown", "2"]),
        ({"catalogue": {"recommended": 7, "known": 9, "users": 3}}, ["7 of 9", "3"]),
        ({"variance": {"by_component": [3.0, 1.0], "in_all": 8.0}}, ["0.3750", "0.1250"]),
        ({"baseline": {"incomparable": "the baseline reads 3 features"}}, ["reads 3 features"]),
    ],
)
def test_details_are_told(details: dict[str, Any], words: list[str]) -> None:
    text = told(details)
    assert all(word in text for word in words), text


def test_many_clusters_and_classes_are_cut() -> None:
    text = told({"cluster_sizes": {str(each): 1 for each in range(MOST + 5)}})
    assert "5 more clusters" in text
    labels = [float(each) for each in range(MOST + 1)]
    counts = [[0] * len(labels) for _ in labels]
    assert "21 classes" in told({"confusion_matrix": {"labels": labels, "counts": counts}})


def test_a_number_has_the_places_that_tell_something() -> None:
    numbers = {
        0.69932: "0.6993",
        -0.0: "0.0000",
        0.00004: "4e-05",
        8100.0: "8,100.00",
        12345678.0: "12,345,678",
    }
    assert {value: number(value) for value in numbers} == numbers
    assert number(1e20) == "1e+20"
    assert number(None) == "not defined"


def test_what_there_is_no_table_for_is_left_to_json() -> None:
    assert told({"ranking_error": 0.0, "k": 10, "variance": None}).strip() == ""
