"""What in a SQL text gives other values for the same rows: the clock, chance, and the order of rows.

Rows of a table have no order of their own: which come first depends on files, on cores and on which task ends
first. So what takes one of several rows, or puts them one behind the other, must say by which order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.spec.sql_nodes import (
    absorbed,
    argument,
    first_argument,
    function_name,
    line_of,
    ordered_names,
    resolved_window,
    window_of,
    written_name,
)
from vintage.spec.sql_rounding import has_fraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlglot import exp

_CLOCK: Final = frozenset(
    {
        *("now", "curdate", "current_date", "current_time", "localtime"),
        *("current_timestamp", "localtimestamp"),
    }
)
_SPECIAL_TIMES: Final = frozenset({"now", "today", "tomorrow", "yesterday"})
_FILES: Final = frozenset(
    {"spark_partition_id", "input_file_name", "input_file_block_start", "input_file_block_length"}
)
# What to write for functions of the clock, of chance and of the machine; `{hash}` is a hash of the row key.
_INSTEAD: Final[Mapping[frozenset[str], str]] = {
    _CLOCK: "write {date}, the partition date, instead, for example DATE '{date}'",
    frozenset({"rand", "randn", "random", "uniform"}): (
        "write pmod({hash}, 1000) / 1000 instead: a hash of the key is the same each time"
    ),
    frozenset({"uuid", "randstr", "monotonically_increasing_id"}): (
        "write {hash} instead: a hash of the key is the same each time"
    ),
    _FILES: "leave it out, or have the raw rows hold it as a column",
    frozenset({"user", "current_user", "session_user"}): "write the name itself",
    frozenset({"reflect", "try_reflect", "java_method"}): (
        "use a function of Spark SQL, or name one of your own in preprocess.function"
    ),
    frozenset({"shuffle"}): "write array_sort(…) instead",
}
# Of several rows they take one, or all in the order in which they come.
_FIRST: Final = frozenset({"first", "first_value"})
_LAST: Final = frozenset({"last", "last_value"})
_LISTS: Final = frozenset({"array_agg", "array_unique_agg"})
# Summaries that are merged from parts: another split into parts gives another summary.
_SUMMARIES: Final = frozenset(
    {
        *("approx_quantile", "histogram_numeric"),
        *("approx_top_k", "approx_top_k_accumulate", "approx_top_k_combine"),
    }
)
_SKETCHES: Final = ("kll_", "hll_")
# Windows that number rows, for which Spark asks for an order. The former tell apart rows that tie.
_NUMBERED: Final = frozenset({"row_number", "ntile", "lag", "lead", "nth_value"})
_RANKED: Final = frozenset({"rank", "dense_rank", "percent_rank", "cume_dist"})
_SUMS: Final = frozenset({"sum", "avg", "mean", "try_sum", "try_avg"})
_MOMENTS: Final = frozenset(
    {
        *("std", "stddev", "stddev_pop", "stddev_samp", "variance", "variance_pop", "skewness", "kurtosis"),
        *("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2"),
        *("regr_sxx", "regr_syy", "regr_sxy"),
    }
)
_ASKED: Final = frozenset().union(
    *_INSTEAD, _NUMBERED, _RANKED, _FIRST, _LAST, _LISTS, {"any_value", "group_concat", "mode"}
) | (_SUMMARIES | _SUMS | _MOMENTS)
_EACH_TIME: Final = "returns different values each time"
_WHICH_ROW: Final = "takes an arbitrary row"


@dataclass(frozen=True, slots=True)
class Unrepeatable:
    """Something in a SQL text that may give other values for the same rows.

    Attributes:
        what: it, as it is written, and why: `rand, which returns different values each time`.
        instead: what to write in its place.
        line: counts from 1 within the text.
        certain: whether it is so whatever the rows are; if not, it depends on them.
    """

    what: str
    instead: str
    line: int | None
    certain: bool = True


def unrepeatable(
    tree: exp.Expr, text: str, *, key: Sequence[str], types: Mapping[str, str]
) -> tuple[Unrepeatable, ...]:
    """Return all of them, in the order of the text.

    Args:
        tree: a query or an expression of Spark SQL.
        text: what it was parsed from.
        key: the columns that identify a row.
        types: column → Spark type in upper case, of those whose type is known.
    """
    from sqlglot import exp

    found: list[Unrepeatable] = []
    for node in tree.walk():
        if isinstance(node, exp.TableSample):
            hash_ = f"pmod({_hash(key)}, 100) < 10"
            what = "TABLESAMPLE, which draws different rows each time"
            found.append(Unrepeatable(what, f"write for example WHERE {hash_}", line_of(node)))
        elif isinstance(node, exp.Cast):
            found += _special_time(node)
        elif isinstance(node, exp.Func):
            found += _function(node, text, key, types)
        if isinstance(node, exp.Query):
            found += _limit(node, key)
    return tuple(dict.fromkeys(sorted(found, key=lambda each: each.line or 0)))


def _function(
    function: exp.Func, text: str, key: Sequence[str], types: Mapping[str, str]
) -> Iterator[Unrepeatable]:
    name = function_name(function)
    # An AND is a function for sqlglot, too: of a chain, each would look for its line through the rest.
    if name not in _ASKED and not name.startswith(_SKETCHES):
        return
    written, line = written_name(function, text), line_of(function)
    instead = _instead_of_chance(name, key)
    if instead:
        why = "depends on how the rows are spread" if name in _FILES else _EACH_TIME
        yield Unrepeatable(f"{written}, which {why}", instead, line)
    elif name in _NUMBERED | _RANKED | _FIRST | _LAST | _LISTS | {"any_value", "group_concat"}:
        yield from _by_order(function, name, written, key)
    elif name == "mode" and not _mode_is_told(function):
        what = f"{written}, which of equally frequent values takes any"
        yield Unrepeatable(what, f"write mode({argument(function)}, true), which takes the least", line)
    elif name in _SUMMARIES or (name.startswith(_SKETCHES) and "_agg" in name):
        what = f"{written}, whose result depends on how the rows are spread"
        yield Unrepeatable(what, _exact(function, name), line)
    elif name in _SUMS | _MOMENTS:
        yield from _rounded(function, name, written, types)


def _instead_of_chance(name: str, key: Sequence[str]) -> str:
    found = next((instead for names, instead in _INSTEAD.items() if name in names), "")
    return found.replace("{hash}", _hash(key))


def _special_time(cast: exp.Cast) -> Iterator[Unrepeatable]:
    """`DATE 'today'` and its like, which Spark reads by the clock."""
    from sqlglot import exp

    literal = cast.this
    if (
        isinstance(literal, exp.Literal)
        and literal.is_string
        and literal.name.strip().lower() in _SPECIAL_TIMES
        and cast.to.is_type(*exp.DataType.TEMPORAL_TYPES)
    ):
        what = f"'{literal.name}' as a date or time, which {_EACH_TIME}"
        yield Unrepeatable(what, "write {date}, the partition date, instead", line_of(cast))


def _by_order(function: exp.Func, name: str, written: str, key: Sequence[str]) -> Iterator[Unrepeatable]:
    """Yield a function whose value depends on which row comes first."""
    from sqlglot import exp

    line, window = line_of(function), window_of(function)
    if name in _LISTS and absorbed(function):
        return
    if window is not None:
        window = resolved_window(window)
        order = window.args.get("order")
        if order is None:
            what = f"{written} over a window without ORDER BY, whose rows come in any order"
            yield Unrepeatable(what, f"write OVER (… ORDER BY {', '.join(key)})", line)
        elif name not in _RANKED:
            known = ordered_names(order) | {
                column.name.lower() for column in window.args.get("partition_by") or () if column.name
            }
            select = function.find_ancestor(exp.Select)
            yield from _tie(order, f"{written} over a window", known, select, key, line)
    elif name == "group_concat" and not isinstance(function.this, exp.Order):
        what = f"{written}, which joins the rows in whatever order they come"
        of = argument(function)
        yield Unrepeatable(what, f"write {written}({of}, ',') WITHIN GROUP (ORDER BY {of})", line)
    elif name in _LISTS:
        what = f"{written}, which holds the rows in whatever order they come"
        yield Unrepeatable(what, f"write array_sort({written}({argument(function)}))", line)
    elif name == "any_value":
        what = f"{written}, which takes any row's value"
        yield Unrepeatable(what, f"write min({argument(function)}) or max({argument(function)})", line)
    elif name in _FIRST | _LAST:
        taken = "min_by" if name in _FIRST else "max_by"
        what = f"{written}, which {_WHICH_ROW if name in _FIRST else 'takes an arbitrary row'}"
        yield Unrepeatable(what, f"write {taken}({argument(function)}, {_order(key)})", line)


def _limit(query: exp.Query, key: Sequence[str]) -> Iterator[Unrepeatable]:
    """LIMIT and OFFSET, which take whichever rows come first unless ORDER BY stands beside them."""
    from sqlglot import exp

    given = [query.args.get(name) for name in ("limit", "offset")]
    parts = [part for part in given if part is not None and not isinstance(part.expression, exp.Var)]
    if not parts or isinstance(query.parent, exp.Exists) or _is_one_row(query):
        return
    order, word = query.args.get("order"), parts[0].key.upper()
    if order is None:
        what = f"{word} without ORDER BY, which takes arbitrary rows"
        yield Unrepeatable(what, f"write ORDER BY {', '.join(key)} before {word}", line_of(parts[0]))
    else:
        yield from _tie(order, word, ordered_names(order), query, key, line_of(parts[0]))


def _tie(
    order: exp.Order,
    what: str,
    known: set[str],
    query: exp.Query | None,
    key: Sequence[str],
    line: int | None,
) -> Iterator[Unrepeatable]:
    """Yield a warning where the order names less than the columns that identify the query's rows."""
    group = query.args.get("group") if query is not None else None
    # Rows of a GROUP BY are distinguished by what they are grouped by.
    apart = list(key) if group is None else [each.name for each in group.expressions]
    missing = [name for name in apart if name and name.lower() not in known]
    if missing and "*" not in known:
        by = ", ".join(each.this.sql("spark") for each in order.expressions)
        told = f"{what} ordered by {by}, which may have ties: their order is arbitrary"
        yield Unrepeatable(told, f"add {', '.join(missing)} to ORDER BY", line, certain=False)


