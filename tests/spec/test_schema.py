"""The published JSON Schemas are those of the models, and agree with what a load accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from vintage.spec import Home, read_home
from vintage.spec.loading import read_file
from vintage.spec.schema import SCHEMAS, json_schema

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs/schema"
WRITE = "python -c 'import pathlib, vintage.spec.schema as s; s.write(pathlib.Path(\"docs/schema\"))'"


@pytest.mark.parametrize("file", SCHEMAS)
def test_the_committed_schema_is_current(file: str) -> None:
    committed = (PUBLISHED / file).read_text(encoding="utf-8")
    assert committed == json_schema(file), f"run: {WRITE}"


def test_the_projects_own_files_are_right_by_schema_and_by_load() -> None:
    assert read_home(Home.from_environment({"VINTAGE_HOME": str(ROOT)})).problems == ()
    for folder, file in (("pipelines", "pipeline.schema.json"), ("expectations", "suite.schema.json")):
        validator = Draft202012Validator(json.loads(json_schema(file)))
        for path in (ROOT / folder).glob("*.yaml"):
            document, _ = read_file(path, path.name)
            problems = [error.message for error in validator.iter_errors(document.data)]
            assert problems == [], path


def test_every_key_is_described() -> None:
    for file in SCHEMAS:
        schema = json.loads(json_schema(file))
        for model in [schema, *schema["$defs"].values()]:
            for key, field in model.get("properties", {}).items():
                named = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
                assert field.get("description") or named.get("description"), (
                    f"{file}: {key} has no description"
                )


def test_an_unknown_key_is_refused_by_the_schema_too() -> None:
    validator = Draft202012Validator(json.loads(json_schema("pipeline.schema.json")))
    messages = [error.message for error in validator.iter_errors({"expectation": "flights"})]
    assert any("expectation" in message and "unexpected" in message for message in messages)
