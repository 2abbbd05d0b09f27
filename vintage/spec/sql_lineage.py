"""Which columns of its views the values of a query's columns are computed from without a JVM.

A condition on rows (WHERE, ON, GROUP BY, the partition and the order of a window) decides which rows there
are and computes no value. A window that leaves out the current row (LAG, a frame that ends before it) gives
other rows' values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.spec.sql import output_columns, table_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from vintage.spec.sql import Query, Views

Origin = tuple[str, ...]
"""A view, a column of it, and the fields within, in small letters; the view alone is all of its columns."""

_RANKING: Final = frozenset({"rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "row_number"})


@dataclass(frozen=True)
class _Items:
    """What a SELECT gives: items by the names, in small letters, that they have or are given; and stars."""

    by_output: Mapping[str, Sequence[exp.Expr]]
    by_alias: Mapping[str, Sequence[exp.Expr]]
    stars: Sequence[exp.Expr]

    @classmethod
    def of(cls, scope: Scope) -> _Items:
        from sqlglot import exp

        items = scope.expression.selects if isinstance(scope.expression, exp.Select) else []
        by_output: dict[str, list[exp.Expr]] = {}
        by_alias: dict[str, list[exp.Expr]] = {}
        for item in items:
            if item.alias:
                by_alias.setdefault(item.alias.lower(), []).append(item)
            for name in () if item.is_star else _names(item):
                by_output.setdefault(name, []).append(item)
        return cls(by_output, by_alias, [item for item in items if item.is_star])


class Lineage:
    """The origins of a query's columns.

    Args:
        query: what provides the columns.
        views: what it may read, by name: the columns, None where those are not known.
    """

    def __init__(self, query: Query, views: Views) -> None:
        self._views = {name.lower(): columns for name, columns in views.items()}
        self._root = query.scopes[-1] if query.scopes else None
        self._items: dict[int, _Items] = {}
        self._found: dict[tuple[int, str, tuple[str, ...]], frozenset[Origin]] = {}
        self._whole: dict[int, frozenset[Origin]] = {}
        self._active: set[tuple[int, str]] = set()
        self._cut = False

    def of(self, column: str, fields: tuple[str, ...] = ()) -> frozenset[Origin]:
        """Return the origins of a column, or of a field within it; empty where they are unknown."""
        if self._root is None:
            return frozenset()
        return self._output(self._root, column.lower(), fields)

    def _output(self, scope: Scope, name: str, fields: tuple[str, ...]) -> frozenset[Origin]:
        """Return the origins of what a SELECT provides under a name, looked for once."""
        key, place = (id(scope), name, fields), (id(scope), name)
        if key in self._found:
            return self._found[key]
        if place in self._active:
            self._cut = True
            return frozenset()
        self._active.add(place)
        found = frozenset(self._provided(scope, name, fields))
        self._active.discard(place)
        # What a query that reads itself was cut short of, whoever asked for it first has.
        if not self._active or not self._cut:
            self._found[key] = found
        self._cut = self._cut and bool(self._active)
        return found

    def _provided(self, scope: Scope, name: str, fields: tuple[str, ...]) -> Iterator[Origin]:
        if scope.set_operation_scopes:
            yield from self._of_sides(scope, name, fields)
            return
        items = self._items_of(scope)
        for item in items.by_output.get(name, ()):
            yield from self._values(scope, item.unalias(), fields)
        for star in items.stars:
            if name not in _dropped(star):
                yield from self._read(scope, _qualifier(star), name, fields)

    def _items_of(self, scope: Scope) -> _Items:
        if id(scope) not in self._items:
            self._items[id(scope)] = _Items.of(scope)
        return self._items[id(scope)]

    def _of_sides(self, scope: Scope, name: str, fields: tuple[str, ...]) -> Iterator[Origin]:
        names = _lower(output_columns(scope, self._views))
        for side in scope.set_operation_scopes:
            own = _lower(output_columns(side, self._views))
            at = names.index(name) if name in names else -1
            yield from self._output(side, own[at] if 0 <= at < len(own) else name, fields)

    def _everything(self, scope: Scope) -> frozenset[Origin]:
        """Return the origins of all columns of a SELECT, computed once; a recursive query adds none."""
        from sqlglot import exp

        if id(scope) in self._whole:
            return self._whole[id(scope)]
        self._whole[id(scope)] = frozenset()
        found: set[Origin] = set()
        for side in scope.set_operation_scopes or ():
            found |= self._everything(side)
        if isinstance(scope.expression, exp.Select):
            for item in scope.expression.selects:
                found.update(
                    self._star(scope, item) if item.is_star else self._values(scope, item.unalias(), ())
                )
        self._whole[id(scope)] = frozenset(found)
        return self._whole[id(scope)]

    def _star(self, scope: Scope, item: exp.Expr) -> Iterator[Origin]:
        from sqlglot.optimizer.scope import Scope as ScopeClass

        wanted, dropped = _qualifier(item), _dropped(item)
        for alias, (_, read) in scope.selected_sources.items():
            if wanted and alias.lower() != wanted:
                continue
            if isinstance(read, ScopeClass):
                yield from self._everything(read)
                continue
            view = table_name(read)
            columns = self._views.get(view)
            if columns is None:
                yield (view,)
            else:
                yield from ((view, name.lower()) for name in columns if name.lower() not in dropped)

    def _read(self, scope: Scope, qualifier: str, name: str, fields: tuple[str, ...]) -> Iterator[Origin]:
        """Yield the origins of a column that a SELECT reads."""
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope as ScopeClass

        for alias, (node, read) in scope.selected_sources.items():
            if qualifier and alias.lower() != qualifier:
                continue
            given = _lower(getattr(node, "alias_column_names", ()) or _alias_columns(read))
            if isinstance(node, exp.Lateral):
                if name in given or not given:
                    yield from self._values(scope, node.this, ())
            elif isinstance(read, ScopeClass):
                own = _lower(output_columns(read, self._views)) if name in given else []
                at = given.index(name) if own else -1
                yield from self._output(read, own[at] if 0 <= at < len(own) else name, fields)
            elif isinstance(read, exp.Table):
                view = table_name(read)
                columns = self._views.get(view)
                if columns is None or name in _lower(columns):
                    yield (view, name, *fields)
                else:
                    for pivot in node.args.get("pivots") or ():
                        yield from ((view, column.name.lower()) for column in pivot.find_all(exp.Column))

    def _values(self, scope: Scope, root: exp.Expr, fields: tuple[str, ...]) -> Iterator[Origin]:
        """Yield the origins of an expression's value; of a column that is passed on, of a field within it."""
        from sqlglot import exp

        inner = {id(each.expression): each for each in scope.subquery_scopes}
        windows = scope.expression.args.get("windows") or ()
        for node in value_nodes(root, windows):
            if isinstance(node, exp.Query):
                found = inner.get(id(node)) or inner.get(id(node.unnest()))
                if found is not None:
                    yield from self._everything(found)
            elif node.is_star:
                yield from self._star(scope, node)
            elif isinstance(node, exp.Column):
                yield from self._column(scope, node, fields if node is root else ())

    def _column(self, scope: Scope, column: exp.Column, fields: tuple[str, ...]) -> Iterator[Origin]:
        parts = [part.name.lower() for part in column.parts]
        around: Scope | None = scope
        while around is not None:
            aliases = {alias.lower() for alias in around.selected_sources}
            qualifier = parts[0] if len(parts) > 1 and parts[0] in aliases else ""
            name, *within = parts[1:] if qualifier else parts
            found = list(self._read(around, qualifier, name, (*within, *fields)))
            yield from found
            # An item of a SELECT may use the name that is given to an earlier one.
            known = found and all(len(each) > 1 for each in found) and self._all_known(around)
            if not qualifier and not known:
                place = (id(around), f"given {name}")
                for item in self._items_of(around).by_alias.get(name, ()):
                    if place in self._active:
                        self._cut = True
                        continue
                    self._active.add(place)
                    yield from self._values(around, item.unalias(), tuple(within))
                    self._active.discard(place)
            around = None if found else around.parent

    def _all_known(self, scope: Scope) -> bool:
        from sqlglot import exp

        return all(
            not isinstance(read, exp.Table) or self._views.get(table_name(read)) is not None
            for _, read in scope.selected_sources.values()
        )


