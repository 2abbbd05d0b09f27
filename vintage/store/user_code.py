"""Code of the user, named by dotted path: where it is, what it is, and its import in this process."""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
import threading
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.spec import did_you_mean
from vintage.store.code import drop_docstrings

if TYPE_CHECKING:
    from collections.abc import Iterable

# Python's and Vintage's own modules, which a home that is a checkout of Vintage holds beside the user's.
_NOT_OWN: Final = frozenset({*sys.stdlib_module_names, "vintage", "spark_jobs", "dags"})
_IMPORTING: Final = threading.RLock()
_places: dict[str, str] = {}
_homes: list[str] = []


class CannotImport(LookupError):
    """A dotted path that leads nowhere; says why, and the nearest name that is there."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class UserPackage:
    """A package, or a module, that is no installed distribution's.

    Attributes:
        name: its top-level name, `mypackage`.
        root: the folder that it lies in.
        files: its Python files and those of the packages beside it that it imports.
    """

    name: str
    root: Path
    files: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of what the files do: comments and docstrings apart."""
        total = hashlib.sha256()
        for file in self.files:
            content = file.read_bytes()
            try:
                tree = ast.parse(content)
                drop_docstrings(tree)
                content = ast.dump(tree).encode()
            except SyntaxError:
                pass
            total.update(file.relative_to(self.root).as_posix().encode() + b"\0" + content + b"\0")
        return total.hexdigest()


def look_in(home: Path) -> None:
    """Import come from this home from now on, after all else, and no longer from another one."""
    wanted = str(home)
    with _IMPORTING:
        for other in [each for each in _homes if each != wanted]:
            _homes.remove(other)
            sys.path[:] = [each for each in sys.path if each != other]
        if wanted not in sys.path:
            sys.path.append(wanted)
            _homes.append(wanted)
            importlib.invalidate_caches()


def user_packages(paths: Iterable[str]) -> tuple[UserPackage, ...]:
    """Return the user packages among dotted paths; those of installed distributions are left out."""
    found = []
    for top in sorted({path.partition(".")[0] for path in paths}):
        root = None if top in _NOT_OWN or distribution_of(top) else _root(top)
        if root is not None:
            found.append(UserPackage(top, root, _closure(top, root)))
    return tuple(found)


def read_modules(path: str) -> tuple[Path, ...]:
    """Return the user's files that the import of a dotted path reads: its module's and their imports.

    Imports that are computed at run time are not followed; other code gives none.
    """
    files: dict[Path, None] = {}
    for package in user_packages([path]):
        todo = [path.rpartition(".")[0]]
        while todo:
            name = todo.pop()
            file = _module_file(name, package.root)
            if file is None or file in files:
                continue
            files[file] = None
            todo += _modules_imported(file, name)
    return tuple(files)


def ingredients_of(paths: Iterable[str]) -> dict[str, str]:
    """Return what decides a result beside Vintage's own code: package → digest of its source, or its version.

    `paths` are dotted; what cannot be found is left out: importing it tells what is wrong.
    """
    paths = list(paths)
    own = {package.name: package.digest for package in user_packages(paths)}
    tops = {path.partition(".")[0] for path in paths} - set(own)
    named = {top: distribution_of(top) for top in sorted(tops)}
    return own | {name: metadata.version(name) for name in named.values() if name}


def import_path(path: str) -> Any:
    """Return what a dotted path leads to.

    A process that works for several homes, or whose user edits the code, gets what lies there now.

    Raises:
        CannotImport: the module is missing or raises while it is imported, or lacks the name.
    """
    module_name, _, name = path.rpartition(".")
    with _IMPORTING:
        for package in user_packages([path]):
            _forget_another(package)
        try:
            module = importlib.import_module(module_name)
        # What a module of the user's raises while it is imported can be anything.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CannotImport(
                f'the module of "{path}" cannot be imported ({reason})', _import_hint(error)
            ) from error
    found = getattr(module, name, None)
    if found is None:
        raise CannotImport(f'module {module_name} has no "{name}"', did_you_mean(name, vars(module)))
    return found


def _import_hint(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "put it in VINTAGE_HOME, or its folder on PYTHONPATH"
    if "SESSION_OR_CONTEXT_NOT_EXISTS" in str(error):
        return 'it is imported before Spark starts: write @udf(DoubleType()), for example, not @udf("double")'
    return ""


def distribution_of(top: str) -> str | None:
    """Return the installed distribution that a top-level module comes with; None for user code."""
    return next(iter(_distributions().get(top, ())), None)


@cache
def _distributions() -> dict[str, list[str]]:
    return {top: list(names) for top, names in metadata.packages_distributions().items()}


def _root(top: str) -> Path | None:
    """Return the folder that a package or a module lies in; None when there is none such."""
    for folder in map(Path, sys.path):
        if _files(top, folder):
            return folder
    return None


def _closure(top: str, root: Path) -> tuple[Path, ...]:
    """Return the Python files of a package and of the packages in the same folder that it imports, sorted."""
    todo, files = [top], {}
    while todo:
        name = todo.pop()
        if name in files:
            continue
        files[name] = _files(name, root)
        for file in files[name]:
            todo += [each for each in _imported(file) - _NOT_OWN if _files(each, root)]
    return tuple(sorted(file for each in files.values() for file in each))


def _files(top: str, root: Path) -> list[Path]:
    package, module = root / top, root / f"{top}.py"
    if package.is_dir():
        return sorted(package.rglob("*.py"))
    return [module] if module.is_file() else []


def _imported(file: Path) -> set[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _module_file(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    return next((file for file in (base / "__init__.py", base.with_suffix(".py")) if file.is_file()), None)


def _modules_imported(file: Path, name: str) -> list[str]:
    """Return the dotted names that a module imports; what is taken from one may be a module itself."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return []
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return [each for each in found if each and each.partition(".")[0] not in _NOT_OWN]


def _forget_another(package: UserPackage) -> None:
    """Drop from memory what was imported under these names from elsewhere, or before it was changed."""
    place = f"{package.root}:{package.digest}"
    if _places.get(package.name, place) != place:
        tops = {file.relative_to(package.root).parts[0].removesuffix(".py") for file in package.files}
        for name in [each for each in sys.modules if each.partition(".")[0] in tops]:
            del sys.modules[name]
        importlib.invalidate_caches()
    _places[package.name] = place
