"""Compiles the SQL of preprocess into what a twin computes of a raw row, or says why Spark alone can."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from vintage.ml.row_sql.coercion import NotSure
from vintage.spec import date_in_text
from vintage.spec.sql import SOURCE_VIEW, BadSql, read_query, table_name
from vintage.twin.description import Input, Preparation
from vintage.twin.sql import RowError, prepared
from vintage.twin.sql.expression import Expression

if TYPE_CHECKING:
    from sqlglot import exp

_SHORT: Final[Mapping[str, str]] = {
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
}
"""Types as Spark's JSON names them, and as its DDL does."""
_CLAUSES: Final[Mapping[str, str]] = {
    "with_": "a WITH",
    "joins": "a join",
    "laterals": "a LATERAL VIEW",
    "group": "GROUP BY",
    "having": "HAVING",
    "qualify": "QUALIFY",
    "distinct": "DISTINCT",
    "order": "ORDER BY",
    "limit": "LIMIT",
}
_READ: Final = frozenset({"expressions", "from_", "where", "kind"})


@dataclass(frozen=True)
class LeftToSpark:
    """Why raw rows are not taken.

    Attributes:
        reason: of all of them; the first where it is of some columns alone.
        columns: column that the model reads → why it is not computed.
    """

    reason: str
    columns: Mapping[str, str] = field(default_factory=dict)


def raw_types(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return column → type, as Spark's DDL names it, of a schema in Spark's JSON."""
    return {each["name"]: _type_of(each["type"]) for each in schema["fields"]}


def _type_of(kind: Any) -> str:
    if isinstance(kind, str):
        return _SHORT.get(kind, kind)
    if kind.get("type") == "array" and kind.get("elementType") == "string":
        return "array<string>"
    return "vector" if str(kind.get("class", "")).endswith(".VectorUDT") else str(kind.get("type", ""))


def compile_query(sql: str, raw: Mapping[str, str], wanted: Mapping[str, str]) -> Preparation | LeftToSpark:
    """Compile the columns that a model reads.

    Args:
        sql: of preprocess.
        raw: column → type of the raw rows.
        wanted: column → type of what the model reads.

    Returns:
        What computes the columns; or why Spark alone does, where one of them is not surely equal.
    """
    if date_in_text.is_dated(sql):
        return LeftToSpark("the SQL names the partition date")
    try:
        query = read_query(sql)
        return _Query(query.tree, query.text, raw).compiled(wanted)
    except (BadSql, NotSure) as error:
        return LeftToSpark(str(error))


class _Query:
    """One SELECT over the raw rows of one source.

    Raises:
        NotSure: it is more than that.
    """

    def __init__(self, tree: exp.Query, text: str, raw: Mapping[str, str]) -> None:
        from sqlglot import exp

        if not isinstance(tree, exp.Select):
            raise NotSure("the SQL is more than one SELECT")
        for name, value in tree.args.items():
            if value and name not in _READ:
                raise NotSure(f"the SQL has {_CLAUSES.get(name, name.strip('_').upper())}")
        source = tree.args["from_"].this if tree.args.get("from_") else None
        if not isinstance(source, exp.Table) or table_name(source) != SOURCE_VIEW:
            raise NotSure(f"the SQL reads something else than {SOURCE_VIEW}")
        if any(value for name, value in source.args.items() if name not in {"this", "alias"}):
            raise NotSure(f"{source.sql('spark')} is left to Spark")
        if tree.args.get("kind"):
            raise NotSure(f"SELECT {tree.args['kind']} is left to Spark")
        self._select = tree
        self._qualifier = (source.alias or source.name).lower()
        self._raw = {name.lower(): (name, kind) for name, kind in raw.items()}
        self._escapes = "\\" in text
        self._items = self._selected()

    def _selected(self) -> dict[str, exp.Expr]:
        """Return what each column is, by its name in small letters."""
        from sqlglot import exp

        found: dict[str, exp.Expr] = {}
        for item in self._select.selects:
            if item.is_star:
                new = self._starred(item)
            elif name := item.alias_or_name:
                new = {name.lower(): item.unalias()}
            else:
                raise NotSure(f"{item.sql('spark')} has no name")
            if twice := found.keys() & new.keys():
                raise NotSure(f"the SQL has two columns {min(twice)}")
            found |= new
        return {name: each for name, each in found.items() if isinstance(each, exp.Expr)}

    def _starred(self, item: exp.Expr) -> dict[str, exp.Expr]:
        from sqlglot import exp

        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(item, exp.Column) and item.table.lower() != self._qualifier:
            raise NotSure(f"{item.sql('spark')} is left to Spark")
        if any(star.args.values()):
            raise NotSure(f"{item.sql('spark')} is left to Spark")
        return {name: exp.column(each) for name, (each, _) in self._raw.items()}

    def compiled(self, wanted: Mapping[str, str]) -> Preparation | LeftToSpark:
        where = self._select.args.get("where")
        condition = None if where is None else _folded(self._expression(where.this))
        if condition is not None and condition.type != "boolean":
            raise NotSure("the WHERE is no condition")
        columns: dict[str, Expression] = {}
        refused: dict[str, str] = {}
        for name, kind in wanted.items():
            try:
                columns[name] = self._column(name, kind)
            except NotSure as error:
                refused[name] = str(error)
        if refused:
            name, reason = next(iter(refused.items()))
            return LeftToSpark(f"`{name}`: {reason}", refused)
        read = dict.fromkeys(
            name for each in (*columns.values(), *([condition] if condition else ())) for name in each.columns
        )
        inputs = tuple(Input(name, self._raw[name.lower()][1]) for name in read)
        told = "" if where is None else where.this.sql("spark")
        return Preparation(inputs, columns, condition, told)

    def _column(self, name: str, kind: str) -> Expression:
        if name.lower() not in self._items:
            raise NotSure("no column of the SQL has that name")
        made = self._expression(self._items[name.lower()], aliases=True)
        if made.type != kind:
            raise NotSure(f"it would be {made.type.upper()}, and the model reads {kind.upper()}")
        return _folded(made)

    def _expression(self, node: exp.Expr, *, aliases: bool = False) -> Expression:
        from sqlglot import exp

        from vintage.ml.row_sql import functions, nodes  # noqa: F401 - they fill the handlers
        from vintage.ml.row_sql.handlers import compiled

        if self._escapes and any(each.is_string for each in node.find_all(exp.Literal)):
            raise NotSure("the SQL has a backslash, and what it means in a text is Spark's")

        def column(found: exp.Column) -> Expression:
            name = found.name.lower()
            if found.db or (found.table and found.table.lower() != self._qualifier):
                raise NotSure(f"{found.sql('spark')} is a field of a struct, or of another source")
            if name in self._raw:
                written, kind = self._raw[name]
                return Expression("column", kind, value=written)
            stands_for = self._items.get(name) if aliases and not found.table else None
            # A name that the same SELECT gives; Spark looks for it where no raw column has it.
            if stands_for is None or found in stands_for.find_all(exp.Column):
                raise NotSure(f"the raw rows have no column {found.name}")
            return compiled(stands_for, column)

        return compiled(node, column)


def _folded(node: Expression) -> Expression:
    """Compute what no row changes, such as a literal's cast; what raises does so for a row that asks."""
    args = tuple(_folded(each) for each in node.args)
    node = replace(node, args=args)
    if not args or any(each.op != "literal" for each in args):
        return node
    try:
        value = prepared(node, {})(())
    except RowError:
        return node
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such number.
        return node
    return Expression("literal", node.type, value=value)
