"""Texts of raw files as values of their declared types, in a strict form or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import Column
    from pyspark.sql.types import DataType

YEARS: Final = (1900, 2200)
"""The first and the last year of a plausible date, unless a source declares others."""

_WHOLE: Final = frozenset({"byte", "short", "integer", "long"})
_FRACTIONAL: Final = frozenset({"float", "double"})
_MOMENTS: Final = frozenset({"date", "timestamp", "timestamp_ntz"})
_READ_AS_TEXT: Final = _WHOLE | _FRACTIONAL | _MOMENTS | {"decimal", "boolean"}

_DIGITS: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_EXPONENT: Final = r"[eE][+-]?[0-9]+"
_DATE: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?"
# Spark keeps microseconds: further digits would be cut off.
_TIME: Final = r"[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]{1,6}0*)?)?"
_REGION: Final = "[A-Z][A-Za-z]+/[A-Za-z0-9_/+-]+"
# Names of the time zone database without a slash, whose clocks skip times, or did.
_OLD_NAMES: Final = (
    *("CET", "MET", "EET", "WET", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "Cuba", "Egypt", "Eire"),
    *("GB-Eire", "GB", "Iran", "Israel", "Jamaica", "Japan", "Libya", "NZ-CHAT", "NZ", "Navajo", "PRC"),
    *("Poland", "Portugal", "ROC", "ROK", "Turkey", "W-SU"),
)
NAMED_ZONE: Final = rf"(?:{_REGION}|\b(?:{'|'.join(_OLD_NAMES)})\b)"
"""A zone by its name, which may skip times."""
_ZONE: Final = (
    rf" ?(?:Z|[+-][0-9]{{1,2}}(?::?[0-9]{{2}}){{0,2}}|(?:UTC|GMT|UT)(?:[+-][0-9:]+)?|{_REGION})"
)
_NO_SHIFT: Final = frozenset({"UTC", "Z", "GMT"})
_ZONE_LETTERS: Final = re.compile(r"[XxZzVO]")
LONG_FRACTION: Final = re.compile(r"([^A-Za-z'\[\]])'?\[?S{7,}")
"""More digits of a second than Spark keeps, and the mark before them."""


@dataclass(frozen=True)
class Forms:
    """How the values of a source are written.

    Attributes:
        date: pattern of a DATE; empty for ISO 8601's.
        timestamp: pattern of a TIMESTAMP; empty for ISO 8601's.
        timestamp_ntz: pattern of a TIMESTAMP_NTZ; empty for ISO 8601's.
        locale: the declared locale's tag; empty when none is.
        zone: the zone of a time that names none.
        point: between the whole and the fraction of a DECIMAL.
        group: between groups of three digits of a DECIMAL; empty when they are not grouped.
        special: text → SQL of the DOUBLE that it stands for.
        true: what stands for true, in small letters.
        false: what stands for false.
        empty_is_null: whether an empty text is no value.
        years: the first and the last year that is plausible.
    """

    date: str = ""
    timestamp: str = ""
    timestamp_ntz: str = ""
    locale: str = ""
    zone: str = "UTC"
    point: str = "."
    group: str = ""
    special: tuple[tuple[str, str], ...] = ()
    true: tuple[str, ...] = ("true",)
    false: tuple[str, ...] = ("false",)
    empty_is_null: bool = False
    years: tuple[int, int] = YEARS

    @classmethod
    def of(
        cls,
        format_name: str,
        options: Mapping[str, str],
        years: tuple[int, int],
        *,
        decimals: tuple[str, str],
    ) -> Forms:
        """Return the forms that a reader's options say; Spark's own names, in any case.

        Args:
            format_name: csv, json or xml.
            options: the reader's.
            years: the first and the last that is plausible.
            decimals: point and grouping mark of the declared locale.
        """
        given = {name.lower(): value for name, value in options.items()}
        if format_name == "json":
            special = {
                **dict.fromkeys(("NaN",), "NaN"),
                **dict.fromkeys(("INF", "+INF", "Infinity", "+Infinity"), "Infinity"),
                **dict.fromkeys(("-INF", "-Infinity"), "-Infinity"),
            }
        else:
            special = {
                "NaN": "NaN",
                "Infinity": "Infinity",
                "+Infinity": "Infinity",
                "-Infinity": "-Infinity",
                given.get("nanvalue", "NaN"): "NaN",
                given.get("positiveinf", "Inf"): "Infinity",
                given.get("negativeinf", "-Inf"): "-Infinity",
            }
        xml = format_name == "xml"
        return cls(
            date=given.get("dateformat", ""),
            timestamp=given.get("timestampformat", ""),
            timestamp_ntz=given.get("timestampntzformat", ""),
            locale=given.get("locale", ""),
            zone=given.get("timezone", "UTC"),
            point=decimals[0],
            group=decimals[1],
            special=tuple(special.items()),
            true=("true", "1") if xml else ("true",),
            false=("false", "0") if xml else ("false",),
            empty_is_null=xml,
            years=years,
        )


def as_text(kind: DataType) -> DataType:
    """Return the type under which a reader hands a declared type's text over as it stands in the file."""
    from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType

    if kind.typeName() in _READ_AS_TEXT:
        return StringType()
    if isinstance(kind, ArrayType):
        return ArrayType(as_text(kind.elementType))
    if isinstance(kind, MapType):
        return MapType(kind.keyType, as_text(kind.valueType))
    if isinstance(kind, StructType):
        return StructType([StructField(field.name, as_text(field.dataType)) for field in kind.fields])
    return kind


