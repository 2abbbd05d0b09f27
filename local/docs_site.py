"""Hook of the docs' site: links to files outside docs/ become plain text, and decisions are listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
INDEX: Final = "decisions/index.md"
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^):#]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page's text as the site shows it.

    On the web page of a repository `[a test](../tests/test_it.py)` is a link; the site has no such file.
    """
    folder = (DOCS / page.file.src_uri).parent

    def kept(link: re.Match[str]) -> str:
        inside = (folder / link[2]).resolve().is_relative_to(DOCS)
        return link[0] if inside else link[1]

    text = _LINK.sub(kept, markdown)
    return f"{text}\n{_decisions()}\n" if page.file.src_uri == INDEX else text


def _decisions() -> str:
    """Return a list of the decision records, each by its title."""
    records = sorted((DOCS / INDEX).parent.glob("0*.md"))
    titles = [record.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for record in records]
    return "\n".join(f"- [{title}]({record.name})" for title, record in zip(titles, records, strict=True))
