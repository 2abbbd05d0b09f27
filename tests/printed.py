"""The commands that the project prints: in strings of its source, and in its documentation."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SOURCES = ("vintage", "local", "examples", "spark_jobs", "dags", "plugins")
PROGRAMS = "vintage|airflow|make|mlflow"
HOLE = "2024-03-01"
"""Stands for a value that is known only when the text is printed; a date passes for a name too."""
_WITHIN = re.compile(rf"`((?:{PROGRAMS})(?: [^`]+)?)`")
_LINE = re.compile(rf"^ {{0,4}}((?:{PROGRAMS}) [^`\n]+)$", re.MULTILINE)
# A string of the source that is a command and nothing else; "make it so" is none.
_STRING = re.compile(r"^ {0,4}((?:vintage|airflow|mlflow) [a-z]+ \S[^`\n]*)$")
_CODE = re.compile(r"```(?:sh|console|bash)\n(.*?)```", re.DOTALL)
_USAGE = re.compile(r"\[OPTIONS\]|COMMAND")


@dataclass(frozen=True)
class Printed:
    """A command as it is printed, and the file that prints it."""

    text: str
    file: str


def printed() -> list[Printed]:
    """Every command that a text of the source or a page of the documentation names, each once a file."""
    found = [Printed(text, str(path.relative_to(ROOT))) for path in _files() for text in _commands(path)]
    return list(dict.fromkeys(found))


def _files() -> Iterator[Path]:
    for name in SOURCES:
        yield from sorted((ROOT / name).rglob("*.py"))
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    yield from sorted((ROOT / "docs").rglob("*.md"))


def _commands(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for string in strings_of(ast.parse(text)):
            yield from _found(_WITHIN, string)
            yield from _found(_STRING, string)
        return
    for block in _CODE.findall(text):
        yield from _found(_LINE, block.replace("\\\n", " "))
    prose = _CODE.sub("", text)
    yield from _found(_WITHIN, prose)
    yield from _found(_LINE, prose)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for each in pattern.findall(text):
        # Prose wraps within a command; behind one there may be a remark, or another column.
        unwrapped = re.sub(r"\s*\n\s*", " ", each)
        command = re.split(r" {3,}|\s+#\s", unwrapped)[0].strip()
        if not _USAGE.search(command):
            yield command


def strings_of(tree: ast.AST) -> Iterator[str]:
    """Every string of a module, or of a part; an f-string as a whole, with HOLE for each value filled in."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value
