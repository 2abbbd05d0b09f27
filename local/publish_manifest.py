"""Publish docs/manifest.md, the reference of manifests, or check that it is up to date."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from local.published import publish
from vintage.store.details import DETAILS, Details
from vintage.store.keys import Key
from vintage.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "manifest.md"
HEAD: Final = """\
# Manifests

<!-- Made by local/publish_manifest.py: run `make schema` after a change. -->

Every artifact of the [store](store.md) has a `manifest.json`. It records the ingredients of the
[key](concepts.md#key), the SHA-256 of each file, and the results of its kind. A folder without a manifest is
no artifact. `vintage show NAME --date D --json` and `vintage verify` read manifests; nothing changes one.

`details` depends on `kind`: {kinds}.
A field that is not *always* there may be absent, as in a manifest that an earlier release wrote.
Numbers that are not finite are `null`.
"""
_YES_NO: Final = {True: "yes", False: "no"}
_PLAIN: Final[Mapping[object, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    dt.date: "date",
    dt.datetime: "time",
    Key: "key",
    Any: "any",
}


def page() -> str:
    """Return the page's text: a section for each model, with a row for each field.

    Raises:
        KeyError: the docstring of a model does not describe one of its fields, or a type has no name here.
    """
    kinds = ", ".join(f"[`{kind}`](#{model.__name__.lower()})" for kind, model in DETAILS.items())
    parts = [HEAD.format(kinds=kinds)]
    for model in dict.fromkeys(_reached(Manifest)):
        summary, fields = described(model)
        kind = next((kind for kind, each in DETAILS.items() if each is model), None)
        text = f"{summary} Kind `{kind}`." if kind else summary
        rows = [
            f"| `{name}` | {_named(model, name)} | {_YES_NO[field.is_required()]} | {fields[name]} |"
            for name, field in model.model_fields.items()
        ]
        table = ["| field | type | always | meaning |", "|---|---|---|---|", *rows]
        parts.append("\n".join([f"## {model.__name__}", "", text, "", *table]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def described(model: type[BaseModel]) -> tuple[str, Mapping[str, str]]:
    """Return the summary of a model's docstring, and field → what its `Attributes` and its bases' say."""
    inherited: dict[str, str] = {}
    for base in reversed(model.__mro__[:-1]):
        attributes = (inspect.getdoc(base) or "").partition("\nAttributes:\n")[2]
        for name, text in re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)$", attributes, flags=re.MULTILINE):
            inherited[name] = " ".join(text.split()).replace("|", "\\|")
    return (inspect.getdoc(model) or "").partition("\n")[0], inherited


def main(arguments: Sequence[str] | None = None, *, file: Path = PAGE) -> int:
    """Write the page; with --check write nothing, and return 1 when it is out of date."""
    return publish(page(), file, arguments)


def _reached(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the model, the models of its fields, and for `details` those of every kind."""
    yield model
    for field in model.model_fields.values():
        for found in _models(field.annotation):
            for each in DETAILS.values() if found is Details else (found,):
                yield from _reached(each)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _named(model: type[BaseModel], name: str) -> str:
    """Name a field's type in the words of JSON, with a link to a model of its own."""
    if model is Manifest and name == "details":
        return "details of the kind"
    return _type(model.model_fields[name].annotation)


def _type(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if origin in {Union, UnionType}:
        return " or ".join("null" if each is NoneType else _type(each) for each in arguments)
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is Mapping:
        return f"object: {_type(arguments[0])} → {_type(arguments[1])}"
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    return _PLAIN[annotation]


if __name__ == "__main__":
    sys.exit(main())
