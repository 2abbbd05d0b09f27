"""Which values a Param takes, as far as its class tells without a JVM: the type, and bounds in its text."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pyspark.ml.param import TypeConverters

from vintage.spec import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.ml.param import Param

_WANTED: Final = {
    "toInt": "a whole number",
    "toFloat": "a number",
    "toBoolean": "true or false",
    "toString": "a text",
    "toList": "a list",
    "toListString": "a list of texts",
    "toListInt": "a list of whole numbers",
    "toListFloat": "a list of numbers",
    "toListListFloat": "a list of lists of numbers",
    "toVector": "a list of numbers",
    "toMatrix": "a matrix, which YAML cannot give",
}
# Spark 4.1 gives this Param no converter, and would fail on another type in the midst of a fit.
_CONVERTERS: Final[Mapping[str, Callable[..., Any]]] = {"gaps": TypeConverters.toBoolean}

_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_ENDS: Final = r"(?:\)?\.?$|[.,] | and )"
_LEAST: Final = re.compile(
    rf"(?:(?:[Mm]ust|[Ss]hould) be |\()(?P<sign>>=?|greater than) ?(?P<bound>{_NUMBER}){_ENDS}"
)
_RANGE: Final = re.compile(
    r"\bin (?:the )?(?:range|interval) "
    rf"(?P<open>[\[(])(?P<low>{_NUMBER}), ?(?P<high>{_NUMBER})(?P<close>[\])])"
)
_OPTIONS: Final = re.compile(r"Supported (?:options|values): (?P<names>.*?)(?:\.(?:\s|$)|\(Default|$)")
_OPTION: Final = re.compile(r"[A-Za-z][\w-]*")


def value_problem(param: Param[Any], value: Any, *, told: bool) -> tuple[str, str]:
    """Return what a value should have been and a hint; both are empty when the Param takes it.

    Args:
        param: of a stage's class.
        value: from the YAML.
        told: whether the Param's text follows Spark's habits, so that its bounds can be read from it.
    """
    if value is None:
        return "a value; leave the Param out for Spark's default", ""
    if isinstance(value, dict):
        return "a value that YAML can give, no mapping", ""
    converter = _CONVERTERS.get(param.name, param.typeConverter) if told else param.typeConverter
    doc = str(param.doc).rstrip(".")
    try:
        value = converter(value)
    except (TypeError, ValueError):
        return _WANTED.get(converter.__name__, "another type"), doc
    return _outside(value, str(param.doc)) if told else ("", "")


def _outside(value: Any, doc: str) -> tuple[str, str]:
    """Return what a value of the right type should have been by the Param's text."""
    if isinstance(value, str):
        names = options(doc)
        if names and value.lower() not in {name.lower() for name in names}:
            return f"one of {', '.join(names)}", did_you_mean(value, names)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        wanted = bounds(doc)
        if wanted is not None and not wanted.hold(value):
            return str(wanted), doc.rstrip(".")
    return "", ""


class Bounds:
    """An interval of numbers: `[0, 1)`, for example; NaN is in none."""

    def __init__(self, low: float, high: float, *, with_low: bool, with_high: bool) -> None:
        self.low, self.high, self.with_low, self.with_high = low, high, with_low, with_high

    def hold(self, value: float) -> bool:
        """Return whether the value is within."""
        above = value > self.low or (self.with_low and value == self.low)
        return above and (value < self.high or (self.with_high and value == self.high))

    def __str__(self) -> str:
        low = f"{'at least' if self.with_low else 'more than'} {self.low:g}"
        if math.isinf(self.high):
            return f"a number of {low}" if self.with_low else f"a number {low}"
        opening, closing = "[" if self.with_low else "(", "]" if self.with_high else ")"
        return f"a number in {opening}{self.low:g}, {self.high:g}{closing}"


@cache
def bounds(doc: str) -> Bounds | None:
    """Return the bounds in a Param's text (`Must be > 0.`, `in range [0, 1]`); None without any."""
    within = _RANGE.search(doc)
    if within:
        return Bounds(
            float(within["low"]),
            float(within["high"]),
            with_low=within["open"] == "[",
            with_high=within["close"] == "]",
        )
    least = _LEAST.search(doc)
    if least:
        return Bounds(float(least["bound"]), math.inf, with_low=least["sign"] == ">=", with_high=True)
    return None


@cache
def options(doc: str) -> tuple[str, ...]:
    """Return the allowed words in a Param's text; empty without a plain list."""
    found = _OPTIONS.search(doc)
    if not found:
        return ()
    words = re.split(r",\s*(?:and\s+)?|\s+and\s+", found["names"].strip())
    names = tuple(word.replace("(default)", "").strip(" '") for word in words)
    return names if all(_OPTION.fullmatch(name) for name in names) else ()
