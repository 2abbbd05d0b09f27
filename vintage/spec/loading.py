"""YAML read with the line of every key, under YAML 1.2's rules for plain words, within a budget."""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.composer import Composer
from yaml.reader import Reader
from yaml.resolver import Resolver

from vintage.errors import first_line
from vintage.spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KeyPath = tuple[str | int, ...]

# What one file may hold. The widest table that Vintage is measured with, 1,000 columns with three rules each,
# takes a third of the bytes and two thirds of the nodes. An alias counts as all that it stands for.
BYTES: Final = 1 << 20
NODES: Final = 50_000
DEPTH: Final = 32
ALIASES: Final = 1_000
TEXT: Final = 1 << 16
KEY: Final = 256
DIGITS: Final = 40

_TAG: Final = "tag:yaml.org,2002:"
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
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


class _OverBudget(yaml.MarkedYAMLError):
    """A file holds more than any pipeline or suite does; `expected` is the budget."""

    def __init__(self, what: str, expected: str, mark: yaml.Mark) -> None:
        super().__init__(problem=what, problem_mark=mark)
        self.expected = expected


class _Words(Resolver):
    """The words above, and none of PyYAML's own."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class _Budgeted(Composer):
    """Composes nodes while there are not too many of them; the values are made below.

    libyaml's own composer and PyYAML's call themselves for each level, on the stack of C or of Python.
    """

    _nodes = _aliases = _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]
        self._nodes += 1
        self._depth += 1
        self._aliases += isinstance(event, yaml.AliasEvent)
        for count, most, things in (
            (self._nodes, NODES, "keys and values"),
            (self._depth, DEPTH, "levels"),
            (self._aliases, ALIASES, "aliases"),
        ):
            if count > most:
                raise _over(things, most, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _over(things: str, most: int, mark: yaml.Mark) -> _OverBudget:
    return _OverBudget(f"the file has more than {most:,} {things}", f"at most {most:,}", mark)


class _Loader(_Budgeted, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, _Words):
    """PyYAML's own parser, whose errors are more detailed."""

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        Composer.__init__(self)
        _Words.__init__(self)


if yaml.__with_libyaml__:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class _QuickLoader(_Budgeted, CParser, _Words):
        """The same by libyaml: a DAG processor reads a hundred files again and again."""

        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            Composer.__init__(self)
            _Words.__init__(self)

else:
    _QuickLoader = _Loader  # type: ignore[assignment,misc]


for _name, _pattern, _first in _WORDS:
    _Words.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


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
        """Return the line of the key path, or of the nearest thing around it."""
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
        """Return a problem at the line of a key path, or at line `within` (from 1) of a block text there."""
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
        self._nodes = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > NODES:
            raise _over("keys and values with those its aliases stand for", NODES, node.start_mark)
        if len(path) > DEPTH:
            raise _over("levels with those its aliases stand for", DEPTH, node.start_mark)
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
            if len(key) > KEY:
                self._refuse(key_node, f"a key has {len(key):,} characters", expected=f"at most {KEY}")
                continue
            if key in values:
                first = self.lines[(*path, key)]
                self._refuse(key_node, f'key "{key}" occurs twice', hint=f"the first is on line {first}")
                continue
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*path, key))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        text = str(node.value)
        if node.style in {"|", ">"}:
            self.text_lines[path] = node.start_mark.line + 2
        kind = node.tag.removeprefix(_TAG)
        what, expected = _out_of_bounds(text, kind)
        if kind not in _MAKE:
            what, expected = f"tag {node.tag} is not understood", "plain YAML"
        if what:
            return self._refuse(node, what, expected=expected)
        try:
            value = _MAKE[kind](text)
        except ValueError:
            return self._refuse(node, f"{text!r} is no {kind}")
        if kind == "float" and not math.isfinite(value) and text[-1].isdigit():
            return self._refuse(node, f"{text} is beyond what a number with a point can hold")
        return value

    def _refuse(self, node: yaml.Node, what: str, *, expected: str = "", hint: str = "") -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, what, expected=expected, hint=hint))


def _out_of_bounds(text: str, kind: str) -> tuple[str, str]:
    """Return why a text can be no value, and what was expected; empty where it can."""
    if len(text) > TEXT:
        return f"a text has {len(text):,} characters", f"at most {TEXT:,}"
    if kind in {"int", "float"} and len(text) > DIGITS:
        return f"a number has {len(text):,} characters", f"at most {DIGITS}"
    if _SURROGATE.search(text):
        return "a text holds half a character", "none of \\uD800 to \\uDFFF"
    return "", ""


def read_text(text: str, file: str) -> tuple[Document, list[Problem]]:
    """Return the values of a YAML text, and what is wrong with it as YAML."""
    reader = _Reader(file)
    if (foreign := Reader.NON_PRINTABLE.search(text)) is not None:
        where = text.count("\n", 0, foreign.start()) + 1
        what = f"not YAML: the character {foreign[0]!r} may not occur in it"
        return Document(file), [Problem(file, where, what)]
    try:
        node = _composed(text)
        data = reader.value(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else None
        if isinstance(error, _OverBudget):
            return Document(file), [Problem(file, line, what, expected=error.expected)]
        return Document(file), [Problem(file, line, f"not YAML: {what}")]
    except yaml.YAMLError as error:
        return Document(file), [Problem(file, None, f"not YAML: {first_line(error)}")]
    return Document(file, data, reader.lines, reader.text_lines), reader.problems


def _composed(text: str) -> yaml.Node | None:
    try:
        return _node(_QuickLoader(text))
    except _OverBudget:
        raise
    except yaml.YAMLError:
        if len(text) > TEXT:
            raise
        # Its errors say less, and do not always know the line.
        return _node(_Loader(text))


def _node(loader: _Loader | _QuickLoader) -> yaml.Node | None:
    node: yaml.Node | None = loader.get_single_node()
    return node


def read_file(path: Path, file: str) -> tuple[Document, list[Problem]]:
    """Return the values of a YAML file that exists, and what is wrong with it as YAML."""
    try:
        content = _content(path)
    except OSError as error:
        return Document(file), [Problem(file, None, f"cannot be read: {error.strerror or error}")]
    except _NoFile as error:
        what, expected = error.args
        return Document(file), [Problem(file, None, what, expected=expected)]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "it may be UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
        what = f"byte 0x{content[error.start]:02x} is no UTF-8"
        return Document(file), [Problem(file, line, what, expected="a file in UTF-8", hint=hint)]
    return read_text(text, file)


class _NoFile(Exception):
    """What stands under a file's name is none, or too long to be one of ours: what, and expected."""


def _content(path: Path) -> bytes:
    # Opening a pipe waits for its writer, and some devices never end.
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise _NoFile("is no file but something else of that name", "a file, or a link to one")
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = b"" if status.st_size > BYTES else file.read(BYTES + 1)
    finally:
        os.close(opened)
    size = max(status.st_size, len(content))
    if size > BYTES:
        raise _NoFile(f"the file has {size:,} bytes", f"at most {BYTES:,}")
    return content


def read_scalar(text: str) -> tuple[Any, str | None]:
    """Return the value of a text as YAML would read it (`0.1`, `true`, `[1, 2]`), or why it is not one."""
    document, problems = read_text(text, "value")
    return document.data, problems[0].what if problems else None
