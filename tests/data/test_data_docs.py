"""Data Docs show every value as text, run no script but their own, and connect to nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.accessibility import grave_findings
from tests.data.conftest import QUIET
from tests.hostile import CHROMIUM, MARKUP, OBEYED, opened
from vintage.spec.page_policy import POLICY

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.data.conftest import Run

TELEPHONE = 390
COLUMN = "<img src=y onerror=alert(1)>"


@pytest.mark.fault("HTML, scripts and URLs as values and column names", outcome="text in the Data Docs")
@pytest.mark.spark
@pytest.mark.integration
@QUIET
def test_values_and_column_names_are_text_in_a_browser(spark: SparkSession, run: Run, tmp_path: Path) -> None:
    if CHROMIUM is None:
        assert not os.environ.get("CI"), ".ci/run installs chromium"
        pytest.skip("needs Chromium")
    values = [value for value in (*MARKUP, *OBEYED) if "\x1b" not in value]
    rows = spark.createDataFrame([(value, value) for value in values], f"plain STRING, `{COLUMN}` STRING")
    report = run(
        rows,
        ("expect_column_values_to_be_in_set", {"column": "plain", "value_set": list(MARKUP[:3])}, "warning"),
        ("expect_column_values_to_not_match_regex", {"column": "plain", "regex": "<svg.*>"}, "warning"),
        ("expect_column_values_to_be_in_set", {"column": COLUMN, "value_set": ["x"]}, "warning"),
        ("expect_column_distinct_values_to_be_in_set", {"column": "plain", "value_set": ["<b>"]}, "warning"),
        (
            "expect_column_most_common_value_to_be_in_set",
            {"column": "plain", "value_set": ["<b>"]},
            "warning",
        ),
    )
    assert report.passed
    page = next((tmp_path / "docs").rglob("index.html"))
    with opened(page) as (shown, did):
        text = shown.inner_text("body")
        for value in MARKUP:
            # Of white space, a browser shows one.
            assert " ".join(value.split()) in " ".join(text.split()), value
        assert COLUMN in text
        # The bounds of each rule, once.
        assert 'value_set ["x"]' in text
        assert shown.locator(".rules tbody tr").count() == 5
        # Nor is a stand-in shown, however the value was written.
        assert "\\uf8e" not in text
        # Escaped once: what is shown is the value itself.
        assert "&lt;img" not in text
        assert text.count("&lt;") == text.count("&lt;b&gt;") > 0
        assert shown.locator("img, svg, iframe, td script, td style, td a[href^=javascript]").count() == 0
        assert shown.locator("script").count() == 1
        folded = shown.locator("[data-toggle=collapse]")
        for link in folded.all()[:1]:
            target = shown.locator(f"[id='{link.get_attribute('href')[1:]}']")
            assert not target.first.is_visible()
            link.click()
            assert target.first.is_visible()
        assert did == []
        shown.screenshot(path=str(tmp_path / "docs.png"), full_page=True)
        assert grave_findings(shown) == []
        shown.set_viewport_size({"width": TELEPHONE, "height": 900})
        assert shown.evaluate("document.documentElement.scrollWidth") == TELEPHONE
        assert grave_findings(shown) == []
        shown.screenshot(path=str(tmp_path / "docs-narrow.png"), full_page=True)
        # What slips through all the same is not run, nor is anything asked of another host.
        shown.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(9)>')")
        shown.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
        shown.wait_for_timeout(200)
        assert did
        assert not [each for each in did if each.startswith("dialog")]
        assert all("Content Security Policy" in each for each in did if each.startswith("console"))
    assert POLICY in page.read_text(encoding="utf-8").replace("&#39;", "'")
