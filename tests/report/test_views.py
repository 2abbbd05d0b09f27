"""The parts of a report by themselves: cells that name their column, data quality, dates, what was tuned."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.artifacts import ingredients, publish, publish_as
from tests.report.families import EVALUATIONS, ODD, publish_run
from tests.report.models import DAY, Made
from vintage.errors import DataError
from vintage.jobs.pages import page_of_dates
from vintage.lineage.difference import difference_of
from vintage.lineage.graph import lineage_of
from vintage.ml.families import EvaluationResult
from vintage.ml.guess import guess_of
from vintage.registry import ledger
from vintage.report.all_dates import write_dates
from vintage.report.comparisons import slices_picture
from vintage.report.dates import date_pictures
from vintage.report.drawing import drawing
from vintage.report.html import metric_rows, write_report
from vintage.report.partitions import Partition, Validation
from vintage.report.quality import quality_of
from vintage.report.since import change_lines, since_champion
from vintage.report.summary import summary_of
from vintage.report.tables import labelled
from vintage.store import Store
from vintage.store.details import LabelDetails
from vintage.store.reports import DATES_FROM_DOCS, dates_page
from vintage.store.windows import store_of

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST = date(2024, 3, 1)


def partition(day: date, *failures: str, passed: bool = True, rows: int = 10, nulls: Any = None) -> Partition:
    summary = f"{4 - len(failures)} of 4 rules hold"
    found = Validation(passed=passed, summary=summary, failures=failures, docs=Path("docs"))
    return Partition(
        source="source",
        date=day,
        key="k" * 64,
        rows=rows,
        fingerprint="f",
        validation=found,
        nulls=nulls or {},
    )


def test_each_cell_names_its_column_as_text_and_has_its_role() -> None:
    head = '<thead><tr><th scope="col">name</th><th scope="col">a &lt;b&gt;</th></tr></thead>\n'
    row = '<tr><th scope="row">&lt;td&gt;</th><td>1 &lt; 2</td></tr>'
    found = labelled(f"{head}<tbody>{row}</tbody>")
    assert '<th role="rowheader" data-label="name" scope="row">&lt;td&gt;</th>' in found
    assert '<td role="cell" data-label="a &lt;b&gt;">1 &lt; 2</td>' in found
    assert found.count('role="columnheader"') == found.count('role="row"') == 2
    assert found.count("data-label") == 2


def test_the_quality_of_many_dates_is_a_line() -> None:
    days = [FIRST + timedelta(days=each) for each in range(28)]
    clean = [partition(day) for day in days]
    assert quality_of(clean).told == "4 of 4 rules hold on each of the 28 dates"
    assert quality_of(clean).tone == "good"
    assert quality_of(clean[:1]).told == "4 of 4 rules hold on the only date"
    warned = [*clean[:-1], partition(days[-1], "warning: x")]
    found = quality_of(warned)
    assert found.told == "4 of 4 rules hold on 27 of 28 dates; a rule fails on 1 of 28 dates"
    assert (found.tone, found.failed) == ("warn", (warned[-1],))
    assert quality_of([partition(FIRST, "critical: x", passed=False)]).tone == "bad"
    unknown = clean[0].model_copy(update={"validation": None})
    assert quality_of([unknown]).told == "no validation is kept of the only date"


def drawn(summary: Any) -> dict[str, Any]:
    with drawing():
        return {each.name: each for each in date_pictures(summary)}


def test_missing_dates_and_the_columns_with_most_nulls_are_told(tmp_path: Path) -> None:
    summary = summary_of(
        Store(tmp_path, "things"),
        publish_run(Store(tmp_path, "things"), "regression", EVALUATIONS["regression"]),
    )
    nulls: Iterable[int] = (0, 1, 9)
    parts = [
        partition(
            FIRST + timedelta(days=2 * place), rows=10 + place, nulls={"wild": count, "calm": 3, "x": 0}
        )
        for place, count in enumerate(nulls)
    ]
    absent = {FIRST + timedelta(days=1): "no raw data", FIRST + timedelta(days=3): "no rows"}
    found = drawn(summary.model_copy(update={"partitions": tuple(parts), "absent": absent}))
    told = found["rows-by-date"].description
    assert told == "10 to 12 rows a date; 2 missing dates marked with a cross: 2024-03-02, 2024-03-04."
    assert "the largest share is 75.0%, of wild on 2024-03-05" in found["nulls-by-date"].description
    alone = summary.model_copy(update={"partitions": tuple(parts[:1]), "absent": {}})
    assert drawn(alone) == {}


def test_the_worst_and_the_best_slices_are_drawn(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    summary = summary_of(store, publish_run(store, "regression", EVALUATIONS["regression"]))
    with drawing():
        found = slices_picture(summary)
    assert found is not None
    assert "The 12 worst and the 7 best of 46 slices" in found.description
    assert "A11 (713)<" in found.svg
    assert "A12 (696)<" not in found.svg
    assert "A44 (152)<" in found.svg


def test_what_was_tuned_is_marked_among_the_params(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    details = EVALUATIONS["classification"]
    text = write_report(store, publish_run(store, "classification", details, tuned=True)).html.read_text()
    marked = 'regParam: 0.01</span> <span class="mark">tuned</span>'
    assert marked in text
    # In the table of stages and in that of all Params.
    assert text.count('<span class="mark">tuned</span>') == 2


def test_what_changed_since_the_champion_is_three_lines(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    old = Made(day=DAY - timedelta(days=1), restated={DAY - timedelta(days=2): 20})
    stages = ({"type": "LogisticRegression", "params": {"regParam": 0.1}},)
    new = Made(stages=stages, metrics={"areaUnderROC": 0.72}, gates={"areaUnderROC >= 0.6": False})
    evaluations = []
    for made in (old, new):
        model = made.publish(store)
        evaluation = store.current("evaluation", made.day)
        assert evaluation is not None
        assert evaluation.manifest.details.model == model.key
        evaluations.append(evaluation)
    before, after = (lineage_of(store, each) for each in evaluations)
    lines = change_lines(difference_of("things", before, after, ledger.read(store.ledger_path)))
    assert list(lines) == ["Data", "Definition", "Result"]
    assert lines["Data"].startswith("added 2024-03-06; dropped 2024-03-03; restated 2024-03-04")
    assert "specification (" in lines["Definition"]
    assert "Params (" in lines["Definition"]
    assert lines["Result"].startswith("areaUnderROC 0.7000 → 0.7200, each on its own holdout")
    assert "gate areaUnderROC >= 0.6 passed → failed" in lines["Result"]
    same = change_lines(difference_of("things", after, after, ()))
    assert same["Data"] == "the same rows"
    assert same["Definition"] == "the same specification, Params, code and engines"
    # Nobody served before.
    assert since_champion(store, evaluations[1], ()) is None


def test_guessing_the_most_frequent_class_is_measured_as_a_model_is() -> None:
    classes = [{"label": 0.0, "rows": 75, "weight": 75.0}, {"label": 1.0, "rows": 25, "weight": 25.0}]
    measured = EvaluationResult(100, {}, details={"classes": classes})
    tested: Any = SimpleNamespace(pipeline=SimpleNamespace(task="classification"))
    learnt = [
        LabelDetails(rows=6, mean=0.5, counts={"0.0": 3, "1.0": 3}),
        LabelDetails(rows=4, mean=0.25, counts={"0.0": 3, "1.0": 1}),
    ]
    found = guess_of(tested, measured, learnt)
    assert found is not None
    assert found["how"] == "always class 0, as 60.0% of the training labels are"
    told = {name: found["metrics"][name] for name in ("accuracy", "areaUnderROC", "areaUnderPR", "recall")}
    assert told == {"accuracy": 0.75, "areaUnderROC": 0.5, "areaUnderPR": 0.25, "recall": 0.0}
    loss = -(0.75 * math.log(0.6) + 0.25 * math.log(0.4))
    assert found["metrics"]["logLoss"] == pytest.approx(loss)
    # More classes than are counted, a date that kept none, and a task without labels.
    many = LabelDetails(rows=900, mean=50.0)
    assert guess_of(tested, measured, [*learnt, many]) is None
    assert guess_of(tested, measured, [*learnt, None]) is None
    clusters: Any = SimpleNamespace(pipeline=SimpleNamespace(task="clustering"))
    assert guess_of(clusters, measured, learnt) is None


def test_the_lift_is_above_zero_where_the_model_is_better_than_guessing(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    guess = {"how": f"always 7, {ODD}", "metrics": {"rmse": 20.0, "r2": -0.01}}
    evaluation = publish_run(store, "regression", EVALUATIONS["regression"] | {"guess": guess})
    rows = {row.name: (row.guess, row.lift) for row in metric_rows(summary_of(store, evaluation))}
    assert rows["rmse"] == (20.0, pytest.approx(5.75))
    assert rows["r2"] == (-0.01, pytest.approx(0.92))
    assert rows["mae"] == (None, None)
    text = write_report(store, evaluation).html.read_text(encoding="utf-8")
    assert "lift over guessing" in text
    assert "+5.7500" in text


def test_labels_are_shown_by_date(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    summary = summary_of(store, publish_run(store, "classification", EVALUATIONS["classification"]))
    days = sorted(summary.window)
    labels = {
        day: LabelDetails(rows=10, mean=0.1 * place, counts={"0.0": 10 - place, "1.0": place})
        for place, day in enumerate(days, start=1)
    }
    shown = drawn(summary.model_copy(update={"labels": labels}))["labels-by-date"].description
    assert shown == "Of the trainable rows: class 1 from 10.0% to 30.0%."
    many = {
        day: LabelDetails(rows=10, mean=2.0, counts={f"{label}.0": 5 - label for label in range(5)})
        for day in days
    }
    shown = drawn(summary.model_copy(update={"labels": many}))["labels-by-date"].description
    assert shown.startswith("Of the trainable rows, the 3 most frequent of 5 classes: class 0 ")
    numbers = summary.model_copy(update={"labels": labels, "task": "regression"})
    assert "mean from 0.1000 to 0.3000" in drawn(numbers)["labels-by-date"].description
    assert "labels-by-date" not in drawn(summary)


def test_each_date_leads_to_its_data_docs_and_report_and_back(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    made = Made(day=DAY)
    made.publish(store)
    evaluation = store.current("evaluation", DAY)
    assert evaluation is not None
    details = {
        "passed": True,
        "summary": "3 of 4 rules hold, 1 warning failed",
        "failures": {"critical": [], "warning": ["warning: x"], "info": []},
    }

    def fill(folder: Path) -> None:
        docs = f'<a href="{DATES_FROM_DOCS}">All dates</a>'
        (folder / "index.html").write_text(docs, encoding="utf-8")

    validation = publish_as(store, ingredients("validation", DAY), fill=fill, **details)
    store.set_current(validation)
    report = write_report(store, evaluation).html
    page = dates_page(store)
    text = page.read_text(encoding="utf-8")
    links = [(page.parent / found).resolve() for found in re.findall(r'href="([^"#]+)"', text)]
    assert links == [(validation.place / "index.html").resolve(), report.resolve()]
    assert "3 of 4 rules hold, 1 warning failed</a>" in text
    assert (validation.place / DATES_FROM_DOCS).resolve() == page.resolve()
    assert 'href="../../index.html"' in report.read_text(encoding="utf-8")
    written = page.stat().st_mtime_ns
    assert write_dates(store).stat().st_mtime_ns == written


def test_a_date_that_failed_its_suite_leads_to_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    job = SimpleNamespace(store=store, pipeline=SimpleNamespace(suites={"source": "s", "weather": "w"}))
    places = {}
    for view, summary in (
        ("source", "2 of 4 rules hold, 2 critical failed"),
        ("weather", "all 3 rules hold"),
    ):
        of_view = store_of(store, view)
        failed = {"critical": ["x"] if view == "source" else [], "warning": [], "info": []}
        told = {"passed": view != "source", "summary": summary, "failures": failed}
        places[view] = publish(of_view, "validation", DAY, **told)
        of_view.set_current(places[view])
    with pytest.raises(DataError), page_of_dates(job):
        raise DataError("the date failed")
    for view, found in places.items():
        page = dates_page(store_of(store, view))
        assert (found.place / DATES_FROM_DOCS).resolve() == page.resolve()
        text = page.read_text(encoding="utf-8")
        assert 'class="bad">2 of 4' in text if view == "source" else 'class="good">all 3' in text
