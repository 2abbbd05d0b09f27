"""What a file of somebody's own holds: its columns and their types, what may be its key, its dates, its label."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import SpecError
from vintage.spec.names import did_you_mean, list_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

FORMATS: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
MOST_ROWS: Final = 200_000
"""Rows that are looked at, the first of the file."""
FEW: Final = 20
"""Different values up to which a column is one of categories."""
_LONGEST_KEY: Final = 3
_SEPARATORS: Final = (",", ";", "\t", "|")
_NULLS: Final = ("", "NA", "NULL", "null", "NaN", "nan", "None", r"\N")
_LEFT_OUT_TOLD: Final = 3
_INT: Final = 2**31
_PATTERNS: Final = (
    ("BOOLEAN", re.compile(r"true|false", re.IGNORECASE)),
    ("BIGINT", re.compile(r"[+-]?\d{1,18}")),
    ("DOUBLE", re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")),
    ("DATE", re.compile(r"\d{4}-\d{2}-\d{2}")),
    ("TIMESTAMP", re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?")),
)
_LABELS: Final = ("label", "target", "y", "class", "outcome")
NUMBERS: Final = frozenset({"INT", "BIGINT", "DOUBLE"})


@dataclass(frozen=True)
class Column:
    """A column as a first look has it.

    Attributes:
        name: its name.
        type: Spark's name of its type.
        nulls: how many rows have no value.
        values: its different values as text, sorted; empty where there are more than FEW.
        distinct: how many different values it has.
        low, high: its bounds, of a number.
    """

    name: str
    type: str
    nulls: int
    values: tuple[str, ...]
    distinct: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class FirstLook:
    """What a file holds.

    Attributes:
        format: Spark's name of the reader.
        separator: between two fields of a CSV file.
        null: the text that stands for no value, of a CSV file.
        columns: those with a plain type, in the file's order.
        left_out: column → why it is not among them.
        date_column: the column whose day is the partition date; None where there is none.
        dates: rows by day, oldest first; empty without such a column.
        key: columns that identify a row of a day.
        label: what the model predicts.
        rows: all that were looked at.
    """

    format: str
    separator: str
    null: str
    columns: tuple[Column, ...]
    left_out: Mapping[str, str]
    date_column: str | None
    dates: Mapping[str, pd.DataFrame]
    key: tuple[str, ...]
    label: Column
    rows: pd.DataFrame


def look_at(file: Path, *, label: str | None = None, date_column: str | None = None) -> FirstLook:
    """Look at the first rows of a CSV, Parquet or JSON file.

    Args:
        file: a header names the columns of a CSV file; JSON is an object a line, or a list of them.
        label: the column to learn; guessed when left out.
        date_column: likewise.

    Raises:
        SpecError: the file cannot be read as such, has no rows, or no such column.
    """
    reader = FORMATS.get(file.suffix.lower())
    if reader is None or not file.is_file():
        raise SpecError(
            f"{file} is no file to start from", expected=f"a file that ends with {list_names(tuple(FORMATS))}"
        )
    separator = _separator(file) if reader == "csv" else ","
    table = _read(file, reader, separator)
    if table.empty:
        raise SpecError(f"{file} has no rows", expected="a header and rows")
    null = _null_of(table) if reader == "csv" else ""
    twice = table.columns[table.columns.astype(str).str.casefold().duplicated()]
    # Spark does not tell capital letters apart.
    found = {str(name): _column(str(name), table[name], null) for name in table.columns}
    found |= dict.fromkeys(map(str, twice), "an earlier column has its name but for capital letters")
    columns = tuple(each for each in found.values() if isinstance(each, Column))
    left_out = {name: each for name, each in found.items() if isinstance(each, str)}
    dated = _named(date_column, columns, "date column") if date_column else _date_column(columns)
    taken = {dated.name} if dated else set()
    learnt = _named(label, columns, "label") if label else _label(columns, taken, left_out)
    dates = _by_day(table, dated.name, null) if dated else {}
    others = [each for each in columns if each.name not in {learnt.name, *taken}]
    if not others:
        raise SpecError(
            f"{file} has no column to predict {learnt.name} from",
            expected="a further column with a plain name and values",
            found=_told(left_out) or f"{learnt.name} alone",
        )
    return FirstLook(
        format=reader,
        separator=separator,
        null=null,
        columns=columns,
        left_out=left_out,
        date_column=dated.name if dated else None,
        dates=dates,
        key=_key(others, list(dates.values()) or [table]),
        label=learnt,
        rows=table,
    )


def _separator(file: Path) -> str:
    """Return what separates the fields of the first line; a comma where there is one field."""
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        first = text.readline()
    return max(_SEPARATORS, key=first.count)


def _read(file: Path, reader: str, separator: str) -> pd.DataFrame:
    import pandas as pd

    try:
        match reader:
            case "csv":
                return pd.read_csv(file, sep=separator, dtype=str, keep_default_na=False, nrows=MOST_ROWS)
            case "parquet":
                return pd.read_parquet(file, dtype_backend="numpy_nullable").head(MOST_ROWS)
            case _:
                return _read_json(file).head(MOST_ROWS)
    except (ValueError, OSError) as error:
        raise SpecError(f"{file} cannot be read as {reader}: {error}") from error


def _read_json(file: Path) -> pd.DataFrame:
    import pandas as pd

    with file.open(encoding="utf-8") as text:
        a_list = text.read(1) == "["
    return pd.read_json(file, lines=not a_list, convert_dates=False, dtype_backend="numpy_nullable")


def _null_of(table: pd.DataFrame) -> str:
    """Return what most often stands for no value where nothing would make the column a number or a date."""
    counts = dict.fromkeys(_NULLS[1:], 0)
    for name in table.columns:
        values = set(table[name].unique())
        for null in counts:
            if null in values and _text_type(values - {null, ""}) != "STRING":
                counts[null] += 1
    best = max(counts, key=lambda null: counts[null])
    return best if counts[best] else ""


def _text_type(values: set[str]) -> str:
    if not values:
        return "STRING"
    return next(
        (kind for kind, pattern in _PATTERNS if all(pattern.fullmatch(each) for each in values)), "STRING"
    )


def _column(name: str, values: pd.Series, null: str) -> Column | str:
    """Return a column, or why it is not one."""
    import pandas as pd

    if not re.fullmatch(r"\w+", name):
        return "its name has more than letters, digits and _"
    texts = values.dtype == object or isinstance(values.dtype, pd.StringDtype)
    known = values[~values.isin([null, ""])] if texts else values
    known = known.dropna()
    if known.empty:
        return "it has no value"
    if not texts:
        kind = _typed(values)
    elif not known.map(lambda each: isinstance(each, str)).all():
        return "it holds more than one plain value a row"
    else:
        kind = _text_type(set(known.unique()))
    if kind is None:
        return f"its type {values.dtype} has no counterpart"
    low = high = None
    if kind in NUMBERS:
        numbers = pd.to_numeric(known)
        low, high = float(numbers.min()), float(numbers.max())
        # A whole number with gaps is a decimal one in pandas.
        kind = "INT" if kind == "BIGINT" and -_INT <= low and high < _INT else kind
    different = known.unique()
    few = tuple(sorted(map(str, different))) if len(different) <= FEW else ()
    return Column(name, kind, len(values) - len(known), few, len(different), low, high)


def _typed(values: pd.Series) -> str | None:
    import pandas.api.types as types

    if types.is_bool_dtype(values):
        return "BOOLEAN"
    if types.is_integer_dtype(values):
        return "BIGINT"
    if types.is_float_dtype(values):
        return "DOUBLE"
    if types.is_datetime64_any_dtype(values):
        return "TIMESTAMP"
    return None


def _named(name: str, columns: Sequence[Column], what: str) -> Column:
    names = [each.name for each in columns]
    if name not in names:
        near = did_you_mean(name, names)
        raise SpecError(f"there is no {what} {name!r}", expected=f"one of {list_names(names)}", fix=near)
    return columns[names.index(name)]


def _date_column(columns: Sequence[Column]) -> Column | None:
    dated = [each for each in columns if each.type in {"DATE", "TIMESTAMP"} and not each.nulls]
    return min(dated, key=lambda each: each.type != "DATE", default=None)


def _told(left_out: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:_LEFT_OUT_TOLD])


def _label(columns: Sequence[Column], taken: set[str], left_out: Mapping[str, str]) -> Column:
    """Return what is called a label, else the last column that could be one."""
    usable = [each for each in columns if each.name not in taken and _can_be_learnt(each)]
    if not usable:
        raise SpecError(
            "no column can be the label",
            expected="a number, or a text or a truth of a few values",
            found=_told(left_out),
        )
    named = [each for each in usable if each.name.lower() in _LABELS]
    return named[0] if named else usable[-1]


def _can_be_learnt(column: Column) -> bool:
    return column.distinct > 1 and (column.type in NUMBERS or bool(column.values))


def _by_day(table: pd.DataFrame, name: str, null: str) -> dict[str, pd.DataFrame]:
    days = table[name].astype(str).str[:10]
    known = ~days.isin([null, "", "NaT", "None"])
    return {day: rows for day, rows in table[known].groupby(days[known], sort=True)}


def _key(columns: Sequence[Column], days: Sequence[pd.DataFrame]) -> tuple[str, ...]:
    """Return the fewest columns, of the first ones, that identify the rows of each day; else all of them."""
    whole = sorted((each for each in columns if not each.nulls), key=_identifies)
    usable = [each.name for each in whole]
    for size in range(1, _LONGEST_KEY + 1):
        for names in combinations(usable[:8], size):
            if not any(rows.duplicated(list(names)).any() for rows in days):
                return names
    return tuple(usable) or (columns[0].name,)


def _identifies(column: Column) -> tuple[bool, bool]:
    """Order columns: what is called an identifier first, measures last."""
    named = re.search(r"(^|_)(id|key|nr|no|number)$", column.name, re.IGNORECASE)
    return not named, column.type == "DOUBLE"


def plain(value: Any) -> Any:
    """Return a number without needless digits: 3.0 as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
