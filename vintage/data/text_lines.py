"""Lines of raw text that no reader of Spark refuses: other bytes, quotes out of place, two values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import Column

    from vintage.data.raw_text import TextForm

# A code point that Unicode keeps free of characters.
_PAIR: Final = "\ufdd0"
# Levels of arrays and objects in which several values of a line are distinguished.
_DEEPEST: Final = 12
_FIRST, _SECOND = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF: Final = rf"{_FIRST}(?!{_SECOND})|(?<!{_FIRST}){_SECOND}"


def bad_line(line: Column, form: TextForm, kind: str) -> Column:
    """Return whether a line as it stands in a file, without its end, is bad.

    Args:
        line: its bytes as a text.
        form: how the file is written.
        kind: its format.
    """
    from pyspark.sql import functions as F

    bad = ~F.is_valid_utf8(line) | line.contains("\0")
    if kind == "json" and not form.many_lines and not form.comment:
        return bad | _no_json(line)
    if kind != "csv" or form.many_lines or not form.quote:
        return bad
    misquoted = line.contains(form.quote)
    if pattern := by_the_book(form):
        misquoted = misquoted & ~line.rlike(pattern)
    misquoted = misquoted & _misquoted(line, form)
    if form.comment:
        misquoted = misquoted & ~line.startswith(form.comment)
    return bad | misquoted


def _no_json(line: Column) -> Column:
    """Return whether a line is not one object or array of JSON, where Spark would pass over the rest of it.

    Of the brackets alone: whether they are all closed, and the first one last. Half of a surrogate pair, of
    which Spark would make a question mark, is none either.
    """
    from pyspark.sql import functions as F

    plain = F.regexp_replace(F.regexp_replace(line, r"(?s)\\.", ""), '"[^"]*+"', "s")
    opened, closed = (F.regexp_count(plain, F.lit(signs)) for signs in (r"[\[{]", r"[\]}]"))
    bad = (opened != closed) | ~plain.rlike(r"^\s*+[\[{]") | plain.rlike(r"[\]}]\s*+[^\s,\]}]|,\s*+\z")
    inner = plain
    for _ in range(_DEEPEST):
        inner = F.regexp_replace(inner, r"[\[{][^\[\]{}]*+[\]}]", "v")
    several = plain.rlike(r"[\]}]\s*+,") & inner.rlike(r"^\s*+v\s*+,")
    # A text in single quotes, which Spark takes too, may hold any sign.
    bad = ~plain.contains("'") & (bad | several)
    pairless = F.replace(line, F.lit(r"\\"), F.lit("")).rlike(_HALF)
    return (line.rlike(r"\S") & bad) | (line.rlike(r"(?i)\\ud[89a-f]") & pairless)


def by_the_book(form: TextForm) -> str:
    """Return a Java pattern of lines whose fields are all quoted as RFC 4180 has it; empty for other forms.

    It takes a fifth of the time of a closer look. Java repeats a possessive group in a loop, not by recursion.
    """
    if form.escape != form.quote or len(form.separator) != 1:
        return ""
    quote, separator = re.escape(form.quote), re.escape(form.separator)
    # The quoted one first: of nothing, the other would be right too, and a possessive group does not go back.
    field = rf"(?:{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}|[^{quote}{separator}]*+)"
    return rf"^{field}(?:{separator}{field})*+\z"


def _misquoted(line: Column, form: TextForm) -> Column:
    """Return whether a field's quote is not closed, or is closed before the field's end.

    Escaped quotes are put out of the way, then all fields that are quoted as they should be: one that still
    begins with a quote is not. Nothing here repeats a group of a pattern, for which Java would recurse.
    """
    from pyspark.sql import functions as F

    quote, separator = re.escape(form.quote), re.escape(form.separator)
    # A tab may be the separator.
    blank = "[ ]" if "\t" in form.separator else r"[ \t]"
    blanks = f"{blank}*" if form.trimmed[0] else ""
    begin = rf"(^|{separator}){blanks}"
    if form.escape == form.quote:
        plain = F.replace(line, F.lit(form.quote * 2), F.lit(_PAIR))
    else:
        plain = F.regexp_replace(line, rf"(?s){re.escape(form.escape)}.", _PAIR)
    # Three quotes at the beginning are one that opens and a pair, in whichever order they were paired.
    whole = rf"{begin}{_PAIR}*+{quote}[^{quote}]*+{quote}{blank}*+(?={separator}|\z)"
    rest = F.regexp_replace(plain, whole, "$1")
    doubled = rf"|{_PAIR}++{blank}*+(?!{separator}|{_PAIR}|\z)" if form.escape == form.quote else ""
    return rest.rlike(rf"{begin}(?:{quote}{doubled})")
