"""Writes the raw data that example pipelines read, as it would have landed; touches nothing that is there."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from examples.catalogue import EXAMPLES
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT: Final = Path(__file__).resolve().parent.parent


def prepare(pipelines: Sequence[str], raw: Path) -> None:
    """Write what is absent of the pipelines' raw data.

    Args:
        pipelines: names in `EXAMPLES`.
        raw: the folder of all raw data, one folder a data set below it.
    """
    for data in dict.fromkeys(data for name in pipelines for data in EXAMPLES[name].data):
        importlib.import_module(f"examples.{data}").prepare(raw)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m examples.prepare [PIPELINE…]`: all of them when none is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", help=", ".join(EXAMPLES))
    home = Path(os.environ.get("VINTAGE_HOME") or CHECKOUT)
    parser.add_argument("--out", type=Path, default=home / "data" / "raw", help="folder (%(default)s)")
    options = parser.parse_args(arguments)
    close_to_others(os.environ)
    if unknown := [name for name in options.pipelines if name not in EXAMPLES]:
        parser.error(f"no example pipeline {', '.join(unknown)}; there are {', '.join(EXAMPLES)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        prepare(options.pipelines or list(EXAMPLES), options.out)
    except (RuntimeError, OSError) as error:
        logging.getLogger("examples").error("examples: %s", error)  # noqa: TRY400 - one readable line
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
