"""Expressions of Spark SQL that a twin evaluates, and raw rows that are made to hurt."""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal
from typing import Any, Final

SCHEMA: Final = {
    "b": "boolean",
    "t": "tinyint",
    "s": "smallint",
    "i": "int",
    "j": "int",
    "l": "bigint",
    "f": "float",
    "d": "double",
    "e": "double",
    "m": "decimal(10,2)",
    "n": "decimal(15,6)",
    "x": "string",
    "y": "string",
    "day": "date",
    "due": "date",
    "at": "timestamp",
}
_WHOLE = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_DOUBLES = (
    *(0.0, -0.0, 1.0, -1.5, 2.5, 0.1, 127.9, -128.9, 2147483647.9, -2147483648.9, 123456789.125),
    *(math.nan, math.inf, -math.inf, 1e308, 5e-324, 2.0**63, -(2.0**63), 1e23, 1e-3),
)
_TEXTS = (
    *("", " ", "abc", "ABC", "a/b/c", "/", "a%b_c", "  two words  ", "Straße", "ÀÉ", "ΑΣ", "日本語𝄞", "İı"),
    *("12", "-7", "+5", " 12\t", "12.", "1.5", ".5", "-0", "99999999999", "9223372036854775808", "1e3"),
    *(
        "1e400",
        "1d",
        "1.5F",
        "NaN",
        "-NaN",
        "nan",
        " Infinity ",
        "-inf",
        "1 2",
        "0x1p3",
        "1_0",
        "\u0661",
        "+",
        ".",
    ),
    *("true", " T", "no", "yes", "0", "1", "2013-02-28", "2013-2-3", "2013-02-30", "2013", "2013-02-28T05"),
    *("2013-02-28x", "13-02-28", "-0001-01-01", "0.005", "1.005", "-1.005", "99999999.995", "1e-7", "1.e2"),
)
_DATES = tuple(
    map(
        dt.date.fromisoformat,
        ("1970-01-01", "2000-02-29", "1900-03-01", "0001-01-01", "9999-12-31", "2013-12-30", "2016-01-03"),
    )
)
_MOMENTS = tuple(
    dt.datetime.fromisoformat(f"{text}+00:00")
    for text in (
        *(
            "1970-01-01T00:00:00",
            "1969-12-31T23:59:59.999999",
            "2013-03-10T07:30:15.25",
            "2016-02-29T12:00:01",
        ),
        *("1900-01-01T00:00:00.000001", "2038-01-19T03:14:08", "9999-12-31T23:59:59.999999"),
    )
)
_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "boolean": (True, False),
    **{
        kind: (0, 1, -1, 2, 7, -7, 100, (1 << bits - 1) - 1, -(1 << bits - 1))
        for kind, bits in _WHOLE.items()
    },
    "float": (0.0, -0.0, 1.5, -2.25, 16777216.0, math.nan, math.inf, -math.inf, 3.4028234663852886e38),
    "double": _DOUBLES,
    "decimal(10,2)": tuple(map(Decimal, ("0", "1.25", "-1.25", "0.05", "7", "99999999.99", "-99999999.99"))),
    "decimal(15,6)": tuple(map(Decimal, ("0", "0.000001", "-2.5", "3", "999999999.999999"))),
    "string": _TEXTS,
    "date": _DATES,
    "timestamp": _MOMENTS,
}


def rows(count: int = 150) -> list[tuple[Any, ...]]:
    """Return rows in which each value of a type stands beside ever others; the first is all nulls."""
    choice = random.Random(7)  # noqa: S311 - the same every time
    columns = []
    for kind in SCHEMA.values():
        values = [*_VALUES[kind], None]
        column = [values[place % len(values)] for place in range(count)]
        choice.shuffle(column)
        columns.append(column)
    return [(None,) * len(SCHEMA), *zip(*columns, strict=True)]


