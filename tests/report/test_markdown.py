"""What a person is asked to approve by, read as Markdown: whole, of bounded length, and nothing but text."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.hostile import MARKUP, OBEYED
from tests.report.families import EVALUATIONS, ODD, publish_run
from vintage.report.markdown import MOST_ROWS, MOST_SLICES, Links, as_text
from vintage.report.summary import Champion, Tracked, summary_of
from vintage.spec.markdown import MOST_CHARACTERS, code, plain, with_entities
from vintage.store import Store
from vintage.store.details import DecisionDetails

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.report.summary import Summary

# HTML is let through: nothing of ours may depend on a reader that takes it out.
READER = MarkdownIt("commonmark", {"html": True}).enable("table")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", "things")


def summary(store: Store, task: str = "classification") -> Summary:
    found = summary_of(store, publish_run(store, task, EVALUATIONS[task]), version=7)
    serving = Champion(version=6, date="2024-03-05", key="b" * 64)
    return found.model_copy(update={"champion": serving, "mlflow": Tracked(run_id="r" * 32, version=7)})


def escaped(text: str) -> str:
    return escape(text, quote=False).replace('"', "&quot;")


def cells(html: str) -> list[list[list[str]]]:
    """Table → row → cells, as text."""
    return [
        [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)]
        for table in re.findall(r"<table>(.*?)</table>", html, re.DOTALL)
    ]


@pytest.mark.parametrize("task", EVALUATIONS)
def test_every_family_has_its_gates_and_both_models(store: Store, task: str) -> None:
    made = summary(store, task)
    html = READER.render(as_text(made, Links()))
    gates, metrics, slices = cells(html)
    assert [len(row) for row in gates] == [5] * (1 + len(made.gates) + len(made.inapplicable))
    assert [len(row) for row in metrics] == [8] * (1 + len(made.metrics))
    # What speaks against it comes first.
    assert gates[1][-1] == "<strong>failed</strong>"
    assert gates[2][-1] == "passed"
    assert gates[3][-1].startswith("does not apply: there is no baseline")
    assert metrics[1][0] == f"<code>{made.metric}</code>"
    assert "champion of 2024-03-05" in metrics[0]
    assert len(slices) == 1 + MOST_SLICES
    assert slices[2][:2] == ["<code>origin is null</code>", "883"]
    assert f"and {len(made.slices) - MOST_SLICES} slices that do better" in html
    assert "<strong>row key</strong>: 3 rows of 2024-03-06 share their key" in html
    assert "version 7" in html
    assert "Another model serves now: version 6 of 2024-03-05" in html
    assert f"<code>{made.keys['evaluation']}</code>" in html


def test_nothing_of_the_data_is_taken_for_markup(store: Store) -> None:
    told = summary(store)
    reasons = (*told.decision.reasons, *MARKUP, *OBEYED)
    told = told.model_copy(update={"decision": DecisionDetails(promote=False, reasons=reasons)})
    html = READER.render(as_text(told, Links()))
    for value in MARKUP:
        assert f"<li>{escaped(value)}</li>" in html
    assert [letter for letter in html if not letter.isprintable() and letter != "\n"] == []
    assert escaped(ODD) in html
    ours = {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
    assert set(re.findall(r"<(\w+)", html)) <= ours
    assert re.findall(r"<\w+ [^>]*>", html) == []


@given(st.text(alphabet=st.characters() | st.sampled_from("`|\\<>[]()!*_~#&\n{}%$"), max_size=60))
def test_any_text_stays_one_cell_and_itself(text: str) -> None:
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    for told in (plain(text), code(text)):
        tokens = READER.parse(f"| a | b |\n|---|---|\n| {told} | end |\n")
        inline = [token for token in tokens if token.type == "inline"]
        assert [token.content for token in inline[:2]] == ["a", "b"]
        assert inline[3].content == "end"
        [*parts] = inline[2].children or []
        assert {part.type for part in parts} <= {"text", "code_inline", "text_special"}
        assert "".join(part.content for part in parts) == shown


def test_what_would_be_endless_is_cut_and_says_so(store: Store) -> None:
    made = summary(store)
    gate = {"gate": f"areaUnderROC >= 0.5 where x = {'y' * 5000}", "value": 0.6, "passed": True}
    reasons = DecisionDetails(promote=True, reasons=("r" * 5000,) * 500)
    long = made.model_copy(update={"gates": (gate,) * 500, "inapplicable": {}, "decision": reasons})
    text = as_text(long, Links())
    assert len(text) < 3 * MOST_ROWS * (MOST_CHARACTERS + 100)
    assert text.count(f"and {500 - MOST_ROWS} more") == 2
    assert "Gates passed\\, not promoted yet" in text


def test_it_leads_to_the_report_and_to_mlflow(store: Store, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    html = READER.render(as_text(summary(store), Links(page, "http://127.0.0.1:5000/")))
    assert f'href="http://127.0.0.1:5000/#/runs/{"r" * 32}?workflowType=machine_learning"' in html
    assert f"<code>{page}</code>" in html
    shown = "/vintage/store/tiny/reports/date%3D2024-01-05/report.html"
    html = READER.render(as_text(summary(store), Links(page, shown=shown)))
    assert f'<a href="{shown}">report</a>' in html
    assert str(page) not in html


def test_a_first_model_is_held_against_nobody(store: Store) -> None:
    nothing = {"baseline": None, "champion": None, "gates": (), "inapplicable": {}, "slices": ()}
    made = summary(store).model_copy(update=nothing)
    html = READER.render(as_text(made, Links()))
    [metrics] = cells(html)
    assert len(metrics[0]) == 4
    assert "No model serves yet" in html


def test_entities_stand_for_escapes_outside_code(store: Store) -> None:
    text = as_text(summary(store), Links())
    told = with_entities(text)
    assert READER.render(told).replace("\N{EM SPACE}", "") == READER.render(text)
    assert "| --- | --- |" in told
    assert with_entities("| `a \\| b` | 1 |\nc | d") == "| `a \\| b`&emsp; | 1 |\nc | d"
    assert "\\:" in text
    assert "\\:" not in told
    assert with_entities("a\\*b `c\\|d` ``e ` \\.`` f\\_") == "a&#42;b `c\\|d` ``e ` \\.`` f&#95;"
