"""What a Spark SQL text reads and provides without a JVM.

Where a text is beyond what can be determined (lateral views, correlated subqueries), nothing is
claimed: Spark itself finds such a mistake later, but right SQL is never refused.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

from vintage.errors import first_line
from vintage.spec import date_in_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope
    from sqlglot.tokenizer_core import Token

SOURCE_VIEW: Final = "source"
_DATE: Final = dt.date(2013, 2, 28)

WORDS: Final = 20_000
"""Words and signs of a text: a SELECT of 1,000 columns, each cast and named, has 7,000."""
DEPTH: Final = 24
"""Brackets within brackets, and CASE within CASE: sqlglot calls itself a dozen times for each."""
CHAIN: Final = 1_200
"""Operators one behind the other; a sum of 1,000 columns has as many. Each looks through those around it."""
QUERIES: Final = 200
"""SELECTs of a text, those of its WITH and its subqueries among them."""
COLUMNS: Final = 20_000
"""Of a result; a `*` over joins may stand for any number of them."""
_OPENING: Final = frozenset({"L_PAREN", "L_BRACKET", "L_BRACE", "CASE"})
_CLOSING: Final = frozenset({"R_PAREN", "R_BRACKET", "R_BRACE", "END"})

if TYPE_CHECKING:
    # The views that a text may read, by name: their columns, None where those are not known.
    Views = Mapping[str, Collection[str] | None]


class BadSql(ValueError):
    """A text that is no query, or no expression, of Spark SQL; `line` counts from 1 within the text."""

    def __init__(self, what: str, line: int | None = None, expected: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.expected = expected


@dataclass(frozen=True, slots=True)
class UnknownColumn:
    """A column that a query reads, but its views lack.

    Attributes:
        name: the column.
        line: counts from 1 within the text.
        lacking: the views that were looked in.
    """

    name: str
    line: int | None
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A parsed SELECT; `text` is what was parsed, with a date in the place of `{date}`."""

    tree: exp.Query
    text: str

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Its SELECTs with what each reads, the outermost last."""
        from sqlglot.optimizer.scope import traverse_scope

        return tuple(traverse_scope(self.tree))

    @property
    def has_star(self) -> bool:
        """Whether it passes on whatever columns its source has."""
        return any(item.is_star for item in self.tree.selects)

    def tables(self) -> tuple[str, ...]:
        """Return the tables and views that it reads, in small letters, each once."""
        from sqlglot import exp

        own = {cte.alias.lower() for cte in self.tree.find_all(exp.CTE)}
        names = (table_name(table) for table in self.tree.find_all(exp.Table))
        return tuple(dict.fromkeys(name for name in names if name not in own))

    def unnamed(self) -> tuple[str, ...]:
        """Return the expressions that it selects without a name."""
        return tuple(
            item.sql("spark") for item in self.tree.selects if not item.is_star and not _output_name(item)
        )

    def columns(self, views: Views) -> tuple[str, ...] | None:
        """Return the provided columns in order; None when a `*` stands for unknown columns."""
        return output_columns(self.scopes[-1], views) if self.scopes else None

    def unknown_columns(self, views: Views) -> tuple[UnknownColumn, ...]:
        """Return the columns that it reads from views whose columns are known, but that those do not have."""
        found: dict[str, UnknownColumn] = {}
        for scope in self.scopes:
            read = _columns_read_from(scope, views)
            for qualifier, name, line in _names_read(scope) if read else ():
                owners = [read[qualifier]] if qualifier in read else list(read.values())
                if all(columns is not None and name.lower() not in columns for _, columns in owners):
                    lacking = tuple(dict.fromkeys(view for view, _ in owners))
                    found.setdefault(name.lower(), UnknownColumn(name, line, lacking))
        return tuple(found.values())


def read_query(text: str) -> Query:
    """Return a text as one SELECT; parsed once, because several checks ask for its columns and types.

    Raises:
        BadSql: it is none.
    """
    read = _query_or_why(text)
    if isinstance(read, BadSql):
        raise read
    return read


@cache
def _query_or_why(text: str) -> Query | BadSql:
    from sqlglot import exp

    dated = date_in_text.filled(text, _DATE)
    try:
        trees, tokens = _parsed(dated)
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            return BadSql("the SQL is not a query", expected="one SELECT")
        _refuse_trailing_comma(tokens)
    except BadSql as error:
        return error
    return Query(trees[0], dated)


def _parsed(text: str) -> tuple[list[exp.Expr], list[Token]]:
    """Return the statements of a text, and the words that they are made of.

    Raises:
        BadSql: it is no SQL, or longer or nested deeper than what a person writes.
    """
    from sqlglot.dialects import Spark
    from sqlglot.errors import SqlglotError

    try:
        tokens = Spark().tokenize(text)
        if len(tokens) > WORDS:
            raise BadSql(f"the SQL has {len(tokens):,} words and signs", expected=f"at most {WORDS:,}")
        _refuse_depth(tokens)
        trees = [tree for tree in Spark().parser().parse(tokens, text) if tree is not None]
        _refuse_many(trees)
    except SqlglotError as error:
        raise _bad_sql(error) from error
    except RecursionError:
        raise BadSql("the SQL is nested too deep", expected=f"at most {DEPTH} levels") from None
    return trees, tokens


def _refuse_depth(tokens: Sequence[Token]) -> None:
    depth = 0
    for token in tokens:
        name = token.token_type.name
        depth += (name in _OPENING) - (name in _CLOSING)
        if depth > DEPTH:
            raise BadSql("the SQL is nested too deep", token.line, expected=f"at most {DEPTH} levels")


def _refuse_many(trees: Iterable[exp.Expr]) -> None:
    from sqlglot import exp

    level, depth, queries = list(trees), 0, 0
    while level:
        depth += 1
        queries += sum(isinstance(node, exp.Select) for node in level)
        for count, most, things in ((depth, CHAIN, "operators in a row"), (queries, QUERIES, "SELECTs")):
            if count > most:
                raise BadSql(f"the SQL has more than {most:,} {things}", expected=f"at most {most:,}")
        level = [child for node in level for child in node.iter_expressions()]


def expression_columns(text: str) -> tuple[str, ...]:
    """Return the columns that a Spark SQL expression reads, each once.

    Raises:
        BadSql: it is no expression.
    """
    from sqlglot import exp

    return tuple(dict.fromkeys(column.parts[0].name for column in read_expression(text).find_all(exp.Column)))


def read_expression(text: str) -> exp.Condition:
    """Return a text as one Spark SQL expression.

    Raises:
        BadSql: it is none.
    """
    from sqlglot import exp

    trees, _ = _parsed(text)
    [tree] = trees if len(trees) == 1 else [None]
    if not isinstance(tree, exp.Condition):
        raise BadSql(
            "the SQL is not an expression", expected="a column or an expression, such as `arr_delay >= 15`"
        )
    return tree


def _refuse_trailing_comma(tokens: Sequence[Token]) -> None:
    """sqlglot reads over a comma with nothing behind it; Spark does not."""
    for comma, after in zip(tokens, [*tokens[1:], None], strict=True):
        if comma.token_type.name == "COMMA" and (
            after is None or after.token_type.name in {"FROM", "R_PAREN"}
        ):
            raise BadSql("the SQL cannot be read: a comma with nothing after it", comma.line)


def _bad_sql(error: Exception) -> BadSql:
    details = getattr(error, "errors", None)
    if not details:
        return BadSql(f"the SQL cannot be read: {first_line(error)}")
    first = details[0]
    near = str(first.get("highlight") or "").strip()
    what = str(first.get("description") or "not Spark SQL").rstrip(".")
    if "<class" in what:
        what = "it is not complete"
    return BadSql(f"the SQL cannot be read: {what}{f', near {near!r}' if near else ''}", first.get("line"))


def table_name(table: exp.Table) -> str:
    """Return a table's name in small letters, with that of its database where it has one."""
    return table.name.lower() if not table.db else table.sql("spark").lower()


