"""Which source code made a thing: a digest that a comment or a docstring does not change."""

from __future__ import annotations

import ast
import functools
import hashlib
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


# CPython 3.11 counts a syntax tree's depth for all threads together, and fails when two build one at once.
_ONE_AT_A_TIME = threading.Lock()


def code_digest(*parts: str) -> str:
    """SHA-256 over the syntax trees of files and folders of `spark_jobs/`, without docstrings and comments.

    Args:
        parts: paths relative to `spark_jobs/`; a folder stands for every Python file in it.
    """
    with _ONE_AT_A_TIME:
        return _digest(parts)


@functools.cache
def _digest(parts: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for path in code_files(*parts):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        drop_docstrings(tree)
        total.update(path.relative_to(ROOT).as_posix().encode())
        total.update(ast.dump(tree).encode())
    return total.hexdigest()


def code_files(*parts: str) -> tuple[Path, ...]:
    """The Python files that the parts stand for, in one order on every machine."""
    files: set[Path] = set()
    for part in parts:
        path = ROOT / part
        files.update(path.rglob("*.py") if path.is_dir() else (path,))
    return tuple(sorted(files, key=lambda path: path.as_posix()))


def drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:]
