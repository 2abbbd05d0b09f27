"""Publishes docs/cli.md, the reference of the command line, or checks that it is fresh."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from typer.cli import get_docs_for_click

from local.published import publish
from vintage.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD: Final = """\
# Command line

<!-- Made by local/publish_cli.py: run `make schema` after a change. -->

Every command but `serve` takes `--json`. What it prints then has a JSON Schema in `docs/schema/output/`.
`vintage --install-completion` sets up the completion of your shell.

"""


def page() -> str:
    """Return the page's text, as typer writes it of the program's own help."""
    program = typer.main.get_command(app)
    text = get_docs_for_click(obj=program, ctx=typer.Context(program), name="vintage")
    # Its first line is the page's title, which the head has; it cuts the summaries of commands short.
    body = text.partition("\n")[2].strip()
    groups = [each for each in program.commands.values() if hasattr(each, "commands")]
    for name, command in (each for group in (program, *groups) for each in group.commands.items()):
        body = re.sub(
            rf"^\* `{name}`: .*$", f"* `{name}`: {command.get_short_help_str(limit=200)}", body, flags=re.M
        )
    return HEAD + re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; with --check write nothing, and return 1 when it is out of date."""
    return publish(page(), PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
