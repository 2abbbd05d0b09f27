"""Spark's schema text (`a INT, b ARRAY<STRING>`), read without a JVM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vintage.spec.names import did_you_mean

_PLAIN_TYPES: Final = frozenset(
    {
        *("boolean", "byte", "tinyint", "short", "smallint", "int", "integer", "long", "bigint"),
        *("float", "real", "double", "decimal", "dec", "numeric"),
        *("date", "timestamp", "timestamp_ltz", "timestamp_ntz", "string", "binary", "variant"),
    }
)
_SIZED_TYPES: Final = {"decimal": (1, 2), "dec": (1, 2), "numeric": (1, 2)}
_MOST_DIGITS: Final = 38
_TEXTS: Final = frozenset({"char", "varchar"})
_NESTED_TYPES: Final = frozenset({"array", "map", "struct"})
_KNOWN: Final = sorted(_PLAIN_TYPES | set(_SIZED_TYPES) | _NESTED_TYPES)
_TOKEN: Final = re.compile(
    r"\s*(?:(`(?:[^`]|``)+`)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(\w+)|([<>(),:])|(\S))"
)

DEPTH: Final = 50
"""Types within types: this parser calls itself for each, and so does Spark's."""


class BadDdl(ValueError):
    """A schema text that Spark would refuse; says where and why."""

    def __init__(self, what: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a schema text; `type` is its Spark type in upper case, as it is written."""

    name: str
    type: str


# A DAG processor asks for the same few hundreds of times.
@lru_cache(maxsize=256)
def parse_ddl(text: str, *, vectors: bool = False) -> tuple[Column, ...]:
    """Return the columns of a schema text, in order.

    Args:
        text: Spark's DDL.
        vectors: whether VECTOR, pyspark.ml's, is a type too; Spark's own DDL has no word for it.

    Raises:
        BadDdl: it is no schema text, names an unknown type, or a column twice.
    """
    columns = _Parser(text, frozenset({"vector"}) if vectors else frozenset()).columns()
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            raise BadDdl(f'column "{column.name}" occurs twice in the schema')
        seen.add(column.name.lower())
    return columns


class _Parser:
    """A recursive descent over the tokens: columns, and types within types."""

    def __init__(self, text: str, further: frozenset[str] = frozenset()) -> None:
        self._plain = _PLAIN_TYPES | further
        # Blanks that nothing follows would be looked through once from each of them.
        words = _TOKEN.finditer(text.strip())
        self._tokens = [match.group().strip() for match in words if match.group().strip()]
        self._at = 0
        self._depth = 0

    def columns(self) -> tuple[Column, ...]:
        columns = [self._column()]
        while self._take(","):
            columns.append(self._column())
        if self._peek():
            raise BadDdl(
                f'column "{columns[-1].name}" is followed by {self._peek()!r}', expected="a comma or the end"
            )
        return tuple(columns)

    def _column(self) -> Column:
        name = self._word("a column's name")
        self._take(":")
        type_name = self._type(name)
        if self._take("not"):
            self._expect("null", name)
        if self._take("comment"):
            self._at += 1
        return Column(name, type_name)

    def _type(self, column: str) -> str:
        written = self._word(f'the type of column "{column}"')
        name = written.lower()
        if name not in self._plain | _TEXTS | _SIZED_TYPES.keys() | _NESTED_TYPES:
            raise BadDdl(
                f'column "{column}" has unknown type {written}',
                expected="a Spark SQL type",
                hint=did_you_mean(name, _KNOWN).upper().replace("DID YOU MEAN", "did you mean"),
            )
        if name in _TEXTS:
            raise BadDdl(
                f'column "{column}" is {written.upper()}, which Spark reads as STRING alone',
                expected="STRING; expect_column_value_lengths_to_be_between in a suite holds its length",
            )
        if name in _NESTED_TYPES:
            self._depth += 1
            if self._depth > DEPTH:
                raise BadDdl(f'the type of column "{column}" is nested too deep', expected=f"{DEPTH} levels")
            nested = self._nested(name, column)
            self._depth -= 1
            return nested
        if name in _SIZED_TYPES and self._take("("):
            sizes = [self._number(column)]
            while self._take(","):
                sizes.append(self._number(column))
            self._expect(")", column)
            if len(sizes) > _SIZED_TYPES[name][1]:
                raise BadDdl(f'column "{column}" has too many sizes for {written}')
            digits, places = int(sizes[0]), int(sizes[1]) if len(sizes) > 1 else 0
            if not places <= digits <= _MOST_DIGITS or not digits:
                raise BadDdl(
                    f'column "{column}" is {written.upper()}({", ".join(sizes)}), which Spark does not have',
                    expected=f"1 to {_MOST_DIGITS} digits, and no more places than digits",
                )
            return f"{written.upper()}({','.join(sizes)})"
        return written.upper()

    def _nested(self, name: str, column: str) -> str:
        self._expect("<", column)
        if name == "struct":
            fields = [self._column()]
            while self._take(","):
                fields.append(self._column())
            inner = ", ".join(f"{field.name}: {field.type}" for field in fields)
        elif name == "map":
            key = self._type(column)
            self._expect(",", column)
            inner = f"{key}, {self._type(column)}"
        else:
            inner = self._type(column)
        self._expect(">", column)
        return f"{name.upper()}<{inner}>"

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, token: str) -> bool:
        if self._peek().lower() == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str, column: str) -> None:
        if not self._take(token):
            raise BadDdl(f'the type of column "{column}" is not complete', expected=f"{token!r} in it")

    def _number(self, column: str) -> str:
        token = self._peek()
        if not token.isdecimal():
            raise BadDdl(f'the type of column "{column}" is not complete', expected="a number in it")
        self._at += 1
        return token

    def _word(self, role: str) -> str:
        token = self._peek()
        self._at += 1
        if token.startswith("`"):
            return token[1:-1].replace("``", "`")
        if not re.fullmatch(r"\w+", token):
            raise BadDdl("the schema is not complete", expected=f"{role}, as in `a INT, b STRING`")
        return token
