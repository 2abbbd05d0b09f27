"""What all spec models share: frozen, strict, no unknown keys; and how a validator tells what it expected."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from vintage.errors import SpecError
from vintage.spec import date_in_text
from vintage.spec.ddl import BadDdl, parse_ddl
from vintage.spec.partition import parse_partition_date

T = TypeVar("T")


class SpecModel(BaseModel):
    """A frozen part of a file; an unknown key is refused, and a text is never taken for a number."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
        use_attribute_docstrings=False,
    )


def refusal(what: str, *, expected: str = "", found: str = "", hint: str = "") -> PydanticCustomError:
    """Return the error that a validator raises: the parts of a `Problem`, carried through pydantic."""
    return PydanticCustomError(
        "refused", "{what}", {"what": what, "expected": expected, "found": found, "hint": hint}
    )


def _only_date_placeholder(text: str) -> str:
    found = date_in_text.problem(text)
    if found is not None:
        raise refusal(found[0], expected=found[1])
    return text


def _readable_ddl(text: str) -> str:
    try:
        parse_ddl(text, vectors=True)
    except BadDdl as error:
        raise refusal(error.what, expected=error.expected, hint=error.hint) from error
    return text


def _to_date(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_partition_date(value)
        except SpecError as error:
            raise refusal(error.what, expected=error.expected) from error
    return value


def _to_text(value: Any) -> Any:
    """Return a scalar as the text that Spark takes: `true` for a boolean, `4` for a number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise refusal("an option has one value", expected="a text, a number, true or false")


Text = Annotated[str, Field(min_length=1)]
# A text in which `{date}`, or `{date:%Y%m%d}`, stands for the partition date, and nothing else in braces for
# anything.
Dated = Annotated[Text, AfterValidator(_only_date_placeholder)]
# Columns as Spark's DDL writes them.
Ddl = Annotated[Text, AfterValidator(_readable_ddl)]
# A YAML list becomes a tuple; its items stay strict.
Listed = Annotated[tuple[T, ...], Strict(False)]
PartitionDate = Annotated[
    dt.date, BeforeValidator(_to_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
ScalarText = Annotated[
    str, BeforeValidator(_to_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
