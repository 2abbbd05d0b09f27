"""The calls of a Python file: what each leads to, and what stands around it."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_GENERATORS: Final = frozenset(
    {"random.Random", "numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.Generator"}
)


class Calls:
    """The calls in a syntax tree, in the order of the file.

    Args:
        tree: of one module.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._imported: dict[str, str] = {}
        self._around: dict[ast.AST, ast.AST] = {}
        self._calls: list[ast.Call] = []
        self._defined: set[str] = set()
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self._around[child] = node
            if isinstance(node, ast.Call):
                self._calls.append(node)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._imported |= _names_of(node)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._defined.add(node.name)
        self._calls.sort(key=lambda call: (call.lineno, call.col_offset))
        self._generators = self._assigned_generators(tree)

    def __iter__(self) -> Iterator[ast.Call]:
        return iter(self._calls)

    def path(self, node: ast.expr) -> str:
        """Return the dotted path of a name, such as `numpy.random.rand`; empty where it is unknown."""
        if isinstance(node, ast.Attribute):
            owner = self.path(node.value)
            return f"{owner}.{node.attr}" if owner and not owner.startswith("builtins.") else ""
        if not isinstance(node, ast.Name):
            return ""
        if node.id in self._imported:
            return self._imported[node.id]
        return f"builtins.{node.id}" if hasattr(builtins, node.id) and node.id not in self._defined else ""

    def imports(self, package: str) -> bool:
        """Return whether the file imports anything of a package."""
        return any(path.partition(".")[0] == package for path in self._imported.values())

    def around(self, call: ast.Call) -> Iterator[str]:
        """Yield the paths of the calls whose arguments a call is among, from the inside out."""
        node: ast.AST = call
        while node in self._around:
            parent = self._around[node]
            if isinstance(parent, ast.Call) and node is not parent.func:
                yield self.path(parent.func)
            node = parent

    def is_over_a_window(self, call: ast.Call) -> bool:
        """Return whether it stands before `.over(…)`."""
        parent = self._around.get(call)
        return isinstance(parent, ast.Attribute) and parent.attr == "over"

    def chained(self, node: ast.expr) -> set[str]:
        """Return the chained methods that produce a value: `rows.where(…).orderBy(…)`."""
        found = set()
        while isinstance(node, ast.Call | ast.Attribute):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            node = node.func if isinstance(node, ast.Call) else node.value
        return found

    def is_generator(self, node: ast.expr) -> bool:
        """Return whether a name was given to a generator of random numbers."""
        return _name(node) in self._generators

    def _assigned_generators(self, tree: ast.Module) -> set[str]:
        found = set()
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and self.path(node.value.func) in _GENERATORS
            ):
                found |= {_name(target) for target in node.targets}
        return found - {""}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _names_of(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Name in the file → dotted path of what it stands for."""
    if isinstance(node, ast.ImportFrom):
        if node.level or not node.module:
            return {}
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    whole = {alias.asname: alias.name for alias in node.names if alias.asname}
    tops = (alias.name.partition(".")[0] for alias in node.names if not alias.asname)
    return whole | {top: top for top in tops}
