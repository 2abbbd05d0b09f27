"""The templates of the pages, and how values are shown in them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vintage.report.details import number, slice_name
from vintage.report.tables import labelled
from vintage.spec.partition import spans

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(name: str) -> Template:
    """Return a template of the pages; it escapes every value."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vintage.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {"number": number, "slice_name": slice_name, "signed": _signed, "value": _value}
    filters |= {"spans": spans, "labelled": labelled}
    environment.filters.update(filters)
    return environment.get_template(name)


def _signed(value: float | None) -> str:
    return number(value) if value is None else ("+" if value >= 0 else "") + number(value)


def _value(value: Any) -> str:
    """Return a Param's value as YAML would have it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "null"
    if isinstance(value, list | tuple):
        return ", ".join(_value(each) for each in value)
    return str(value)
