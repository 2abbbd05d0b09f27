"""Texts that a page, a terminal or Markdown would obey if it did not know them for values."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

MARKUP = (
    "<img src=x onerror=alert(2)>",
    "</script><script>alert(3)</script>",
    "<svg/onload=alert(4)>",
    "\"><script>document.title='owned'</script>",
    "' onmouseover='alert(5)",
    "<a href=javascript:alert(6)>x</a>",
    "<style>*{display:none}</style>",
    "</td></table><iframe src=//example.org>",
    "javascript:alert(7)",
    "{{ 7 * 7 }}",
    "${7*7} $value $column",
    "&lt;b&gt;",
    "[text](javascript:alert(8))",
    "![x](//example.org/x.png)",
    "# head **bold** `code` | cell",
    "[red]colour[/red]",
    "=cmd|' /C calc'!A0",
)
OBEYED = (
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[31m",
    "\x9b2J",
    "a\rb",
    "a\x08b",
    "\u202egnp.exe",
    "\u2066isolated\u2069",
    "\u2028line",
)


@contextmanager
def opened(page: Path) -> Iterator[tuple[Page, list[str]]]:
    """A page in a browser that obeys its scripts, and what it did: dialogs, requests, scripts refused."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown, did = browser.new_page(viewport={"width": 1200, "height": 1600}), []
        shown.on("dialog", lambda dialog: (did.append(f"dialog {dialog.message}"), dialog.dismiss()))
        shown.on("request", lambda request: did.append(f"request {request.url}"))
        shown.on("console", lambda message: did.append(f"console {message.text}"))
        shown.goto(page.as_uri())
        did.remove(f"request {page.as_uri()}")
        yield shown, did
        browser.close()