def value_of(text: Column, kind: DataType, forms: Forms) -> Column:
    """Return the value of a text that `as_text` read; null where it is no strict form of its type."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    if as_text(kind) == kind:
        return text
    if isinstance(kind, ArrayType):
        return F.transform(text, lambda each: value_of(each, kind.elementType, forms))
    if isinstance(kind, MapType):
        return F.transform_values(text, lambda _, each: value_of(each, kind.valueType, forms))
    if isinstance(kind, StructType):
        fields = [
            value_of(text.getField(field.name), field.dataType, forms).alias(field.name)
            for field in kind.fields
        ]
        return F.when(text.isNotNull(), F.struct(*fields))
    return _LEAVES[kind.typeName()](text, kind, forms)


def refused(text: Column, value: Column, kind: DataType, forms: Forms) -> Column:
    """Return whether a text, or one within it, has no value of its type.

    Args:
        text: as `as_text` had it read.
        value: what `value_of` makes of it.
        kind: the declared type.
        forms: how values are written.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    def within(text: Column, kind: DataType) -> Column:
        return refused(text, value_of(text, kind, forms), kind, forms)

    if as_text(kind) == kind:
        return F.lit(False)
    if isinstance(kind, ArrayType):
        found = F.exists(text, lambda each: within(each, kind.elementType))
    elif isinstance(kind, MapType):
        found = F.exists(F.map_values(text), lambda each: within(each, kind.valueType))
    elif isinstance(kind, StructType):
        found = F.lit(False)
        for field in kind.fields:
            if as_text(field.dataType) != field.dataType:
                found = found | within(text.getField(field.name), field.dataType)
    else:
        given = text.isNotNull() & (text != "") if forms.empty_is_null else text.isNotNull()
        return given & value.isNull()
    return F.coalesce(found, F.lit(False))


