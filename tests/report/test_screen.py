"""What a terminal, a log and JSON are given of a value is seen, and not obeyed."""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel
from rich.table import Table
from rich.text import Text

from tests.hostile import MARKUP, OBEYED
from tests.report.families import EVALUATIONS
from vintage.cli.pipelines_view import Listed, Pipelines
from vintage.cli.pipelines_view import show as show_list
from vintage.cli.quality_view import show as show_quality
from vintage.cli.screen import Console, hanging, write_json
from vintage.errors import DataError
from vintage.flow.job import configure_logging
from vintage.monitoring.quality import Quality, QualityOfDate
from vintage.store.details import EvaluationDetails, LabelCounts, QualityDetails, QualityOfModel

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = [*MARKUP, *OBEYED]


def obeyed(text: str) -> list[str]:
    """The characters of a text that a terminal does not show."""
    return [each for each in text if not each.isprintable() and each not in "\n\t"]


@pytest.mark.fault("escape sequences and turned directions in a value", outcome="written out in the terminal")
@pytest.mark.parametrize("colour", [False, True])
def test_a_terminal_shows_every_value(colour: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=400, force_terminal=colour, color_system=None)
    table = Table("value", "as text")
    for value in VALUES:
        table.add_row(value, Text(value))
        console.print(value)
        console.print(Text(value, style="bold"))
    console.print(table)
    assert obeyed(out.getvalue()) == []
    for value in MARKUP:
        assert out.getvalue().count(value) >= 4, value
    assert "\\x1b[2J\\x1b[31m" in out.getvalue()
    assert "\\u202egnp.exe" in out.getvalue()


def test_an_error_is_readable() -> None:
    for value in VALUES:
        told = str(DataError(f"column {value} is missing", found=value))
        assert obeyed(told) == []
        assert value in told or value in OBEYED


@pytest.fixture
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_logging")
def test_a_log_line_is_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    configure_logging()
    for value in VALUES:
        logging.getLogger("any").error("read %s", value, exc_info=ValueError(value))
    assert obeyed(out.getvalue()) == []
    assert out.getvalue().count("ValueError: ") == len(VALUES)


class Found(BaseModel):
    """Something with values."""

    values: list[str]


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_shown_and_holds_the_same(capsys: pytest.CaptureFixture[str], indent: int | None) -> None:
    values = [*VALUES, "é 漢 \U0001f600 \U000e0001"]
    write_json(Found(values=values), indent=indent)
    out = capsys.readouterr().out
    assert obeyed(out) == []
    assert json.loads(out) == {"values": values}


@pytest.mark.parametrize("before", ["· ", "  ", "  · "])
def test_a_line_wraps_below_its_own_text(before: str) -> None:
    text = io.StringIO()
    Console(file=text, width=24).print(hanging(f"{before}the first words and the last"))
    first, *rest = text.getvalue().splitlines()
    assert first.startswith(f"{before}the first")
    assert rest
    assert all(line.startswith(" " * len(before)) and line[len(before)] != " " for line in rest)


def test_the_name_of_a_pipeline_is_whole_on_a_narrow_terminal() -> None:
    text = io.StringIO()
    name = "airport_profiles_of_the_north"
    champion = {"latest": date(2024, 3, 6), "champion": 12, "champion_date": "2024-03-06"}
    listed = Listed(name=name, task="recommendation", schedule="30 3 * * *", **champion)
    show_list(Pipelines(home="/home", pipelines=(listed,)), Console(file=text, width=80))
    assert name in text.getvalue()
    assert "recommendation" in text.getvalue()
    assert "…" not in text.getvalue()


@pytest.mark.parametrize("serving", [False, True])
def test_no_word_of_the_table_of_qualities_is_cut_at_80_columns(serving: bool) -> None:
    def measured(version: int) -> QualityOfModel:
        found = EvaluationDetails.model_validate(
            {
                **EVALUATIONS["recommendation"],
                "model": "a" * 64,
                "metrics": {"meanAveragePrecision": 0.7005},
                "intervals": {
                    "confidence": 0.95,
                    "metrics": {"meanAveragePrecision": {"low": 0.6613, "high": 0.7410}},
                },
            }
        )
        return QualityOfModel(date=date(2024, 3, 5), version=version, found=found)

    details = QualityDetails(
        metric="meanAveragePrecision",
        larger_is_better=True,
        counts=LabelCounts(measured=944),
        predicted=measured(1),
        serving=measured(2) if serving else None,
    )
    days = tuple(
        QualityOfDate(pipeline="shop", date=date(2024, 3, day), state="measured", found=details)
        for day in (6, 7)
    )
    text = io.StringIO()
    show_quality(Quality(pipeline="shop", dates=days), Console(file=text, width=80))
    shown = text.getvalue()
    for words in ("2024-03-07", "944", "version", "value", "[0.6613,", "0.7410]", "meanAveragePrecision"):
        assert words in shown
    assert "…" not in shown
    assert shown.count("[0.6613,") == (4 if serving else 2)
