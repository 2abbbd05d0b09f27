"""The summary in a terminal, wide and narrow: no name is cut."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from vintage.cli.summary_view import show
from vintage.report.summary import Champion, Summary, Tracked
from vintage.store.details import Reproducibility

DAY = "2024-03-06"
SUMMARY = Summary(
    pipeline="things",
    date=DAY,
    window=("2024-03-05", DAY),
    rows={"train": 20, "test": 10},
    keys={"model": "a" * 64},
    lineage={},
    fingerprints={DAY: "b" * 32 + "-10"},
    metrics={"areaUnderROC": 0.75, "weightedFMeasure": 0.5, "weightedPrecision": None},
    task="classification",
    details={"confusion_matrix": {"labels": [0, 1], "counts": [[5, 1], [2, 2]]}},
    confusion_matrix={"labels": [0, 1], "counts": [[5, 1], [2, 2]]},
    gates=(),
    decision={"promote": True, "reasons": ["gate areaUnderROC >= 0.6 passed: 0.75"]},
    action="promoted",
    params={},
    tuning=None,
    git={"commit": "c" * 40, "clean": True},
    mlflow=Tracked(run_id="d" * 32, version=1),
    champion=Champion(version=1, date=DAY, key="a" * 64),
    seconds={"model": 1.5},
    model_digest="e" * 64,
)


def shown(width: int, summary: Summary = SUMMARY) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    show(summary, console)
    return console.export_text()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_every_name_is_shown_whole_and_keys_are_short(width: int) -> None:
    text = shown(width)
    assert "Gates passed, not promoted yet" in text
    assert "…" not in text
    # A key is named by its first digits, on one line.
    assert "e" * 12 in text
    assert "e" * 13 not in text
    for name in (*SUMMARY.metrics, "label \\ predicted", "not defined", "0.7500"):
        assert name in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ""),
        (
            {"partitions": 3, "declared": False},
            "made again it is the same to the last bit; fitted on 3 partitions, as the number of rows says",
        ),
        (
            {"partitions": 1, "declared": True},
            "made again it is the same to the last bit; fitted on 1 partition, as declared",
        ),
        (
            {"mode": "exact", "declared": False, "partitions": 1},
            "made again it is the same to the last bit; fitted on 1 partition, as the number of rows says",
        ),
        (
            {"mode": "parallel", "declared": True, "partitions": 16},
            "fitted in parallel by an earlier version, which promised no bits",
        ),
    ],
)
def test_whether_a_model_is_exact_is_told(given: dict[str, Any], told: str) -> None:
    text = shown(160, SUMMARY.model_copy(update={"reproducibility": Reproducibility(**given)}))
    assert told in text
    assert ("reproducibility" in text) == bool(told)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_rows_that_share_their_key_are_told_with_what_to_do(width: int) -> None:
    assert "row key" not in shown(width)
    repeated = SUMMARY.model_copy(update={"key": ("id", "at"), "repeated_keys": {DAY: 4, "2024-03-05": 2}})
    text = " ".join(shown(width, repeated).split())
    assert "6 rows of 2 dates from 2024-03-05 to 2024-03-06 share their key (id, at) with another" in text
    assert "add to preprocess.key what tells them apart" in text


def test_dates_of_the_window_that_are_left_out_are_told_with_the_reason() -> None:
    assert "no raw data" not in shown(80)
    days = [f"2024-02-{day}" for day in (25, 26, 27, 29)]
    absent = {**dict.fromkeys(days, "no raw data"), "2024-03-04": "no rows of weather"}
    text = " ".join(shown(80, Summary(**{**SUMMARY.model_dump(), "absent": absent})).split())
    assert "no raw data 2024-02-25 to 2024-02-27, 2024-02-29 (4 dates)" in text
    assert "no rows of weather 2024-03-04" in text


def test_tables_stand_side_by_side_where_there_is_room() -> None:
    def both(line: str) -> bool:
        return "on the holdout" in line and "predicted" in line

    assert any(both(line) for line in shown(160).splitlines())
    assert not any(both(line) for line in shown(60).splitlines())
