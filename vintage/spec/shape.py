"""From what pydantic found to problems that a reader can fix: line, expected, found, nearest name."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from vintage.spec.names import did_you_mean, list_names, nearest
from vintage.spec.problem import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from vintage.spec.loading import Document, KeyPath
    from vintage.spec.problem import Problem

_LONGEST: Final = 60
_GONE: Final[Mapping[KeyPath, str]] = {
    ("reproducibility",): "every model is exact now, on all cores: remove the line",
}
"""Keys that files had once, and what to do about them."""
_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "date_type": "a date as YYYY-MM-DD",
    "finite_number": "a finite number",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one",
    "union_tag_not_found": "the key `by`: date or key",
}


def shape_problems(model: type[BaseModel], document: Document, error: ValidationError) -> Iterator[Problem]:
    """Yield every finding of a failed validation, at its line."""
    details = error.errors(include_url=False)[: MOST + 1]
    # A mistyped key is one mistake, not an unknown key and a missing one.
    mistyped = {
        (detail["loc"][:-1], nearest(str(detail["loc"][-1]), _keys(_owner(model, document, detail))))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    for detail in details:
        # Items that are wrong do not count: that there are too few is told of them already.
        inner = detail["type"] == "too_short" and any(
            other["loc"][: len(detail["loc"])] == detail["loc"] for other in details if other is not detail
        )
        if inner:
            continue
        if detail["type"] != "missing" or (detail["loc"][:-1], detail["loc"][-1]) not in mistyped:
            yield _problem(model, document, detail)


def sound_parts(
    model: type[BaseModel], data: Mapping[str, Any], error: ValidationError | None
) -> dict[str, Any]:
    """Return the top-level values that are right by themselves, by key, when the whole is not."""
    broken = (
        {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]} if error else set()
    )
    parts: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name not in data or name in broken:
            continue
        try:
            parts[name] = _adapter(field).validate_python(data[name])
        except ValidationError:
            continue
    return parts


def shown(value: Any) -> str:
    """Return a value for a message, with its kind."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f'text "{value}"' if len(value) <= _LONGEST else f'text "{value[: _LONGEST - 1]}…"'
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case dict():
            return "a mapping"
    return str(value)


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    annotated: Any = Annotated[field.annotation, field]
    return TypeAdapter(annotated)


def _problem(model: type[BaseModel], document: Document, detail: ErrorDetails) -> Problem:
    path = _key_path(document.data, detail["loc"])
    key = str(path[-1]) if path else ""
    context = detail.get("ctx", {})
    where = _spelled(path)
    match detail["type"]:
        case "extra_forbidden":
            gone, known = _GONE.get(path), _keys(_owner(model, document, detail))
            hint = gone or did_you_mean(key, known) or f"known keys: {list_names(known)}"
            what = f'the key "{key}" is gone' if gone else f'unknown key "{key}"'
            return document.problem(path, what, hint=hint)
        case "missing":
            field = _field(_owner(model, document, detail), key)
            meaning = (field.description or "").rstrip(".") if field is not None else ""
            return document.problem(path, f'key "{where}" is missing', hint=meaning)
        case "refused":
            return document.problem(
                path,
                context["what"],
                expected=context["expected"],
                found=context["found"],
                hint=context["hint"],
            )
        case "literal_error":
            choices = str(context["expected"]).replace("'", "")
            found = detail["input"]
            hint = (
                did_you_mean(found, choices.replace(" or ", ", ").split(", "))
                if isinstance(found, str)
                else ""
            )
            return document.problem(path, where, expected=choices, found=shown(found), hint=hint)
        case "union_tag_invalid":
            return document.problem(
                (*path, "by"), f"{where}.by", expected="date or key", found=str(context["tag"])
            )
    expected = _EXPECTED.get(detail["type"]) or _bound(detail["msg"])
    return document.problem(path, where or "the file", expected=expected, found=shown(detail["input"]))


def _bound(message: str) -> str:
    """pydantic's `Input should be greater than 0` as what was expected."""
    return message.removeprefix("Input should be ").removeprefix("a valid ")


def _spelled(path: KeyPath) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _key_path(data: Any, location: tuple[int | str, ...]) -> KeyPath:
    """Return a pydantic location as a path of the file: without the names of a union's members."""
    path: KeyPath = ()
    for position, step in enumerate(location):
        last = position == len(location) - 1
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
        elif not (last and isinstance(data, dict)):
            continue
        path = (*path, step)
    return path


def _owner(model: type[BaseModel], document: Document, detail: ErrorDetails) -> type[BaseModel] | None:
    """Return the model whose key a finding is about."""
    return _model_at(model, document.data, _key_path(document.data, detail["loc"])[:-1])


def _model_at(model: type[BaseModel], data: Any, path: KeyPath) -> type[BaseModel] | None:
    """Return the model that describes what stands at a path."""
    current: type[BaseModel] | None = model
    named = False
    for step in path:
        data = data[step]
        # A place in a list, or a name that the file gives: what stands there is described around it.
        if isinstance(step, int) or named:
            named = False
            continue
        field = _field(current, str(step))
        if field is None:
            return None
        current = _member(field.annotation, data)
        named = typing.get_origin(field.annotation) is dict
    return current


def _member(annotation: Any, data: Any) -> type[BaseModel] | None:
    """Return the model within an annotation; of a union's models, the one that the data's `by` names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    members = [_member(inner, data) for inner in typing.get_args(annotation) if origin is not None]
    models = [member for member in members if member is not None]
    if len(models) > 1 and origin in {typing.Union, types.UnionType}:
        tag = data.get("by") if isinstance(data, dict) else None
        return next(
            (item for item in models if tag in typing.get_args(item.model_fields["by"].annotation)), models[0]
        )
    return models[0] if models else None


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _field(model: type[BaseModel] | None, key: str) -> FieldInfo | None:
    if model is None:
        return None
    return next((field for name, field in model.model_fields.items() if key == (field.alias or name)), None)
