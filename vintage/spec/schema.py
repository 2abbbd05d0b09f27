"""The JSON Schemas of the two kinds of file, for editors that complete and check YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.spec.pipeline import Pipeline
from vintage.spec.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec.base import SpecModel

SCHEMAS: Final[Mapping[str, tuple[type[SpecModel], str]]] = {
    "pipeline.schema.json": (Pipeline, "A Vintage pipeline: pipelines/<name>.yaml"),
    "suite.schema.json": (Suite, "A Vintage expectation suite: expectations/<name>.yaml"),
}


def json_schema(file: str) -> str:
    """Return the text of a published schema, `pipeline.schema.json` or `suite.schema.json`."""
    model, title = SCHEMAS[file]
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(by_alias=True),
        "title": title,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write both schemas into a folder; they are published in docs/schema."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in SCHEMAS:
        (folder / file).write_text(json_schema(file), encoding="utf-8")