def value_nodes(root: exp.Expr, windows: tuple[exp.Expr, ...] = ()) -> Iterator[exp.Expr]:
    """Yield the columns, stars and queries that an expression's value is computed from.

    Args:
        root: the expression.
        windows: the windows that its SELECT names.
    """
    from sqlglot import exp

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Column | exp.Query | exp.Star):
            yield node
        elif isinstance(node, exp.Window):
            waiting += _of_window(node, windows)
        elif isinstance(node, exp.ArgMax | exp.ArgMin):
            waiting.append(node.this)
        elif not (isinstance(node, exp.Count) and isinstance(node.this, exp.Star)):
            waiting += node.iter_expressions()


def _of_window(window: exp.Window, named: tuple[exp.Expr, ...]) -> Iterator[exp.Expr]:
    """Yield what a window function's value for a row is computed from, within that row."""
    from sqlglot import exp

    function = window.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
        function = function.this
    definition = next(
        (each for each in named if window.alias and each.name.lower() == window.alias.lower()), window
    )
    if isinstance(function, exp.Lag | exp.Lead):
        offset = function.args.get("offset")
        if offset is None or _whole(offset) not in {0, None}:
            default = function.args.get("default")
            yield from () if default is None else (default,)
            return
    spec = window.args.get("spec") or definition.args.get("spec")
    if spec is not None and _leaves_out_the_row(spec):
        return
    yield window.this
    if _name(function) in _RANKING:
        order = window.args.get("order") or definition.args.get("order")
        yield from () if order is None else order.expressions


