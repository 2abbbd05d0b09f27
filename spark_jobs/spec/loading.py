"""YAML read with the line of every key, under YAML 1.2's rules for plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from spark_jobs.errors import first_line
from spark_jobs.spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KeyPath = tuple[str | int, ...]

_TAG: Final = "tag:yaml.org,2002:"
_NUMBER: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
# YAML 1.2's core words. PyYAML's own (1.1) turn `on`, `yes` and `NO` into booleans, 2013-01-01 into a date
# and 1:30 into 90, and leave 1e-3 a text.
_WORDS: Final = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+", list("-+0123456789")),
    ("float", rf"{_NUMBER}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.0123456789")),
)

_MAKE: Final[Mapping[str, Callable[[str], Any]]] = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": lambda text: int(text, 0) if text[:2] in {"0x", "0o"} else int(text),
    "float": lambda text: float(re.sub(r"\.(?=inf|nan)", "", text.lower())),
}


class _Loader(yaml.SafeLoader):
    """A composer of nodes; the values are made below, not by PyYAML's constructors."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class _QuickLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """The same by libyaml, where PyYAML has it: a Dag processor reads a hundred files again and again."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


for _name, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


@dataclass(frozen=True)
class Document:
    """A YAML file's values, and the line that each of its key paths stands on.

    `file` is the path for messages, relative to the home. `text_lines` holds the line on which the text of a
    block scalar (`|` or `>`) starts.
    """

    file: str
    data: Any = field(default=None, compare=False, repr=False)
    lines: Mapping[KeyPath, int] = field(default_factory=dict, compare=False, repr=False)
    text_lines: Mapping[KeyPath, int] = field(default_factory=dict, compare=False, repr=False)

    def line(self, path: KeyPath) -> int | None:
        """The line of the key path, or of the nearest thing around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)

    def problem(
        self,
        path: KeyPath,
        what: str,
        *,
        expected: str = "",
        found: str = "",
        hint: str = "",
        within: int | None = None,
    ) -> Problem:
        """A problem at the line of a key path, or `within` a block text there, at a line counted from 1."""
        start = None if within is None else self.text_lines.get(path)
        line = self.line(path) if start is None or within is None else start + within - 1
        return Problem(self.file, line, what, expected, found, hint)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.lines: dict[KeyPath, int] = {}
        self.text_lines: dict[KeyPath, int] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            return self._refuse(node, "an alias refers to what it is part of")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
        finally:
            self._open.discard(id(node))
        return None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "a key must be a word", hint="quote a text that has { or [ in it")
                continue
            # A key is the word as it is written: `on:` is not a boolean here.
            key = str(key_node.value)
            if key in values:
                first = self.lines[(*path, key)]
                self._refuse(key_node, f'key "{key}" stands twice', hint=f"the first is on line {first}")
                continue
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*path, key))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        text = str(node.value)
        if node.style in {"|", ">"}:
            self.text_lines[path] = node.start_mark.line + 2
        kind = node.tag.removeprefix(_TAG)
        if kind not in _MAKE:
            return self._refuse(node, f"tag {node.tag} is not understood", expected="plain YAML")
        try:
            return _MAKE[kind](text)
        except ValueError:
            return self._refuse(node, f"{text!r} is no {kind}")

    def _refuse(self, node: yaml.Node, what: str, *, expected: str = "", hint: str = "") -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, what, expected=expected, hint=hint))


def read_text(text: str, file: str) -> tuple[Document, list[Problem]]:
    """The values of a YAML text, and what is wrong with it as YAML."""
    reader = _Reader(file)
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        return Document(file), [Problem(file, mark.line + 1 if mark else None, f"not YAML: {what}")]
    except yaml.YAMLError as error:
        return Document(file), [Problem(file, None, f"not YAML: {first_line(error)}")]
    data = reader.value(node, ()) if node is not None else None
    return Document(file, data, reader.lines, reader.text_lines), reader.problems


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_QuickLoader)
    except yaml.YAMLError:
        # Its errors say less, and do not always know the line.
        return yaml.compose(text, Loader=_Loader)


def read_file(path: Path, file: str) -> tuple[Document, list[Problem]]:
    """The values of a YAML file that exists, and what is wrong with it as YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Document(file), [Problem(file, None, f"cannot be read: {error}")]
    return read_text(text, file)


def read_scalar(text: str) -> tuple[Any, str | None]:
    """The value of a text as YAML would read it (`0.1`, `true`, `[1, 2]`), or why it is none."""
    document, problems = read_text(text, "value")
    return document.data, problems[0].what if problems else None
