"""Write a generated page of the docs, or check that it is up to date."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger("published")


def publish(text: str, page: Path, arguments: Sequence[str] | None) -> int:
    """Write the page when it is out of date. With --check write nothing, and return 1 then."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="only report whether it is out of date")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    if options.check:
        log.error("docs/%s is out of date: run `make schema` and commit it", page.name)
        return 1
    page.write_text(text, encoding="utf-8")
    log.info("docs/%s written", page.name)
    return 0
