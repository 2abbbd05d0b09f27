"""The report of each family: well-formed, complete, harmless, and the same when it is written again."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.report.families import DAY, DECIDES, EVALUATIONS, ODD, publish_run
from vintage.errors import StoreError
from vintage.registry import ledger
from vintage.report.html import Beside, ReportFiles, metric_rows, render, write_report
from vintage.report.summary import summary_of
from vintage.store import Store
from vintage.store.reports import report_folder

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "br", "link", "img", "input", "hr"}
SECTIONS = {"decision", "metrics", "gates", "details", "data", "parameters", "reproduce"}
PICTURES = {
    "classification": {"confusion", "roc", "precision-recall", "calibration", "scores", "importances"},
    "regression": {"predicted", "residuals", "residual-quantiles", "importances"},
    "clustering": {"cluster-sizes", "importances"},
    "reduction": {"variance", "importances"},
    "recommendation": {"ranking"},
}


class Page(HTMLParser):
    """A page as a browser takes it apart: that every element is closed where it must be is checked."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.addresses: list[str] = []
        self.headless: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self._style = False
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name == "aria-labelledby":
                self.references += str(value).split()
            if name == "href" and str(value).startswith("#"):
                self.references.append(str(value)[1:])
            elif name in {"href", "src", "srcset", "action", "data", "xlink:href"}:
                self.addresses.append(str(value))
            if value and "url(#" in value:
                self.references.append(value.split("url(#")[1].split(")")[0])
            assert not name.startswith("on")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} is closed where another is open"

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.text += data
        else:
            assert "@import" not in data
            assert "url(" not in data


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Store, ReportFiles, Page]]:
    """A report of each family, after two earlier dates of which one was refused."""
    found = {}
    for task, details in EVALUATIONS.items():
        store = Store(tmp_path_factory.mktemp(task), "things")
        for back, action in ((1, "refused"), (2, "promoted")):
            earlier = publish_run(store, task, details, day=DAY - timedelta(days=back), days=2)
            store.set_current(earlier)
            decide(store, earlier, action, 3 - back)
        tuned = task == "classification"
        files = write_report(store, publish_run(store, task, details, tuned=tuned, champion=earlier))
        found[task] = (store, files, Page(files.html.read_text(encoding="utf-8")))
    return found


def decide(store: Store, evaluation: Any, action: Any, version: int) -> None:
    assert ledger.append(
        store.ledger_path,
        ledger.Entry(
            action=action,
            pipeline=store.pipeline,
            date=str(evaluation.date),
            model_key=evaluation.manifest.details.model,
            evaluation_key=evaluation.key,
            version=version,
            champion_before=None,
            reasons=("so it is",),
        ),
    )


@pytest.mark.parametrize("task", EVALUATIONS)
class TestEachFamily:
    """What holds of every report."""

    def test_it_stands_by_itself(self, reports: dict[str, Any], task: str) -> None:
        _, files, page = reports[task]
        assert len(page.ids) == len(set(page.ids))
        assert set(page.references) <= set(page.ids)
        assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
        text = files.html.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("<meta http-equiv=", "<meta ")
        # What is left leads to the Data Docs in the store.
        assert page.addresses
        assert all((files.html.parent / address).resolve().is_file() for address in page.addresses)

    def test_every_part_is_there(self, reports: dict[str, Any], task: str) -> None:
        _, files, page = reports[task]
        wanted = SECTIONS | {"slices", "trend", "since"}
        wanted |= set() if task == "recommendation" else {"importances"}
        wanted |= {"tuning"} if task == "classification" else set()
        assert wanted == {each for each in page.ids if f"{each}-head" in page.ids}
        pictures = PICTURES[task] | {"slices", "trend", "rows-by-date", "nulls-by-date"}
        pictures |= {"tuning"} if task == "classification" else set()
        assert {path.stem for path in files.pictures} == pictures
        assert {f"{name}-title" for name in pictures} <= set(page.ids)
        assert page.tags.count("svg") == len(pictures)

    def test_data_is_no_markup(self, reports: dict[str, Any], task: str) -> None:
        _, files, page = reports[task]
        assert page.text.count(ODD) > 3
        assert "<script" not in files.html.read_text(encoding="utf-8")

    def test_its_pictures_are_files_too(self, reports: dict[str, Any], task: str) -> None:
        _, files, _ = reports[task]
        for path in files.pictures:
            root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own
            title, description = (root.find(f"{{*}}{name}") for name in ("title", "desc"))
            assert title is not None
            assert description is not None
            assert title.text
            assert description.text
            assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
            assert "#010203" not in path.read_text(encoding="utf-8")

    def test_it_tells_the_numbers(self, reports: dict[str, Any], task: str) -> None:
        _, _, page = reports[task]
        assert "3 rows of 2024-03-06 share their key (id, " in page.text
        for name in EVALUATIONS[task]["metrics"]:
            assert name in page.text
        for words in (
            "not defined",
            "17,372",
            "6,239",
            "and another reason",
            "carrier: all others",
            "the same 6,200 rows",
        ):
            assert words in page.text
        assert "Refused by its gates" in page.text
        assert "12 of 12 rules hold on 2 of 3 dates; a rule fails on 1 of 3 dates" in page.text
        assert f"does not apply: there is no baseline, {ODD}" in page.text
        assert "added 2024-03-05, 2024-03-06 (2 dates); dropped 2024-03-03" in page.text


