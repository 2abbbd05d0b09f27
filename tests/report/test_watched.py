"""The pages of what became of a model: drift with the worst column, quality over time, and the digest."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.accessibility import grave_findings
from tests.artifacts import decide, details_of, publish
from tests.hostile import CHROMIUM, opened
from tests.monitoring.days import calm_day, keep, profile_of
from tests.report.families import EVALUATIONS, publish_run
from vintage.monitoring.distribution import distribution
from vintage.monitoring.drift import drift_of
from vintage.monitoring.profiles import parse_profile
from vintage.report.digest import write_digest
from vintage.report.drift_page import write_drift
from vintage.report.html import write_report
from vintage.store import Store
from vintage.store.reports import dates_page

if TYPE_CHECKING:
    from vintage.store import Artifact

FIRST = dt.date(2024, 3, 1)
METRIC = "areaUnderROC"


def judged(model: Artifact, version: int, value: float | None, *, passes: bool = True) -> dict[str, Any]:
    """A model's quality on a date."""
    near = {"low": value - 0.05, "high": value + 0.05} if value is not None else None
    found = details_of(
        "evaluation",
        metrics={METRIC: value, "accuracy": 0.5},
        intervals={"confidence": 0.95, "method": "", "metrics": {METRIC: near} if near else {}},
        decision={"promote": passes, "reasons": [] if passes else ["gate <b> failed"]},
    ).as_json()
    return {"date": str(model.date), "version": version, "holdout": {METRIC: 0.8}, "found": found}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Ten calm dates that a model learnt from, five that it scored; the last one drifted and was measured."""
    made = Store(tmp_path_factory.mktemp("store"), "shop")
    for number in range(15):
        day = calm_day(number, 200)
        if number == 14:
            day["size"] = np.asarray(day["size"]) + 3
            day["shop"] = np.where(np.asarray(day["shop"]) == "west", "<east>", day["shop"])
        keep(made, FIRST + dt.timedelta(days=number), day)
    raw = [made.current("snapshot", FIRST + dt.timedelta(days=number)) for number in range(10)]
    features = [publish(made, "features", each.date, {"snapshot": [each]}) for each in raw]
    model = publish(made, "model", features[-1].date, {"features": features})
    evaluation = publish(made, "evaluation", model.date, {"model": [model], "features": features[-1:]})
    made.set_current(evaluation)
    decide(made, model, evaluation, version=1)
    later = publish(made, "model", FIRST + dt.timedelta(days=12), {"features": features[:3]})
    second = publish(made, "evaluation", later.date, {"model": [later]})
    made.set_current(second)
    decide(made, later, second, version=2)
    for number in range(10, 15):
        counts = {"predictions": 200, "measured": 150, "unlabelled": 50 if number == 14 else 0}
        of_date = judged(model if number < 13 else later, 1 + (number > 12), 0.82 - 0.02 * (number - 10))
        if number == 14:
            of_date = judged(later, 2, 0.6, passes=False)
        serving = judged(later, 2, 0.79) if number < 13 else None
        found = publish(
            made,
            "quality",
            FIRST + dt.timedelta(days=number),
            metric=METRIC,
            larger_is_better=True,
            counts=counts,
            predicted=of_date if number != 11 else None,
            serving=serving if number != 11 else None,
        )
        made.set_current(found)
    return made


def test_the_page_has_the_worst_column_and_quality_over_time(store: Store) -> None:
    text = write_drift(store, drift_of(store)).read_text(encoding="utf-8")
    assert 'aria-labelledby="distribution-snapshot-title' in text
    assert "The column that moved furthest" in text
    assert 'aria-labelledby="quality-title' in text
    assert "4 dates from 2024-03-11 to 2024-03-15" in text
    assert "0.6000 [0.5500, 0.6500]" in text
    assert "50 of 200 predictions have no label, though labels are due" in text
    assert "none of its predictions has a label that counts" in text
    assert "gate &lt;b&gt; failed" in text
    assert "<b> failed" not in text


def test_the_digest_tells_of_each_pipeline_what_stands(store: Store) -> None:
    empty = Store(store.root, "empty")
    keep(empty, FIRST, calm_day(0, 20))
    broken = Store(store.root, "broken")
    keep(broken, FIRST, calm_day(0, 20))
    broken.ledger_path.write_text("no line\n", encoding="utf-8")
    (store.root / ".hidden").mkdir()
    page = write_digest(store.root)
    text = page.read_text(encoding="utf-8")
    assert page == store.root / "index.html"
    assert text.count("<tr") == 4
    assert "version 2 of 2024-03-13" in text
    assert "2024-03-15: areaUnderROC 0.6000 [0.5500, 0.6500], 0.8000 on its holdout; misses a gate" in text
    assert "never evaluated" in text
    assert "is damaged" in text
    written = page.stat().st_mtime_ns
    assert write_digest(store.root).stat().st_mtime_ns == written


@pytest.mark.integration
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_axe_has_no_serious_finding_on_any_page(store: Store, tmp_path: Path) -> None:
    things = Store(tmp_path, "things")
    guess = {"how": "always class 0", "metrics": {"areaUnderROC": 0.5}}
    details = EVALUATIONS["classification"] | {"guess": guess}
    report = write_report(things, publish_run(things, "classification", details)).html
    pages = [report, dates_page(things), write_drift(store, drift_of(store)), write_digest(store.root)]
    with opened(report) as (shown, _):
        for page in pages:
            shown.goto(page.as_uri())
            assert grave_findings(shown) == [], page
        shown.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=data:,>')")
        assert [each.split(": ")[:2] for each in grave_findings(shown)] == [
            ["light", "image-alt"],
            ["dark", "image-alt"],
        ]


def test_shares_of_a_column_and_of_its_reference() -> None:
    before, after = (
        parse_profile(profile_of(day).as_json(), Path("profile.json"))
        for day in (
            {"n": [1.0, 2.0, 3.0, 4.0], "c": ["a", "a", "b", "b"], "one": [5.0] * 4, "none": [None] * 4},
            {"n": [1.0, 2.0, 9.0, 9.0], "c": ["a", "c", "c", "c"], "one": [5.0] * 4, "none": [None] * 4},
        )
    )
    numbers = distribution([before["n"], None], after["n"])
    assert numbers is not None
    assert (numbers.edges[0], numbers.edges[-1]) == (1.0, 9.0)
    assert sum(numbers.reference) == pytest.approx(1)
    assert numbers.found[-1] == pytest.approx(0.5)
    texts = distribution([before["c"]], after["c"])
    assert texts is not None
    assert dict(zip(texts.values, zip(texts.reference, texts.found, strict=True), strict=True)) == {
        "c": (0.0, 0.75),
        "a": (0.5, 0.25),
        "b": (0.5, 0.0),
    }
    constant = distribution([before["one"]], after["one"])
    assert constant is not None
    assert max(constant.found) == 1
    assert distribution([before["none"]], after["none"]) is None
    assert distribution([before["n"]], after["c"]) is None
