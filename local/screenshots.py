"""Take the pictures of the docs: the latest report of a pipeline, and its DAG in Airflow.

Run `make run` first. Chromium must be installed.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.stack import CHECKOUT, Endpoints, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Page

IMAGES: Final = CHECKOUT / "docs" / "images"
WIDTH: Final = 1200
REPORT_HEIGHT: Final = 1400
DAG_HEIGHT: Final = 620
QUALITY: Final = 80
GROUPS: Final = ("data", "model", "serving")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write `report.webp` and `dag.webp`; return 1 when there is no Chromium or no report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", default="flight_delay", help="name (%(default)s)")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder (%(default)s)")
    options = parser.parse_args(arguments)
    home = Path(os.environ.get("VINTAGE_HOME") or CHECKOUT)
    store = Path(os.environ.get("VINTAGE_STORE") or home / "data" / "store")
    reports = sorted((store / options.pipeline / "reports").glob("date=*/*/report.html"))
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not reports:
        missing = "Chromium" if browser is None else f"report of {options.pipeline} below {store}"
        sys.stderr.write(f"screenshots: no {missing}\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with _page(browser, REPORT_HEIGHT) as page:
        page.goto(reports[-1].as_uri())
        _write(page, options.out / "report.webp")
    with Stack(home, mlflow=False, schedule=False) as stack, _page(browser, DAG_HEIGHT) as page:
        _open_dag(page, stack.endpoints, f"retrain_{options.pipeline}")
        _write(page, options.out / "dag.webp")
    return 0


@contextmanager
def _page(browser: str, height: int) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        yield opened.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
        opened.close()


def _write(page: Page, file: Path) -> None:
    """Write what the page shows; WebP keeps it small, and only the browser's own protocol has it."""
    shot = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
    )
    file.write_bytes(base64.b64decode(shot["data"]))


def _open_dag(page: Page, endpoints: Endpoints, dag: str) -> None:
    """Log in, and open the graph of the DAG's latest run."""
    page.set_default_timeout(60_000)
    page.goto(f"{endpoints.airflow}/auth/login")
    page.fill("input[name=username]", endpoints.user)
    page.fill("input[name=password]", endpoints.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{endpoints.airflow}/dags/{dag}/")
    # As the buttons of Airflow's page do: its graph, with the groups of tasks open.
    page.evaluate("localStorage.setItem('default_dag_view', JSON.stringify('graph'))")
    page.evaluate(f"localStorage.setItem('{dag}/open-groups', JSON.stringify({list(GROUPS)}))")
    page.reload()
    page.wait_for_selector(".react-flow__node")
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    sys.exit(main())
