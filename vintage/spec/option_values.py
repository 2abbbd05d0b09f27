"""Values of readers' options that Spark refuses in the night, or takes for something else without a word."""

from __future__ import annotations

import codecs
import re
import zoneinfo
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FLAGS: Final = (
    *("header", "multiLine", "inferSchema", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace"),
    *("enableDateTimeParsingFallback", "preferDate", "columnPruning", "mergeSchema", "wholetext"),
    *("primitivesAsString", "prefersDecimal", "inferTimestamp", "dropFieldIfAllNull", "allowComments"),
    *("allowUnquotedFieldNames", "allowSingleQuotes", "allowNumericLeadingZeros"),
    *("allowBackslashEscapingAnyCharacter", "allowUnquotedControlChars", "allowNonNumericNumbers"),
    *("excludeAttribute", "ignoreSurroundingSpaces", "ignoreNamespace", "useLegacyXMLParser"),
    *("ignoreExtension", "positionalFieldMatching", "preferTimestampNTZ"),
)
_COUNTS: Final = ("maxColumns", "numFeatures", "numPartitions", "fetchsize", "inputBufferSize")
# A language, and, if any, its script and its region: https://www.rfc-editor.org/rfc/rfc5646
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-[A-Za-z0-9]{1,8})*")
_OFFSET: Final = re.compile(r"Z|(UTC|GMT|UT)?[+-]\d{1,2}(:?\d{2}){0,2}|UTC|GMT|UT")


def codec_of(encoding: str) -> str | None:
    """Return Python's name of an encoding of texts; None where there is none of that name."""
    try:
        # What turns no bytes into text, hex say, is no encoding though Python has it.
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError):
        return None
    return name


def value_problem(name: str, value: str) -> tuple[str, str]:
    """Return what was expected instead of an option's value, and a hint; empty where nothing is wrong.

    Args:
        name: the option's; capital letters are not told apart, as in Spark.
        value: its value.
    """
    look = _LOOKS.get(name.lower())
    return look(value) if look else ("", "")


def _flag(value: str) -> tuple[str, str]:
    return ("", "") if value.lower() in {"true", "false"} else ("true or false", "")


def _count(value: str) -> tuple[str, str]:
    return ("", "") if re.fullmatch(r"[0-9]{1,9}", value) else ("a whole number", "")


def _encoding(value: str) -> tuple[str, str]:
    if codec_of(value):
        return "", ""
    return "an encoding, UTF-8, ISO-8859-1, windows-1252 or UTF-16 say", ""


def _locale(value: str) -> tuple[str, str]:
    # Of any other text Java takes the locale of no language, whose commas group thousands.
    if _LOCALE.fullmatch(value):
        return "", ""
    meant = value.replace("_", "-")
    return "a language tag, de-DE say", f'did you mean "{meant}"?' if _LOCALE.fullmatch(meant) else ""


def _zone(value: str) -> tuple[str, str]:
    known = zoneinfo.available_timezones()
    if _OFFSET.fullmatch(value) or value in known or not known:
        return "", ""
    return "UTC, an offset such as +02:00, or a region such as Europe/Berlin", ""


def _sign(value: str) -> tuple[str, str]:
    return ("", "") if len(value) <= 1 or value == "\\0" else ("one character, or an empty text for none", "")


def _separator(value: str) -> tuple[str, str]:
    return ("", "") if value else ("a character or more", "")


_LOOKS: Final[Mapping[str, Callable[[str], tuple[str, str]]]] = {
    **{name.lower(): _flag for name in _FLAGS},
    **{name.lower(): _count for name in _COUNTS},
    **dict.fromkeys(("encoding", "charset"), _encoding),
    **dict.fromkeys(("quote", "escape", "comment", "chartoescapequoteescaping"), _sign),
    **dict.fromkeys(("sep", "delimiter", "linesep"), _separator),
    "locale": _locale,
    "timezone": _zone,
}
