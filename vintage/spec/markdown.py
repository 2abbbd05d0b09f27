"""Texts in Markdown that stand for themselves, whatever they hold."""

from __future__ import annotations

import re
from typing import Final

MOST_CHARACTERS: Final = 300
"""Of one cell or reason; a gate may hold a value of the data, of any length."""

# Within code a backslash is a backslash.
_ESCAPED: Final = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\\([!-/:-@\[-`{-~])", re.DOTALL)
_ROW: Final = re.compile(r"^\| (?!---).*\|$", re.MULTILINE)
_SPECIAL: Final = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """Return a text on one line, in which Markdown sees nothing but text."""
    return _SPECIAL.sub(r"\\\1", _short(text))


def code(text: str) -> str:
    """Return a text on one line as code; for a cell of a table too."""
    short = _short(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", short)), default=0)
    if not longest:
        return f"`{short}`" if short else ""
    fence = "`" * (longest + 1)
    return f"{fence} {short} {fence}"


def with_entities(text: str) -> str:
    """Return Markdown as MLflow's pages show it well.

    They show many a backslash, so that entities stand for what `plain` escaped. Their tables have no space
    between columns, so that each cell brings its own.
    """
    text = _ROW.sub(lambda row: row[0].replace(" | ", "&emsp; | "), text)
    return _ESCAPED.sub(lambda found: f"&#{ord(found[2])};" if found[2] else found[0], text)


def _short(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