_NUMBERS = ("t", "s", "i", "l", "f", "d", "m", "n")
EXPRESSIONS: Final = (
    # Casts.
    *(
        f"CAST({a} AS {kind})"
        for a in ("b", "t", "s", "i", "l", "d", "m", "n", "x")
        for kind in ("INT", "BIGINT")
    ),
    *(f"CAST({a} AS {kind})" for a in ("i", "l", "f", "d", "m", "x") for kind in ("TINYINT", "SMALLINT")),
    *(f"CAST({a} AS DOUBLE)" for a in ("b", "t", "i", "l", "f", "m", "n", "x")),
    *(f"CAST({a} AS FLOAT)" for a in ("t", "i", "l", "d")),
    *(f"CAST({a} AS DECIMAL(8,1))" for a in ("i", "l", "m", "n", "x")),
    *(
        "CAST(x AS DECIMAL(38,0))",
        "CAST(x AS DECIMAL(38,37))",
        "CAST(n AS DECIMAL(38,20))",
        "CAST(i AS DECIMAL(3))",
    ),
    *(f"CAST({a} AS STRING)" for a in ("b", "t", "s", "i", "l", "m", "n", "day", "at", "x")),
    *(f"CAST({a} AS BOOLEAN)" for a in ("t", "l", "f", "d", "m", "x")),
    *("CAST(x AS DATE)", "CAST(at AS DATE)", "CAST(day AS TIMESTAMP)", "double(i)", "bigint(x)", "i::string"),
    # Arithmetic.
    *(
        f"{a} {op} {b}"
        for op in "+-*/"
        for a, b in (("t", "t"), ("s", "t"), ("i", "j"), ("l", "i"), ("d", "e"))
    ),
    *(
        f"{a} {op} {b}"
        for op in "+-*/"
        for a, b in (("m", "m"), ("m", "n"), ("m", "i"), ("m", "d"), ("m", "2"))
    ),
    *(
        f"{a} {op} {b}"
        for op in "+-*/"
        for a, b in (("f", "f"), ("f", "d"), ("f", "i"), ("i", "1.5"), ("d", "2"))
    ),
    *(
        "i % j",
        "l % i",
        "d % e",
        "f % f",
        "mod(i, 3)",
        "i DIV j",
        "l DIV i",
        "t DIV s",
        "10 DIV i",
        "i / NULL",
    ),
    *("i + 1", "l + 1", "i + 1L", "t + 1Y", "i + 2147483647", "i - -2147483648", "l * 3", "i / 10", "1 / i"),
    *("1.5D * d", "1e3 + d", "0.1 + 0.2", "1.50 * m", ".5 + m", "m / 3", "m / 7.00", "1 / m", "m * 1.05"),
    *(f"-{a}" for a in _NUMBERS),
    *(f"abs({a})" for a in _NUMBERS),
    *(
        "negative(i)",
        "floor(d)",
        "ceil(d)",
        "ceiling(i)",
        "floor(f)",
        "floor(l)",
        "sqrt(d)",
        "sqrt(i)",
        "sqrt(f)",
    ),
    *("sign(d)", "signum(i)", "ln(d)", "log(i)", "ln(1 + d)", "ln(m)"),
    # Comparisons and logic.
    *(
        f"{a} {op} {b}"
        for op in ("=", "<>", "<", "<=", ">", ">=", "<=>")
        for a, b in (("d", "e"), ("i", "j"))
    ),
    *(
        f"{a} {op} {b}"
        for op in ("=", "<", "<=>")
        for a, b in (("l", "d"), ("i", "l"), ("m", "n"), ("m", "1.25"))
    ),
    *(
        f"{a} {op} {b}"
        for op in ("==", "!=", "<")
        for a, b in (("x", "y"), ("x", "'abc'"), ("day", "due"), ("b", "b"))
    ),
    *(
        "m = 7",
        "m < i",
        "f = f",
        "f < d",
        "f = i",
        "day < at",
        "at >= day",
        "i <=> NULL",
        "x = NULL",
        "b = (i > 0)",
    ),
    *(
        "i IS DISTINCT FROM j",
        "x IS NOT DISTINCT FROM y",
        "x IS NULL",
        "x IS NOT NULL",
        "b IS TRUE",
        "b IS NOT FALSE",
    ),
    *(
        "NOT b",
        "b AND i > 0",
        "b OR i > 0",
        "b OR i > 0 AND j > 0",
        "NOT b AND i > 0",
        "NOT i = j",
        "b AND NULL",
    ),
    *("b AND 1 / i > 0", "b OR 1 / i > 0", "i = 0 OR 10 DIV i > 1", "isnull(x)", "isnotnull(i)", "isnan(d)"),
    *("isnan(f)", "isnan(i)", "i BETWEEN -1 AND 7", "d BETWEEN e AND 1e300", "i NOT BETWEEN t AND s"),
    *("x BETWEEN 'a' AND 'b'", "i IN (1, 7, NULL)", "i NOT IN (1, j)", "x IN ('abc', y)", "d IN (e, 1)"),
    *("l IN (1, 7)", "m IN (7, 1.25)", "i IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)", "d NOT IN (0, 1, 2)"),
    # What chooses.
    *(
        "CASE WHEN i > 0 THEN 1 / i ELSE 0 END",
        "CASE WHEN b THEN i END",
        "CASE WHEN b THEN i WHEN j > 0 THEN l ELSE d END",
    ),
    *("CASE i WHEN 0 THEN 'none' WHEN 1 THEN 'one' ELSE x END", "CASE WHEN x LIKE 'a%' THEN 1 ELSE NULL END"),
    *(
        "if(i = 0, NULL, 10 DIV i)",
        "if(b, 1, 2.5)",
        "if(b, m, i)",
        "coalesce(i, j, 0)",
        "coalesce(m, 0)",
        "nvl(d, 0)",
    ),
    *(
        "coalesce(x, y, 'none')",
        "ifnull(i, l)",
        "coalesce(i, 1 / 0)",
        "nvl2(x, i, j)",
        "nullif(i, 0)",
        "nullif(x, '')",
    ),
    *("10 / nullif(i, 0)", "nullif(d, e)", "nanvl(d, e)", "nanvl(d, 0D)", "greatest(i, j, 0)", "least(d, e)"),
    *(
        "greatest(d, e, 0)",
        "least(x, y)",
        "greatest(m, n)",
        "greatest(day, due)",
        "coalesce(day, at)",
        "coalesce(f, d)",
    ),
    # Strings.
    *(
        "upper(x)",
        "lower(x)",
        "ucase(x)",
        "trim(x)",
        "ltrim(x)",
        "rtrim(x)",
        "length(x)",
        "char_length(y)",
        "len(x)",
    ),
    *(
        f"substring(x, {place}, {length})"
        for place in ("0", "1", "2", "-2", "i")
        for length in ("0", "2", "-1", "j")
    ),
    *(
        "substr(x, 2)",
        "substr(x, -2)",
        "substring(x, i)",
        "left(x, 2)",
        "right(x, 2)",
        "left(x, i)",
        "right(x, i)",
    ),
    *(
        "concat(x, y)",
        "concat(x, '-', y)",
        "x || y",
        "concat_ws(' ', x, y)",
        "concat_ws(x, y, 'z')",
        "concat_ws(',', x)",
    ),
    *(
        "replace(x, 'a', 'bb')",
        "replace(x, y, '!')",
        "replace(x, 'a')",
        "replace(x, '', '!')",
        "startswith(x, y)",
    ),
    *(
        "endswith(x, 'c')",
        "contains(x, y)",
        "instr(x, 'b')",
        "locate('b', x)",
        "position('' IN x)",
        "instr(x, y)",
    ),
    *("x LIKE 'a%'", "x LIKE '%b_c'", "x LIKE '_'", "x NOT LIKE '%/%'", "x LIKE ''", "split_part(x, '/', 2)"),
    *("split_part(x, '/', -1)", "split_part(x, '/', i)", "split_part(x, y, 1)", "split_part(x, 'b', 1)"),
    # Dates.
    *(
        f"{name}({value})"
        for name in ("year", "month", "day", "dayofmonth", "dayofweek", "dayofyear", "weekofyear", "quarter")
        for value in ("day", "at")
    ),
    *(
        "weekday(day)",
        "weekday(at)",
        "last_day(day)",
        "to_date(at)",
        "to_date(day)",
        "unix_date(day)",
        "hour(at)",
    ),
    *(
        "minute(at)",
        "second(at)",
        "unix_seconds(at)",
        "unix_micros(at)",
        "datediff(day, due)",
        "datediff(at, day)",
    ),
    *("date_add(day, 1)", "date_sub(day, 400)", "date_add(at, t)", "date_sub(day, s)", "date_add(day, i)"),
    *(
        f"date_trunc('{unit}', at)"
        for unit in ("SECOND", "minute", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    ),
    *(
        "day >= DATE '2013-01-01'",
        "hour(at) * 60 + minute(at)",
        "CAST(hour(at) AS STRING)",
        "day = CAST(x AS DATE)",
    ),
)