def implausible(value: Column, kind: DataType, years: tuple[int, int]) -> Column | None:
    """Return whether a value, or a part of it, is a date outside the years; None where it cannot hold one."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    if kind.typeName() in _MOMENTS:
        return F.coalesce(~_plausible(value, kind.typeName(), years), F.lit(False))
    found: list[Column] = []
    if isinstance(kind, ArrayType) and holds_dates(kind):
        found.append(F.exists(value, lambda each: or_false(implausible(each, kind.elementType, years))))
    if isinstance(kind, MapType) and holds_dates(kind):
        for part, part_kind in ((F.map_keys(value), kind.keyType), (F.map_values(value), kind.valueType)):
            if holds_dates(part_kind):
                found.append(F.exists(part, _implausible_one(part_kind, years)))
    if isinstance(kind, StructType):
        inner = (implausible(value.getField(each.name), each.dataType, years) for each in kind.fields)
        found += [each for each in inner if each is not None]
    if not found:
        return None
    return F.coalesce(any_of(found), F.lit(False))


def holds_dates(kind: DataType) -> bool:
    """Return whether values of a type are dates or hold some."""
    from pyspark.sql.types import ArrayType, MapType, StructType

    if isinstance(kind, ArrayType):
        return holds_dates(kind.elementType)
    if isinstance(kind, MapType):
        return holds_dates(kind.keyType) or holds_dates(kind.valueType)
    if isinstance(kind, StructType):
        return any(holds_dates(field.dataType) for field in kind.fields)
    return kind.typeName() in _MOMENTS


def any_of(conditions: list[Column]) -> Column:
    """Return whether one of them holds: a tree of ORs, which stays shallow however many there are."""
    while len(conditions) > 1:
        pairs = zip(conditions[::2], conditions[1::2], strict=False)
        rest = conditions[-1:] if len(conditions) % 2 else []
        conditions = [one | other for one, other in pairs] + rest
    return conditions[0]


def or_false(condition: Column | None) -> Column:
    """Return a condition; false where there is none."""
    from pyspark.sql import functions as F

    return F.lit(False) if condition is None else condition


def column_of(name: str) -> Column:
    """Return a column by its name, whatever characters are in it."""
    from pyspark.sql import functions as F

    return F.col(quoted(name))


def _implausible_one(kind: DataType, years: tuple[int, int]) -> Callable[[Column], Column]:
    return lambda each: or_false(implausible(each, kind, years))


def _plausible(value: Column, kind: str, years: tuple[int, int]) -> Column:
    from pyspark.sql import functions as F

    # Compared as the calendar has it, without a year 10000 that SQL cannot write.
    first, last = (F.expr(f"{kind.upper()} '{text}'") for text in _ends(kind, years))
    return value.between(first, last)


def _ends(kind: str, years: tuple[int, int]) -> tuple[str, str]:
    first, last = f"{years[0]:04}-01-01", f"{years[1]:04}-12-31"
    return (first, last) if kind == "date" else (f"{first} 00:00:00", f"{last} 23:59:59.999999")


def _matches(text: Column, pattern: str) -> Column:
    # Java's $ also stands before a line's end.
    return text.rlike(rf"^(?:{pattern})\z")


def _whole(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F

    return F.when(_matches(text, "[+-]?[0-9]+"), text.try_cast(kind))


def _fractional(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F

    number = text.try_cast(kind)
    name = kind.typeName()
    infinite = F.expr(f"{name}('Infinity')")
    found = F.when(_matches(text, f"{_DIGITS}(?:{_EXPONENT})?"), F.when(F.abs(number) < infinite, number))
    for written, meant in forms.special:
        found = found.when(text == written, F.expr(f"{name}('{meant}')"))
    return found


def _decimal(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F
    from pyspark.sql.types import DecimalType

    scale = kind.scale if isinstance(kind, DecimalType) else 0
    point, group = re.escape(forms.point), re.escape(forms.group)
    whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)" if forms.group else "[0-9]+"
    # Digits beyond the scale would be rounded away.
    some = rf"{point}[0-9]{{1,{scale}}}0*|" if scale else ""
    plain = rf"[+-]?(?:{whole}(?:{point}[0-9]{{0,{scale}}}0*)?|{some}{point}0+)"
    bare = F.replace(text, F.lit(forms.group), F.lit("")) if forms.group else text
    number = bare if forms.point == "." else F.replace(bare, F.lit(forms.point), F.lit("."))
    exact = number.try_cast(kind)
    found = F.when(_matches(text, plain), exact)
    if forms.point == ".":
        wide = number.try_cast("decimal(38, 18)")
        found = found.when(_matches(text, _DIGITS + _EXPONENT), F.when(exact == wide, exact))
    return found


def _boolean(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F

    small = F.lower(text)
    return F.when(small.isin(*forms.true), F.lit(True)).when(small.isin(*forms.false), F.lit(False))


def _date(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F

    if not forms.date:
        found = F.when(_matches(text, _DATE + _MIDNIGHT), text.try_cast("date"))
    elif forms.locale or _has_zone(forms.date):
        found = _as_spark_reads(text, "DATE", {"dateFormat": forms.date, "locale": forms.locale})
    else:
        found = F.try_to_timestamp(text, F.lit(forms.date)).cast("date")
    return F.when(_plausible(found, "date", forms.years), found)


def _timestamp(text: Column, kind: DataType, forms: Forms) -> Column:
    from pyspark.sql import functions as F

    name = kind.typeName()
    in_zone = name == "timestamp" and forms.zone.upper() not in _NO_SHIFT
    pattern = forms.timestamp if name == "timestamp" else forms.timestamp_ntz
    if not pattern:
        zone = rf"(?:{_ZONE})?" if name == "timestamp" else ""
        found = F.when(_matches(text, f"{_DATE}(?:[T ]{_TIME}{zone})?"), text.try_cast(name))
        if in_zone:
            named = _matches(text, f"{_DATE}[T ]{_TIME}{_ZONE}")
            found = F.when(named, found).otherwise(_in_zone(found, forms.zone))
    else:
        shifted = in_zone and not _has_zone(pattern)
        found = _by_pattern(text, name, pattern, forms, "UTC" if shifted or not in_zone else forms.zone)
        found = _in_zone(found, forms.zone) if shifted else found
        if long := LONG_FRACTION.search(pattern):
            found = F.when(~text.rlike(rf"{re.escape(long[1])}[0-9]{{6}}[0-9]*[1-9]"), found)
    if name == "timestamp" and (not pattern or "V" in pattern):
        # The same text with UTC in place of the region is what its clocks are to show.
        region = F.regexp_extract(text, NAMED_ZONE, 0)
        plain = F.regexp_replace(text, NAMED_ZONE, "UTC")
        clock = _by_pattern(plain, name, pattern, forms, "UTC") if pattern else plain.try_cast(name)
        shown = F.when(found.isNotNull(), F.from_utc_timestamp(found, region)) == clock
        # Without a pattern a slash is a region's, which is quickly seen.
        unnamed = region == "" if pattern else ~text.contains("/")
        found = F.when(unnamed | shown, found)
    return F.when(_plausible(found, name, forms.years), found)


def _by_pattern(text: Column, name: str, pattern: str, forms: Forms, zone: str) -> Column:
    from pyspark.sql import functions as F

    if name == "timestamp" and not forms.locale and zone == "UTC":
        return F.try_to_timestamp(text, F.lit(pattern))
    option = "timestampFormat" if name == "timestamp" else "timestampNTZFormat"
    return _as_spark_reads(
        text, name.upper(), {option: pattern, "locale": forms.locale, "timeZone": zone}
    )


def _in_zone(local: Column, zone: str) -> Column:
    """Return the moment at which clocks of a zone show a time; null where they skip it in spring.

    A time that they show twice in autumn is the first of both. Midnight stands for the start of a day, skipped
    or not.
    """
    from pyspark.sql import functions as F

    moment = F.to_utc_timestamp(local, zone)
    # Spark takes a time that is skipped for another.
    shown = F.from_utc_timestamp(moment, zone) == local
    return F.when(shown | (local == F.date_trunc("day", local)), moment)


def _has_zone(pattern: str) -> bool:
    return bool(_ZONE_LETTERS.search(re.sub(r"'[^']*'", "", pattern)))


def _as_spark_reads(text: Column, kind: str, options: Mapping[str, str]) -> Column:
    """Return what Spark's own CSV reader makes of one value, with options that SQL's functions lack."""
    from pyspark.sql import functions as F

    # The value is the whole of a row: of one column, without quotes.
    alone = {"sep": "\u0001", "quote": "", "mode": "PERMISSIVE"}
    given = {**alone, **{name: value for name, value in options.items() if value}}
    value = F.from_csv(text, f"value {kind}", given).getField("value")
    # Of several rows or fields it would read the first, whatever follows.
    return F.when(~text.rlike(r"[\x01\r\n]"), value)


_LEAVES: Final[Mapping[str, Callable[[Column, DataType, Forms], Column]]] = {
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_FRACTIONAL, _fractional),
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "timestamp_ntz": _timestamp,
}
