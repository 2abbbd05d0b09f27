"""A real browser shows the page in the light, in the dark and on a telephone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.hostile import CHROMIUM, MARKUP, opened
from tests.report.families import EVALUATIONS, ODD, publish_run
from vintage.report.html import write_report
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

TELEPHONE = 360
PAPER = 688
"""A4 between the margins that the page asks for, in CSS pixels."""
DARK, LIGHT = (20, 22, 26), (255, 255, 255)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a classifier with everything that one can hold."""
    store = Store(tmp_path_factory.mktemp("browsed"), "things")
    return write_report(store, publish_run(store, "classification", EVALUATIONS["classification"])).html


def browse(page: Path, *options: str) -> str:
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={page.parent / 'browser'}", *options, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize(("scheme", "back"), [(0, DARK), (1, LIGHT)], ids=["dark", "light"])
def test_it_follows_the_readers_colours(page: Path, scheme: int, back: tuple[int, ...]) -> None:
    from PIL import Image

    shot = page.with_name(f"{scheme}.png")
    colours = f"--blink-settings=preferredColorScheme={scheme}"
    browse(page, "--window-size=700,1400", colours, f"--screenshot={shot}")
    with Image.open(shot) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=int)
    assert tuple(pixels[0, 0]) == back
    # The page is written on, and what is written stands out from what it is written on.
    apart = np.abs(pixels - np.array(back)).sum(axis=2) > 300
    assert 0.005 < apart.mean() < 0.3


def test_nothing_of_it_is_wider_than_a_telephone(page: Path) -> None:
    # Chromium opens no window as narrow as that: the page is put into a frame, and the frame is asked.
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<body><iframe src="{page.name}" style="border: 0" width="{TELEPHONE}" height="900" '
        'onload="document.title = this.contentDocument.documentElement.scrollWidth"></iframe></body>',
        encoding="utf-8",
    )
    shown = browse(frame, "--allow-file-access-from-files", "--dump-dom")
    assert f"<title>{TELEPHONE}</title>" in shown


@pytest.mark.fault("HTML and scripts as column, slice and reason", outcome="text in the report")
def test_values_are_text_and_nothing_is_run_or_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path, "things")
    details = EVALUATIONS["classification"]
    decision = {"promote": False, "reasons": list(MARKUP)}
    slices = [
        {**details["slices"][0], "column": value, "value": value} for value in MARKUP if details.get("slices")
    ]
    hostile = details | {"decision": decision, **({"slices": slices} if slices else {})}
    page = write_report(store, publish_run(store, "classification", hostile)).html
    with opened(page) as (shown, did):
        text = " ".join(shown.inner_text("body").split())
        for value in (*MARKUP, ODD):
            assert " ".join(value.split()) in text, value
        assert shown.locator("script, iframe, img, a[href^=javascript]").count() == 0
        shown.screenshot(path=str(tmp_path / "report.png"), full_page=True)
        assert did == []
        shown.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(9)>')")
        shown.wait_for_timeout(200)
        assert did
        assert all("Content Security Policy" in each for each in did if each.startswith("console"))
        assert not [each for each in did if each.startswith("dialog")]


def test_no_table_is_cut_on_paper(tmp_path: Path) -> None:
    details = EVALUATIONS["reduction"]
    store = Store(tmp_path, "things")
    page = write_report(store, publish_run(store, "reduction", details)).html
    with opened(page) as (shown, _):
        shown.set_viewport_size({"width": PAPER, "height": 1000})
        shown.emulate_media(media="print")
        assert shown.locator(".many").count() == 1
        assert shown.evaluate("document.documentElement.scrollWidth") == PAPER
        # What is folded on a screen is open.
        assert shown.locator("details table").count() == shown.locator("details table:visible").count() > 0