def _output_name(item: exp.Expr) -> str:
    from sqlglot import exp

    return item.output_name if isinstance(item, exp.Alias | exp.Column | exp.Dot | exp.Aliases) else ""


def output_columns(scope: Scope, views: Views) -> tuple[str, ...] | None:
    """Return the columns of a SELECT by name, in order; None where they cannot be known."""
    from sqlglot import exp

    if scope.set_operation_scopes:
        return output_columns(scope.set_operation_scopes[0], views)
    if not isinstance(scope.expression, exp.Select):
        return None
    names: list[str] = []
    for item in scope.expression.selects:
        if not item.is_star:
            names.append(_output_name(item))
            continue
        star = item.this if isinstance(item, exp.Column) else item
        starred = _starred(scope, item.table if isinstance(item, exp.Column) else "", views)
        if starred is None or star.args.get("replace") or star.args.get("rename"):
            return None
        dropped = {
            column.name.lower() for column in star.args.get("except_") or star.args.get("except") or ()
        }
        names += [name for name in starred if name.lower() not in dropped]
    return tuple(names)


def _starred(scope: Scope, qualifier: str, views: Views) -> list[str] | None:
    """Return the columns for which a `*`, or a `qualifier.*`, stands."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope as ScopeClass

    if scope.expression.args.get("laterals"):
        return None
    # A column that two tables are joined by stands once, and a semi-join gives none of the other's.
    for join in scope.expression.args.get("joins") or ():
        if not qualifier and (join.args.get("using") or join.method or join.kind in {"SEMI", "ANTI"}):
            return None
    names: list[str] = []
    for alias, read in scope.selected_sources.items():
        if qualifier and alias.lower() != qualifier.lower():
            continue
        columns: Collection[str] | None = None
        if isinstance(read[1], ScopeClass):
            columns = output_columns(read[1], views)
        elif isinstance(read[1], exp.Table):
            columns = views.get(table_name(read[1]))
        if columns is None:
            return None
        names += columns
    return names if len(names) <= COLUMNS else None


def _columns_read_from(scope: Scope, views: Views) -> dict[str, tuple[str, set[str] | None]]:
    """Alias → view and columns, in small letters, of what a SELECT reads; None where those are not known.

    Empty where nothing is known of it.
    """
    from sqlglot import exp

    if (
        scope.is_subquery
        or not isinstance(scope.expression, exp.Select)
        or scope.expression.args.get("laterals")
        or any(
            isinstance(read, exp.Expr) and not isinstance(read, exp.Table) for read in scope.sources.values()
        )
    ):
        return {}
    known: dict[str, tuple[str, set[str] | None]] = {}
    for alias, (_, read) in scope.selected_sources.items():
        view = table_name(read) if isinstance(read, exp.Table) else ""
        columns = views.get(view)
        known[alias.lower()] = view, None if columns is None else {name.lower() for name in columns}
    return known


def _names_read(scope: Scope) -> Iterator[tuple[str, str, int | None]]:
    """Qualifier (empty where there is none), name and line of each column that a SELECT reads."""
    from sqlglot import exp

    # Spark lets a later item of a SELECT, and ORDER BY, use the name given to an earlier one.
    select = scope.expression
    given = (
        {item.alias.lower() for item in select.selects if item.alias}
        if isinstance(select, exp.Select)
        else set()
    )
    inner = {id(column) for subquery in scope.subquery_scopes for column in subquery.columns}
    for column in scope.columns:
        parts = [part.name for part in column.parts]
        qualifier = ""
        if len(parts) > 1 and parts[0].lower() in {alias.lower() for alias in scope.sources}:
            qualifier, parts = parts[0].lower(), parts[1:]
        if (qualifier or parts[0].lower() not in given) and id(column) not in inner and parts[0] != "*":
            yield qualifier, parts[0], column.parts[0].meta.get("line")