def test_written_again_it_is_the_same_and_tells_what_was_decided_meanwhile(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    evaluation = publish_run(store, "regression", EVALUATIONS["regression"])
    first = write_report(store, evaluation)
    assert first.html.parent == report_folder(store, evaluation)
    before = {path: path.read_bytes() for path in (first.html, *first.pictures)}
    assert write_report(store, evaluation) == first
    assert {path: path.read_bytes() for path in before} == before
    decide(store, evaluation, "refused", 7)
    write_report(store, evaluation)
    text = Page(first.html.read_text(encoding="utf-8")).text
    assert "refused, version 7" in text
    assert "Refused: version 7" in text
    assert "Not decided yet" not in text
    # Nothing half-written stays beside it, and no part of the store takes it for an artifact.
    assert {path.name for path in first.html.parent.iterdir()} == {"report.html", "pictures"}
    assert store.current("evaluation", DAY) is None


def test_an_evaluation_that_holds_little_leaves_the_parts_out(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    little = {
        "rows": {"train": 5, "test": 0},
        "intervals": {"confidence": 0.95, "metrics": {}},
        "slices": [],
        "metrics": {"areaUnderROC": None, "f1": 0.5},
        "details": {"confusion_matrix": {"labels": [], "counts": []}, "ranking_error": 0.0, "classes": []},
        "gates": [],
        "decision": {"promote": True, "reasons": ["no gate is declared"]},
    }
    files = write_report(store, publish_run(store, "classification", little, days=1))
    page = Page(files.html.read_text(encoding="utf-8"))
    assert {each for each in page.ids if f"{each}-head" in page.ids} == SECTIONS
    assert "No gate applied" in page.text
    assert "champion" not in page.text
    assert "interval" not in page.text
    assert "Gates passed, not promoted yet" in page.text


def test_more_than_two_classes_have_no_curves_and_no_metric_under_two_names(tmp_path: Path) -> None:
    names = (
        "accuracy",
        "f1",
        "precision",
        "recall",
        "weightedFMeasure",
        "weightedPrecision",
        "weightedRecall",
    )
    rates = {"precision": 0.9, "recall": 0.8, "f1": 0.85}
    columns = [f"class {label}" for label in range(3)]
    several = {
        **EVALUATIONS["classification"],
        "metrics": dict.fromkeys(names, 0.9),
        "baseline": None,
        "details": {
            "confusion_matrix": {"labels": [0.0, 1.0, 2.0], "counts": [[3, 0, 0], [0, 3, 0], [0, 1, 2]]},
            "classes": [{"label": float(label), "rows": 3, **rates} for label in range(3)],
            "importances": {
                "kind": "coefficients",
                "left_out": 0,
                "by": columns,
                "features": [
                    {"feature": "size", "values": [1.5, -2.5, 0.5], "standardised": [3.0, -5.0, 1.0]}
                ],
            },
        },
    }
    store = Store(tmp_path, "things")
    files = write_report(store, publish_run(store, "classification", several))
    text = files.html.read_text(encoding="utf-8")
    shown = [row.name for row in metric_rows(files.summary)]
    assert shown == ["accuracy", "f1", "precision", "recall"]
    assert "weightedFMeasure, weightedPrecision" in text or "weightedPrecision, weightedRecall" in text
    assert "Confusion matrix</h2>" in text
    assert "and curves" not in text
    # Each of the two tables of coefficients has a column a class.
    assert text.count('<th role="columnheader" scope="col" class="num">class 2</th>') == 2
    weighted = files.summary.model_copy(update={"metric": "weightedRecall"})
    assert "recall" not in [row.name for row in metric_rows(weighted)]
    assert metric_rows(weighted)[0].name == "weightedRecall"


@pytest.mark.parametrize("relevant", ["rating >= 3", None])
def test_a_recommendation_tells_what_is_relevant(reports: dict[str, Any], relevant: str | None) -> None:
    store, files, _ = reports["recommendation"]
    summary = files.summary.model_copy(update={"relevant": relevant})
    text = render(summary, Beside([], [], None, store.folder / "dates.html"), {}, folder=store.folder)
    assert "26 known users with something relevant in the holdout were each recommended 10 items" in text
    told = "<code>rating &gt;= 3</code>" if relevant else "Every row of the holdout is relevant"
    assert told in text


def test_a_gain_is_better_only_beyond_its_interval(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    details = dict(EVALUATIONS["regression"])
    gains = {
        "rmse": {"value": 0.2, "low": 0.1, "high": 0.3},
        "mae": {"value": 0.2, "low": -0.1, "high": 0.3},
        "mse": {"value": -9.0, "low": -12.0, "high": -1.0},
        "var": {"value": -0.0, "low": -0.0, "high": 0.0},
    }
    details["baseline"] = {**details["baseline"], "gains": gains}
    rows = metric_rows(summary_of(store, publish_run(store, "regression", details)))
    assert rows[0].name == DECIDES["regression"]
    told = {row.name: row.better for row in rows}
    # r2 has no interval: which is larger is all that is known.
    assert told == {
        "rmse": "better",
        "mae": "no clear difference",
        "mse": "worse",
        "r2": "better",
        "var": "the same",
    }
    assert {row.name: row.direction for row in rows}["rmse"] == "lower"


def test_an_evaluation_whose_model_is_gone_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    evaluation = publish_run(store, "regression", EVALUATIONS["regression"])
    model = evaluation.manifest.details.model
    (store.folder / "model" / f"date={DAY}" / model / "manifest.json").unlink()
    with pytest.raises(StoreError, match=r"model .* is gone"):
        write_report(store, evaluation)
    assert not report_folder(store, evaluation).exists()