def _leaves_out_the_row(spec: exp.Expr) -> bool:
    end, start = spec.args.get("end"), spec.args.get("start")
    before = spec.args.get("end_side") == "PRECEDING" and (_whole(end) or 0) > 0
    after = spec.args.get("start_side") == "FOLLOWING" and (_whole(start) or 0) > 0
    return before or after


def _whole(node: object) -> int | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        inner = _whole(node.this)
        return None if inner is None else -inner
    return int(node.name) if isinstance(node, exp.Literal) and node.name.isdigit() else None


def _name(function: exp.Expr) -> str:
    from sqlglot import exp

    if isinstance(function, exp.Anonymous):
        return str(function.name).lower()
    return function.sql_name().lower() if isinstance(function, exp.Func) else ""


def _names(item: exp.Expr) -> list[str]:
    from sqlglot import exp

    if isinstance(item, exp.Aliases):
        return _lower(item.aliases)
    return [item.output_name.lower()]


def _qualifier(item: exp.Expr) -> str:
    from sqlglot import exp

    return item.table.lower() if isinstance(item, exp.Column) else ""


def _dropped(item: exp.Expr) -> set[str]:
    """Return the names that a star leaves out."""
    from sqlglot import exp

    star = item.this if isinstance(item, exp.Column) else item
    return {column.name.lower() for column in star.args.get("except_") or star.args.get("except") or ()}


def _alias_columns(read: object) -> list[str]:
    """Return the names that `(SELECT …) AS t(a, b)`, or `WITH t(a, b) AS …`, gives."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope as ScopeClass

    around = read.expression.parent if isinstance(read, ScopeClass) else None
    return list(around.alias_column_names) if isinstance(around, exp.Subquery | exp.CTE) else []


def _lower(names: object) -> list[str]:
    return [str(name).lower() for name in names or ()]  # type: ignore[attr-defined]
