"""Lines of raw text that no reader of Spark refuses: bytes that are no UTF-8, quotes out of place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import Column

    from vintage.data.raw_text import TextForm

# A code point that Unicode keeps free of characters.
_PAIR: Final = "\ufdd0"


def bad_line(line: Column, form: TextForm, *, quotes: bool) -> Column:
    """Whether a line as it stands in a file, without its end, is bad.

    Args:
        line: its bytes as a text.
        form: how the file is written.
        quotes: whether it is CSV, whose rows are one line each.
    """
    from pyspark.sql import functions as F

    bad = ~F.is_valid_utf8(line)
    if not quotes or not form.quote:
        return bad
    misquoted = line.contains(form.quote) & _misquoted(line, form)
    if form.comment:
        misquoted = misquoted & ~line.startswith(form.comment)
    return bad | misquoted


def _misquoted(line: Column, form: TextForm) -> Column:
    """Whether a field's quote is not closed, or is closed before the field's end.

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
