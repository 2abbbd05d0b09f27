"""The history of a pipeline: the metric of each date and each decision, whatever order they were made in."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.artifacts import publish_evaluation
from tests.hostile import MARKUP, OBEYED
from vintage.cli.screen import Console
from vintage.registry import ledger
from vintage.report.history import History, history_of, show
from vintage.store import Artifact, Store

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2024, 3, 1)


def evaluate(store: Store, day: date, value: float | None, *, seed: int = 1) -> Artifact:
    """The evaluation of a date's model, made the current one."""
    model = f"{day:%Y%m%d}{seed}".ljust(64, "0")
    made = publish_evaluation(store, day, model, seed=seed, metrics={"areaUnderROC": value})
    store.set_current(made)
    return made


def decide(store: Store, made: Artifact, action: ledger.Action, version: int, *reasons: str) -> None:
    entry = ledger.Entry(
        action=action,
        pipeline=store.pipeline,
        date=str(made.date),
        model_key=made.manifest.details.model,
        evaluation_key=made.key,
        version=version,
        champion_before=None,
        reasons=reasons,
    )
    assert ledger.append(store.ledger_path, entry)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three dates: promoted, refused and, made later than both, corrected data of the first."""
    store = Store(tmp_path / "store", "demo")
    first = evaluate(store, FIRST, 0.7)
    decide(store, first, "promoted", 1, "gate areaUnderROC >= 0.6 passed: 0.7")
    second = evaluate(store, FIRST + timedelta(days=1), 0.5)
    decide(store, second, "refused", 2, "gate areaUnderROC >= 0.6 failed: 0.5")
    again = evaluate(store, FIRST, 0.8, seed=2)
    decide(store, again, "registered", 3, "gate passed", "champion stays version 1")
    evaluate(store, FIRST + timedelta(days=2), None)
    return store


def shown(history: History) -> str:
    console = Console(width=100, file=io.StringIO(), record=True, highlight=False)
    show(history, console)
    return console.export_text()


def test_each_date_has_the_evaluation_that_stands_and_what_became_of_it(store: Store) -> None:
    history = history_of(store, "areaUnderROC", champion="202403011".ljust(64, "0"))
    told = [(str(each.date), each.value, each.action, each.version, each.serves) for each in history.trend]
    assert told == [
        ("2024-03-01", 0.8, "registered", 3, False),
        ("2024-03-02", 0.5, "refused", 2, False),
        ("2024-03-03", None, None, None, False),
    ]
    assert [entry.version for entry in history.decisions] == [1, 2, 3]


def test_the_latest_are_kept_and_the_champion_is_marked(store: Store) -> None:
    history = history_of(store, "areaUnderROC", champion="202403022".ljust(64, "0"), last=2)
    assert [str(each.date) for each in history.trend] == ["2024-03-02", "2024-03-03"]
    assert [entry.version for entry in history.decisions] == [2, 3]
    serving = history_of(store, "areaUnderROC", champion="202403021".ljust(64, "0"))
    assert [each.serves for each in serving.trend] == [False, True, False]


def test_a_person_reads_the_metric_and_every_reason(store: Store) -> None:
    text = shown(history_of(store, "areaUnderROC", champion="202403012".ljust(64, "0")))
    lines = text.splitlines()
    [best] = [line for line in lines if "0.8000" in line and "bars" not in line]
    [worst] = [line for line in lines if "0.5000" in line and "bars" not in line]
    assert best.count("█") > worst.count("█") > 0
    assert "serves" in best
    assert "not defined" in text
    assert "not decided" in text
    assert "bars from 0.5000 to 0.8000" in text
    assert "champion stays version 1" in text
    # A reason has the whole width.
    assert "\n  · gate areaUnderROC >= 0.6 failed: 0.5" in text


def test_what_people_decided_is_shown_with_their_reasons(store: Store) -> None:
    first = ledger.read(store.ledger_path)[0]
    back = first.model_copy(update={"action": "rolled_back", "why": "too many false alarms", "by": "gwen"})
    assert ledger.append(store.ledger_path, back)
    history = history_of(store, "areaUnderROC", champion=None)
    assert history.decisions[-1].action == "rolled_back"
    console = Console(width=200, file=io.StringIO(), record=True, highlight=False)
    show(history, console)
    assert "rolled back by gwen: too many false alarms" in console.export_text()


def test_a_reason_is_seen_and_not_obeyed(store: Store) -> None:
    first = ledger.read(store.ledger_path)[0]
    said = " | ".join((*MARKUP, *OBEYED))
    back = first.model_copy(update={"action": "rolled_back", "why": said, "by": said})
    assert ledger.append(store.ledger_path, back)
    assert ledger.read(store.ledger_path)[-1].why == said
    console = Console(width=2000, file=io.StringIO(), record=True, highlight=False)
    show(history_of(store, "areaUnderROC", champion=None), console)
    text = console.export_text()
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert text.count(" | ".join(MARKUP)) == 2


def test_one_value_has_a_whole_bar_and_nothing_is_said_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "demo")
    assert "no history yet" in shown(history_of(store, "areaUnderROC", champion=None))
    evaluate(store, FIRST, 0.7)
    assert "█" * 24 in shown(history_of(store, "areaUnderROC", champion=None))


def test_it_is_json_for_programs(store: Store) -> None:
    told: dict[str, Any] = json.loads(history_of(store, "areaUnderROC", champion=None).model_dump_json())
    assert told["metric"] == "areaUnderROC"
    assert told["trend"][0] == {
        "date": "2024-03-01",
        "value": 0.8,
        "model_key": "202403012".ljust(64, "0"),
        "evaluation_key": told["trend"][0]["evaluation_key"],
        "action": "registered",
        "version": 3,
        "serves": False,
    }
    assert told["decisions"][1]["reasons"] == ["gate areaUnderROC >= 0.6 failed: 0.5"]
