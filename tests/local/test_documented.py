"""What is documented is complete."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("vintage", "spark_jobs", "dags", "plugins", "local", "docker", "docker-compose.yaml", "Makefile")


def test_every_environment_variable_is_in_its_page() -> None:
    files = [
        path
        for name in CODE
        for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    texts = [
        path.read_text(encoding="utf-8")
        for path in files
        if path.suffix in {".py", ".sh", ".yaml", ""} and path.is_file()
    ]
    used = {name for text in texts for name in re.findall(r"\bVINTAGE_[A-Z][A-Z_]*[A-Z]\b", text)}
    documented = set(
        re.findall(r"`(VINTAGE_[A-Z_]+)`", (ROOT / "docs/environment.md").read_text(encoding="utf-8"))
    )
    assert len(used) > 20
    assert documented == used


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            found = (page.parent / path).resolve() if path else page
            if not found.exists() or (anchor and anchor not in anchors_of(found)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
