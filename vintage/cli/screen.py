"""The terminal: the one way to it for texts that data, files and people give."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import rich.console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from vintage.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from rich.console import ConsoleOptions, RenderableType


class Console(rich.console.Console):
    """Rich's console, on which a value is seen and not obeyed: no markup, no escape sequence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render to segments whose texts hold no character that a terminal obeys."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text, keep="\n\t"), segment.style)


def hanging(line: str, style: str = "") -> Table:
    """Return a line that wraps below its own text, and not below the spaces or the bullet before it."""
    before = len(line) - len(line.lstrip(" ·"))
    table = Table.grid()
    table.add_column(width=before)
    table.add_column(overflow="fold")
    table.add_row(Text(line[:before], style=style), Text(line[before:], style=style))
    return table


def write_json(found: BaseModel, *, indent: int | None = 2) -> None:
    """Write a model as JSON to standard output."""
    sys.stdout.write(f"{json_text(found, indent=indent)}\n")


def json_text(found: BaseModel, *, indent: int | None = 2) -> str:
    """Return a model as JSON; what a terminal would obey is escaped, as JSON can."""
    text = found.model_dump_json(indent=indent)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
