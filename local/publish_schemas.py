"""Publishes the JSON Schemas of the YAML files in docs/schema, or checks that they are up to date."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.spec.schema import SCHEMAS, json_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("schemas")

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "schema"


def stale(folder: Path) -> list[str]:
    """Return the schemas whose published text is missing or not that of the models."""
    return [
        name
        for name in SCHEMAS
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != json_schema(name)
    ]


def main(arguments: Sequence[str] | None = None, *, folder: Path = FOLDER) -> int:
    """Write what is out of date; with --check writes nothing, and is 1 when something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which are out of date")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    outdated = stale(folder)
    if options.check:
        for name in outdated:
            log.error("docs/schema/%s is out of date: run `make schema` and commit it", name)
        return 1 if outdated else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in outdated:
        (folder / name).write_text(json_schema(name), encoding="utf-8")
        log.info("docs/schema/%s written", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
