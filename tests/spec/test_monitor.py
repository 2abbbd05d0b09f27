"""What a pipeline may say of its monitoring, and what is refused."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from vintage.spec import Monitor, load_pipeline, read_home
from vintage.store import steps
from vintage.store.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.spec import Home, Pipeline

DATE = dt.date(2020, 2, 29)

BEFORE = "trigger_params:"


def section(text: str) -> tuple[str, str]:
    return BEFORE, f"monitor: {text}\n{BEFORE}"


def test_without_the_section_training_is_what_dates_are_compared_with(home_with: Callable[..., Home]) -> None:
    monitor = load_pipeline(home_with(), "tips").monitor
    assert monitor == Monitor()
    assert (monitor.against, monitor.label_after, monitor.overrides, monitor.retrain) == (
        "training",
        None,
        {},
        None,
    )
    assert (monitor.alarm.dates, monitor.alarm.of) == (2, 3)


def test_all_of_the_section_is_read(home_with: Callable[..., Home]) -> None:
    written = section(
        "{against: last-week, label_after: 0, alarm: {dates: 3, of: 5}, retrain: {every: 7}, "
        "bounds: [{measure: psi, max: 0.3}, {measure: nulls, column: Bill, max: 1}, "
        "{measure: ks, column: probability of 1, max: 0.2}]}"
    )
    monitor = load_pipeline(home_with(written), "tips").monitor
    assert monitor.retrain is not None
    assert (monitor.against, monitor.label_after, monitor.retrain.every) == ("last-week", 0, 7)
    assert monitor.overrides == {"psi": 0.3, "bill.nulls": 1, "probability of 1.ks": 0.2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{against: tomorrow}", "against"),
        ("{label_after: -1}", "label_after"),
        ("{label_after: soon}", "label_after"),
        ("{alarm: {dates: 4, of: 3}}", "can never ring"),
        ("{alarm: {dates: 0}}", "dates"),
        ("{retrain: {every: 0}}", "every"),
        ("{retrain: {}}", "every"),
        ("{retrain: 7}", "retrain"),
        ("{bound: []}", "did you mean .?bounds"),
        ("{bounds: [{measure: psy, max: 1}]}", 'no measure of drift "psy"; did you mean .?psi'),
        ("{bounds: [{measure: psi, max: 0}]}", "max"),
        ("{bounds: [{measure: psi}]}", "max"),
        ("{bounds: [{measure: psi, max: 1}, {measure: psi, max: 2}]}", "bound on psi occurs more than once"),
        ("{bounds: [{measure: psi, column: bil, max: 1}]}", 'no column "bil".*did you mean .?bill'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    home_with: Callable[..., Home], text: str, message: str
) -> None:
    [problem] = read_home(home_with(section(text))).problems
    assert problem.line == 30
    assert re.search(message, str(problem)), str(problem)


def test_the_section_changes_no_key_of_what_is_made_before(home_with: Callable[..., Home]) -> None:
    def keys(pipeline: Pipeline) -> list[str]:
        model: Any = SimpleNamespace(key=Key("0" * 64), date=DATE)
        return [
            steps.features(pipeline, DATE, snapshots={}).key,
            steps.model(pipeline, DATE, train={}).key,
            steps.evaluation(pipeline, DATE, model=model, test={}, baseline=None).key,
            steps.predictions(pipeline, DATE, model=model, features=model, version=1).key,
        ]

    without = load_pipeline(home_with(), "tips")
    written = section("{against: yesterday, label_after: 3, retrain: {every: 7}}")
    assert keys(load_pipeline(home_with(written), "tips")) == keys(without)
