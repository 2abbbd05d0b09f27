"""What is documented is complete."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

from vintage.spec import METRICS
from vintage.spec.metrics import OF_DATA

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


def test_every_file_and_function_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:\w+/)*\w+(?:\.py|/))`", text)
    absent = [each for each in named if not any((root / each).exists() for root in (ROOT, ROOT / "vintage"))]
    assert len(named) > 40
    assert absent == []
    rows = re.findall(r"^\| (.+\?) \| (.+) \| (.+) \|$", text.partition("## Where is")[2], flags=re.MULTILINE)
    assert len(rows) > 10
    for question, files, functions in rows:
        names = {
            name
            for file in re.findall(r"`(\S+\.py)`", files)
            for name in names_in(ast.parse((ROOT / "vintage" / file).read_text(encoding="utf-8")))
        }
        wanted = set(re.findall(r"`([\w.]+)`", functions))
        assert wanted, question
        assert wanted <= names, question


def names_in(module: ast.Module) -> set[str]:
    """What a module defines or imports; methods as `Class.method`."""
    found = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_every_metric_is_in_its_page() -> None:
    ranges = {(0.0, 1.0): "0 to 1", (-math.inf, 1.0): "at most 1", (0.0, math.inf): "0 or more"}
    expected = {
        (task, name): ("higher" if metric.larger_is_better else "lower", ranges[metric.reach])
        for task, metrics in {**METRICS, "any task": OF_DATA}.items()
        for name, metric in metrics.items()
    }
    documented = {}
    for section in (ROOT / "docs/metrics.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        task, _, text = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \| .+ \| `(\S+)` \|$", text, flags=re.MULTILINE)
        for name, better, reach, file in rows:
            documented[task, name] = (better, reach)
            assert (ROOT / "vintage" / file).is_file(), file
    assert documented == expected


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
