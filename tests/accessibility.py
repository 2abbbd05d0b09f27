"""What axe finds on a page that is open in a browser, in the light and in the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

GRAVE = {"serious", "critical"}


def grave_findings(shown: Page) -> list[str]:
    """Return the rules of axe that the page breaks seriously or critically, each with an element."""
    from axe_playwright_python.sync_playwright import Axe

    # What is folded has colours and names too.
    shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = []
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        response = Axe().run(shown).response
        assert response["passes"], "axe checked nothing"
        found += [
            f"{scheme}: {each['id']}: {each['nodes'][0]['html']}: {each['nodes'][0]['failureSummary']}"
            for each in response["violations"]
            if each["impact"] in GRAVE
        ]
    shown.emulate_media(color_scheme="light")
    return found
