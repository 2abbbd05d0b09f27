"""Publishes in docs/schema the JSON Schemas of the YAML files and of what `--json` prints, or checks them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.cli.pipelines_view import Pipelines
from vintage.cli.published import Checked, Repaired, Started, Swept, Verified, Written
from vintage.flow.plan import Plan
from vintage.flow.reproduction import Reproduction
from vintage.flow.restatement import Impact
from vintage.jobs.backfill import Backfilled
from vintage.jobs.monitor import Monitored
from vintage.lineage.difference import Difference
from vintage.monitoring.drift import Drift
from vintage.monitoring.quality import Quality
from vintage.registry.ledger import Entry
from vintage.report.history import History
from vintage.report.predictions import Scored
from vintage.report.summary import Summary
from vintage.spec.schema import SCHEMAS, json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

log = logging.getLogger("schemas")

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "schema"

OUTPUTS: Final[Mapping[str, type[BaseModel]]] = {
    "list": Pipelines,
    "init": Started,
    "check": Checked,
    "run": Summary,
    "plan": Plan,
    "backfill": Backfilled,
    "impact": Impact,
    "show": Summary,
    "history": History,
    "report": Written,
    "promote": Entry,
    "rollback": Entry,
    "diff": Difference,
    "drift": Drift,
    "quality": Quality,
    "monitor": Monitored,
    "reproduce": Reproduction,
    "score": Scored,
    "gc": Swept,
    "verify": Verified,
    "registry repair": Repaired,
}
"""Command → what it prints with `--json`; `backfill` prints a line of it for each date."""


def texts() -> dict[str, str]:
    """Return file → the schema that belongs there."""
    of_models = {model.__name__.lower(): model for model in OUTPUTS.values()}
    schemas = {name: each.model_json_schema(mode="serialization") for name, each in of_models.items()}
    outputs = {
        f"output/{name}.schema.json": json.dumps(each, indent=2) + "\n" for name, each in schemas.items()
    }
    return {**{name: json_schema(name) for name in SCHEMAS}, **outputs}


def stale(folder: Path) -> list[str]:
    """Return the schemas whose published text is missing or not that of the models."""
    return [
        name
        for name, text in texts().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None, *, folder: Path = FOLDER) -> int:
    """Write what is out of date; with --check writes nothing, and is 1 when something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only report which are out of date")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    outdated = stale(folder)
    if options.check:
        for name in outdated:
            log.error("docs/schema/%s is out of date: run `make schema` and commit it", name)
        return 1 if outdated else 0
    wanted = texts()
    for name in outdated:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(wanted[name], encoding="utf-8")
        log.info("docs/schema/%s written", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