def _rounded(function: exp.Func, name: str, written: str, types: Mapping[str, str]) -> Iterator[Unrepeatable]:
    """Yield a sum of floating-point numbers: its last bits depend on the order in which they are added."""
    window = window_of(function)
    if window is not None and resolved_window(window).args.get("order") is not None:
        return
    of = argument(function)
    if name in _SUMS and has_fraction(first_argument(function), types):
        exact = f"write {written}(CAST({of} AS DECIMAL(28, 9))), which adds exactly"
    elif name in _MOMENTS:
        exact = f"write it with exact sums, for example sum(CAST({of} AS DECIMAL(28, 9)))"
    else:
        return
    what = f"{written}, which adds fractions in whatever order the rows come: its last bits depend on it"
    yield Unrepeatable(what, exact, line_of(function), certain=False)


def _is_one_row(query: exp.Query) -> bool:
    """Return whether it aggregates all rows to one."""
    from sqlglot import exp

    if not isinstance(query, exp.Select) or query.args.get("group") is not None:
        return False
    aggregates = (each for item in query.selects for each in item.find_all(exp.AggFunc))
    return any(window_of(each) is None for each in aggregates)


def _mode_is_told(function: exp.Func) -> bool:
    from sqlglot import exp

    given = function.args.get("deterministic")
    return isinstance(function.parent, exp.WithinGroup) or (
        isinstance(given, exp.Boolean) and bool(given.this)
    )


def _exact(function: exp.Func, name: str) -> str:
    if name == "approx_quantile":
        quantile = function.args.get("quantile")
        share = "0.5" if quantile is None else quantile.sql("spark")
        return f"write percentile({argument(function)}, {share}), which is exact"
    return "write an exact count: count(DISTINCT …), or count(*) with GROUP BY"


def _hash(key: Sequence[str]) -> str:
    return f"xxhash64({', '.join(key)})"


def _order(key: Sequence[str]) -> str:
    return key[0] if len(key) == 1 else f"struct({', '.join(key)})"
