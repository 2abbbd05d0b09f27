"""Which source code computes an artifact: the modules that its step's imports lead to, and their digests."""

from __future__ import annotations

import ast
import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.spec.flow import FLOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.spec.flow import Kind

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "vintage"

STEPS: Final[Mapping[Kind, str]] = {each.kind: f"vintage.flow.{each.job}" for each in FLOW}
"""The module that makes each kind. A step that calls another finds an artifact with a key of its own."""

NOT_COMPUTING: Final[Mapping[str, str]] = {
    "vintage.processes": "ends a process",
    "vintage.errors": "words errors",
    "vintage.flow.evaluated": "finds the evaluation that is made from what stands now",
    "vintage.flow.graph": "names and finds what a step reads; all of it is in the key",
    "vintage.flow.job": "opens the pipeline, the date and the store, and reports how the step ended",
    "vintage.flow.recipe": "reads a pipeline from a manifest; what it says is in the key",
    "vintage.lineage": "walks manifests",
    "vintage.monitoring.quality": "tells what an artifact holds",
    "vintage.ordered": "finds the jar of ordered execution, whose sources are an engine of the key",
    "vintage.report": "shows what was made",
    "vintage.registry": "chooses a model and keeps records of it; the chosen one is in the key",
    "vintage.spec.checks": "refuses a pipeline or lets it pass unchanged",
    "vintage.spec.cron": "says when a night begins",
    "vintage.spec.database_query": "refuses a query or lets it pass unchanged",
    "vintage.spec.evaluation_checks": "refuses a pipeline or lets it pass unchanged",
    "vintage.spec.files": "finds files; what they say is in the key",
    "vintage.spec.flow": "lists the steps",
    "vintage.spec.home": "knows folders and addresses",
    "vintage.spec.loading": "reads YAML; what it says is in the key",
    "vintage.spec.monitor": "says how dates are watched; it is in the key of a monitor",
    "vintage.spec.names": "words lists and hints",
    "vintage.spec.problem": "words errors",
    "vintage.spec.repeatable": "refuses SQL or lets it pass unchanged",
    "vintage.spec.repeatable_checks": "refuses SQL or lets it pass unchanged",
    "vintage.spec.wait": "says how long a night waits for data",
    "vintage.store": "names, finds and publishes artifacts",
}
"""Modules and packages that cannot change what a step makes, and why; imports are not followed into them."""

ALWAYS: Final = ("vintage.session", "vintage.spec.pipeline")
"""What the opening of a job hands to every step: its Spark session and its pipeline."""

COMPUTING: Final = frozenset(
    {"vintage.registry.gates", "vintage.registry.outcome", "vintage.store.fingerprint"}
)
"""Modules of those packages that do compute."""

# CPython 3.11 counts a syntax tree's depth for all threads together, and fails when two build one at once.
_ONE_AT_A_TIME: Final = threading.Lock()


def code_digest(kind: Kind) -> str:
    """Return the SHA-256 over the modules that compute a kind, as its key has it."""
    total = hashlib.sha256()
    for name, digest in module_digests(kind).items():
        total.update(f"{name} {digest}\n".encode())
    return total.hexdigest()


def module_digests(kind: Kind) -> Mapping[str, str]:
    """Return each module that computes a kind, in the order of their names, with the SHA-256 of what it does.

    Comments, docstrings and layout change no digest. A template beside a module, of the same name, is part of
    that module.
    """
    with _ONE_AT_A_TIME:
        return _digests(kind)


def short_digests(kind: Kind) -> dict[str, str]:
    """Return the same, as a manifest keeps them: the start of each digest."""
    return {name: digest[:12] for name, digest in module_digests(kind).items()}


def changed_modules(kind: Kind, before: Mapping[str, str]) -> tuple[str, ...]:
    """Return the modules that compute a kind and are not as a manifest recorded them in `before`.

    Those that came or went count. None where `before` is empty: an earlier release recorded no modules.
    """
    if not before:
        return ()
    now = short_digests(kind)
    return tuple(name for name in sorted({*before, *now}) if before.get(name) != now.get(name))


def source_files(kind: Kind) -> tuple[Path, ...]:
    """Return the files of the modules that compute a kind, templates included."""
    return tuple(file for name in module_digests(kind) for file in _files(name))


@functools.cache
def _digests(kind: Kind) -> Mapping[str, str]:
    todo, found = [STEPS[kind], *ALWAYS], set[str]()
    while todo:
        name = todo.pop()
        if name in found or not _computes(name, kind):
            continue
        found.add(name)
        todo += _imports(name)
    return {name: _digest(name) for name in sorted(found)}


def _computes(name: str, kind: Kind) -> bool:
    if name in COMPUTING:
        return True
    if any(name == step for other, step in STEPS.items() if other != kind):
        return False
    parents = (name.rsplit(".", drop)[0] for drop in range(name.count(".") + 1))
    return not any(parent in NOT_COMPUTING for parent in parents)


@functools.cache
def _imports(name: str) -> tuple[str, ...]:
    """Return the modules of the package that a module imports anywhere; a package brings all its modules."""
    found = set[str]()
    for node in _statements(_tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            found |= {_home_of(str(node.module), alias.name) for alias in node.names}
    folder = _file(name).parent
    if _file(name).name == "__init__.py" and name != PACKAGE:
        found |= {f"{name}.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__"}
    return tuple(sorted(found))


def _home_of(module: str, name: str) -> str:
    """Return the module that a name comes from, where a package only hands it on."""
    if _exists(f"{module}.{name}"):
        return f"{module}.{name}"
    if _file(module).name == "__init__.py":
        for node in _tree(module).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return _home_of(str(node.module), alias.name)
    return module


@functools.cache
def _digest(name: str) -> str:
    total = hashlib.sha256()
    total.update(ast.dump(_tree(name)).encode())
    for template in _files(name):
        if template.suffix != ".py":
            total.update(template.name.encode() + b"\0" + template.read_bytes() + b"\0")
    return total.hexdigest()


@functools.cache
def _tree(name: str) -> ast.Module:
    tree = ast.parse(_file(name).read_bytes())
    drop_docstrings(tree)
    return tree


def _files(name: str) -> Iterator[Path]:
    """Yield a module's file, and the templates beside it that have its name."""
    file = _file(name)
    yield file
    yield from sorted(
        each for each in file.parent.glob(f"{file.stem}.*") if each.suffix not in {".py", ".pyc", ".pyi"}
    )


def _exists(name: str) -> bool:
    return _file(name).is_file()


def _file(name: str) -> Path:
    base = ROOT.joinpath(*name.split("."))
    package = base / "__init__.py"
    return package if package.is_file() else base.with_suffix(".py")


def drop_docstrings(tree: ast.AST) -> None:
    """Remove the docstrings of a syntax tree, in place."""
    for node in _statements(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:]


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a tree and all statements in it: a tenth of its nodes, for no expression is looked into."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, part, ())
