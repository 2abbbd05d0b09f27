"""`{date}` and `{date:%Y%m%d}` in a path, a query or an SQL: which there are, and what they become."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

ALLOWED: Final = "{date}, or {date:%Y%m%d} with %Y %m %d %y %j, and %-m %-d without a leading zero"

_PARTS: Final[Mapping[str, Callable[[dt.date], str]]] = {
    "%Y": lambda date: f"{date.year:04}",
    "%y": lambda date: f"{date.year % 100:02}",
    "%m": lambda date: f"{date.month:02}",
    "%-m": lambda date: str(date.month),
    "%d": lambda date: f"{date.day:02}",
    "%-d": lambda date: str(date.day),
    "%j": lambda date: f"{date.timetuple().tm_yday:03}",
    "%%": lambda _: "%",
}
_DIRECTIVE: Final = re.compile(r"%(?:-?.|$)")
# A name in braces, with or without a form; `{a,b}` of a pattern of files and `{2}` of a regular
# expression are none.
_IN_BRACES: Final = re.compile(
    r"\{(\s*date\b[^{}]*|[A-Za-z_ ]*|[A-Za-z_ ]+:[^{}'\"]*%[^{}'\"]*)\}", re.IGNORECASE
)
_DATE: Final = re.compile(r"\{date(?::([^{}]*))?\}")
# strftime's, Java's, a shell's or a template's words, and a brace that was left open.
_LIKE_A_DATE: Final = re.compile(
    r"(?:%-?[mdj][-_/.]?)*%[YyF](?:[-_/.]?%-?[mdj])*"
    r"|(?<![A-Za-z])[yY]{4}[-_/.]?[mM]{2}(?:[-_/.]?[dD]{2})?(?![A-Za-z])"
    r"|\$date\b|<date>|\{date\b[^}]*$"
)


def problem(text: str) -> tuple[str, str] | None:
    """Return what stands in braces and is no date, and what may; None where all is right."""
    for found in _IN_BRACES.finditer(text):
        date = _DATE.fullmatch(found[0])
        if date is None:
            return f"{found[0]} has no meaning", f"{ALLOWED}: the partition date"
        if date[1] is None:
            continue
        directives = _DIRECTIVE.findall(date[1])
        if not directives:
            return f"{found[0]} has no directive", ALLOWED
        for directive in directives:
            if directive not in _PARTS:
                return f"{directive} in {found[0]} is not known", ALLOWED
    return None


def meant_as_date(text: str) -> str:
    """Return what looks like a date written another way, `%Y-%m-%d` or `yyyyMMdd` say; empty otherwise."""
    found = _LIKE_A_DATE.search(_DATE.sub("", text))
    return found[0] if found else ""


def filled(text: str, date: dt.date) -> str:
    """Return the text with the partition date in it."""

    def written(found: re.Match[str]) -> str:
        if found[1] is None:
            return date.isoformat()
        return _DIRECTIVE.sub(lambda directive: _PARTS[directive[0]](date), found[1])

    return _DATE.sub(written, text)


def is_dated(text: str) -> bool:
    """Return whether the partition date, or a part of it, stands in a text."""
    return _DATE.search(text) is not None


def lacking(text: str) -> str:
    """Return what of the date a dated text leaves open, so that several dates share it; empty if nothing."""
    told: set[str] = set()
    for found in _DATE.finditer(text):
        told |= {"%Y", "%m", "%d"} if found[1] is None else set(_DIRECTIVE.findall(found[1]))
    told = {each.replace("-", "") for each in told}
    if not told & {"%Y", "%y"}:
        return "year"
    if "%j" in told:
        return ""
    return "month" if "%m" not in told else "day" if "%d" not in told else ""
