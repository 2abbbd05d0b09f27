"""Why raw rows are refused: columns, counts, values, files, and what cures each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError
from vintage.data.checked import COLUMN, FILE, ROW, TEXT
from vintage.data.strict import LONG_FRACTION, NAMED_ZONE, YEARS, holds_dates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType

    from vintage.data.checked import Checked
    from vintage.spec import Source

_SHOWN: Final = 80
_FILES: Final = 3
_COLUMNS: Final = 20
_ABSENT: Final = frozenset(
    {
        "na",
        "n/a",
        "#n/a",
        "n.a.",
        "nan",
        "null",
        "none",
        "nil",
        "-",
        "--",
        "?",
        ".",
        r"\n",
        "unknown",
        "missing",
    }
)
_BLANKS: Final = "".join(map(chr, range(ord(" ") + 1)))
_WHOLE: Final = frozenset({"byte", "short", "integer", "long"})
_NUMBERS: Final = _WHOLE | {"float", "double", "decimal"}
_ISO: Final = re.compile(r"[+-]?\d{4,}-\d{1,2}-\d{1,2}(?:[T ].*)?", re.ASCII)
_DIGITS: Final = {
    4: "declare it INT if it is a year",
    5: "declare it INT; of a spreadsheet's day number, date_add(DATE '1899-12-30', …) is the date",
    10: "declare it BIGINT and write timestamp_seconds(…) in preprocess.sql",
    13: "declare it BIGINT and write timestamp_millis(…) in preprocess.sql",
    16: "declare it BIGINT and write timestamp_micros(…) in preprocess.sql",
}
_IN_SQL: Final = "declare it STRING and cast it in preprocess.sql"


@dataclass(frozen=True)
class Blame:
    """Reports a date's refused rows.

    Attributes:
        source: whose they are.
        declared: its columns.
        day: the partition date.
    """

    source: Source
    declared: StructType
    day: date

    def error(self, parts: Sequence[Checked], count: int) -> DataError:
        """Return the error for so many refused rows; it looks for them with what refused them."""
        seen = [(part, each) for part in parts if part.faults for each in _summary(part.faults())]
        found = [each for _, each in seen]
        rows = [each for part, each in seen if each[COLUMN] == ROW and not part.lines]
        # A line that is refused may be a row that is refused as well.
        rows = rows or [each for part, each in seen if part.lines]
        values = sorted((each for each in found if each[COLUMN] != ROW), key=self._position)
        told = [self._told(each) for each in values[:_COLUMNS]]
        if len(values) > _COLUMNS:
            told.append(f"and {len(values) - _COLUMNS} columns more")
        broken = sum(each["count"] for each in rows)
        lines = " | ".join(_short(text) for each in rows for text in _examples(each))
        fixes = list(dict.fromkeys(cure for each in values for cure in [self._cure(each)] if cure))
        if self.source.format == "json":
            fixes += dict.fromkeys(
                why for each in rows for text in _examples(each) if (why := _why_no_json(text))
            )
        files = sorted({file for each in rows for file in each["files"] if file})
        found_text = f"{broken} such row{'s' if broken != 1 else ''}: {lines}{_in(files)}" if rows else ""
        if not found:
            found_text = f"{count} such rows, and none of them when they were read again"
        fix = "Correct the delivery and run again; nothing of it was used."
        if fixes:
            fix += f" If the values are meant: {'; '.join(fixes[:_FILES])}."
        return DataError(
            f"raw rows of {self.day} do not parse" + (f": {'; '.join(told)}" if told else ""),
            expected=self._expected(bool(rows)),
            found=found_text,
            fix=fix,
        )

    def _expected(self, rows: bool) -> str:
        if not rows:
            return "values of their columns' types, each in the type's own form"
        if self.source.format == "csv":
            return f"rows of {len(self.declared.fields)} fields in source.schema's types"
        return f"whole {self.source.format} of the columns in source.schema"

    def _told(self, seen: Any) -> str:
        kind = self.declared[seen[COLUMN]].dataType
        values = " and ".join(repr(_short(text)) for text in _examples(seen))
        where = _in(sorted(filter(None, seen["files"])))
        what = kind.simpleString()
        if holds_dates(kind):
            first, last = self.source.years or YEARS
            what += f" of the years {first} to {last}"
        return f"column {seen[COLUMN]}: {seen['count']} not {what}, such as {values}{where}"

    def _position(self, seen: Any) -> int:
        return self.declared.names.index(seen[COLUMN])

    def _cure(self, seen: Any) -> str:
        kind, text = self.declared[seen[COLUMN]].dataType, str(seen["first"])
        given = {name.lower(): value for name, value in self.source.options.items()}
        if self.source.format == "csv" and text.strip().casefold() == str(seen[COLUMN]).casefold():
            return f"{seen[COLUMN]}: its own name stands there; of a header, write source.options: {{header: true}}"
        return f"{seen[COLUMN]}: {cure(kind, text, self.source.format, given)}"


def cure(kind: DataType, text: str, format_name: str, given: dict[str, str]) -> str:
    """Return what of the spec makes a text a value of a type.

    Args:
        kind: the declared type.
        text: what stood in the file.
        format_name: the source's format.
        given: its options, with names in small letters.
    """
    # As Spark trims: other blanks than these stay.
    name, bare = kind.typeName(), text.strip(_BLANKS)
    if not bare or bare.lower() in _ABSENT:
        if format_name == "csv":
            quoted = bare.replace("'", "''")
            return f"write source.options: {{nullValue: '{quoted}'}}" if bare else _IN_SQL
        return "deliver null where there is no value"
    if text != bare and format_name == "csv":
        sides = [
            side
            for side, cut in (("Leading", text.lstrip(_BLANKS)), ("Trailing", text.rstrip(_BLANKS)))
            if cut != text
        ]
        options = ", ".join(f"ignore{side}WhiteSpace: true" for side in sides)
        return f"write source.options: {{{options}}}"
    if name in _NUMBERS and format_name != "jdbc":
        return _number_cure(name, bare)
    if name in {"date", "timestamp", "timestamp_ntz"} and not bare.startswith(("{", "[")):
        return _moment_cure(name, bare, given)
    return _IN_SQL


def _why_no_json(row: str) -> str:
    """Return what makes JSON of a row that does not parse; empty where the row itself shows it."""
    try:
        json.loads(row)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return "each value is on its own line, with nothing after it"
        if error.pos >= len(row.rstrip()) or row.lstrip()[:1] not in {"{", "["}:
            return "of values that go over several lines, write source.options: {multiLine: true}"
    return ""


def _number_cure(name: str, text: str) -> str:
    if not text.isascii():
        # Digits of another script, a real minus or a hard blank: no type has them.
        return _IN_SQL
    if name in _WHOLE:
        if re.fullmatch(r"[+-]?\d+", text):
            return "declare a wider type, BIGINT or DECIMAL(38, 0)"
        if re.fullmatch(r"[+-]?\d*\.\d*(?:[eE][+-]?\d+)?|[+-]?\d+[eE][+-]?\d+", text):
            return "declare it DOUBLE and cast it to a whole number in preprocess.sql"
    if name in {"float", "double"} and (infinite := re.fullmatch(r"([+-]?)(inf|infinity)", text.lower())):
        return f"write source.options: {{{'negativeInf' if infinite[1] == '-' else 'positiveInf'}: {text!r}}}"
    if "," in text:
        return _comma_cure(text)
    if name == "decimal" and re.fullmatch(r"[+-]?\d*\.?\d*(?:[eE][+-]?\d+)?", text):
        return "declare a DECIMAL of as many digits and places, or DOUBLE and round it in preprocess.sql"
    return _IN_SQL


def _comma_cure(text: str) -> str:
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})*,\d{3}(?:\.\d+)?", text) and (
        "." in text or text.count(",") > 1
    ):
        return "declare it DECIMAL and write source.options: {locale: en-US}"
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text):
        return (
            "declare it DECIMAL and write source.options: {locale: en-US} if the comma groups thousands, "
            "{locale: de-DE} if decimals follow it"
        )
    if re.fullmatch(r"[+-]?[\d.]*\d,\d+", text):
        return "declare it DECIMAL and write source.options: {locale: de-DE}, whose decimals have a comma"
    return _IN_SQL


def _moment_cure(name: str, text: str, given: dict[str, str]) -> str:
    option = {"date": "dateFormat", "timestamp": "timestampFormat"}.get(name, "timestampNTZFormat")
    declared = given.get(option.lower(), "")
    digits = len(text) if text.isascii() and text.isdigit() else 0
    if digits in _DIGITS:
        return _DIGITS[digits]
    fractions = LONG_FRACTION.search(declared) if declared else _ISO.fullmatch(text)
    if fractions and re.search(r"[.,]\d{6}\d*[1-9]", text):
        return "declare it STRING: Spark keeps microseconds, and the digits beyond them would be lost"
    if declared:
        region = re.search(NAMED_ZONE, text) if "V" in declared else None
        zone = region[0] if region else given.get("timezone", "") if name == "timestamp" else ""
        skipped = f", or clocks of {zone} skip it" if zone else ""
        return f"it is not as source.options.{option} has it, {declared!r}{skipped}"
    if _ISO.fullmatch(text):
        return _iso_cure(name, text)
    pattern = {8: "yyyyMMdd", 6: "yyMMdd", 14: "yyyyMMddHHmmss"}.get(digits, "dd.MM.yyyy")
    return f"declare its format in source.options, for example {{{option}: {pattern}}}, or {_IN_SQL}"


def _iso_cure(name: str, text: str) -> str:
    if name == "date" and re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}[T ].*", text):
        return "declare it TIMESTAMP and cast it to DATE in preprocess.sql"
    years = re.findall(r"\d+", text)
    if YEARS[0] <= int(years[0]) <= YEARS[1]:
        return f"the calendar or the clock has no such moment; {_IN_SQL}"
    return "if such years are meant, declare them: source.years: [1, 9999]"


def _summary(faults: DataFrame) -> list[Any]:
    from pyspark.sql import functions as F

    return (
        faults.groupBy(COLUMN)
        .agg(
            F.count(F.lit(1)).alias("count"),
            F.min(TEXT).alias("first"),
            F.max(TEXT).alias("last"),
            F.collect_set(FILE).alias("files"),
        )
        .collect()
    )


def _examples(seen: Any) -> list[str]:
    return list(dict.fromkeys((str(seen["first"]), str(seen["last"]))))


def _in(files: Sequence[str]) -> str:
    more = f" and {len(files) - _FILES} files more" if len(files) > _FILES else ""
    return f" ({', '.join(files[:_FILES])}{more})" if files else ""


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
