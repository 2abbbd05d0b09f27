"""The types of a query's columns: of those that it passes on as they are, or casts; no other is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec.sql import table_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlglot import exp

    from vintage.spec.sql import Query

    Types = Mapping[str, str]


def plain_types(query: Query, views: Mapping[str, Types]) -> Types:
    """Column → Spark type in upper case.

    Args:
        query: what is asked for.
        views: what it may read, by name in small letters: column → type, empty where those are not known.
    """
    from sqlglot import exp

    select = query.tree
    if not isinstance(select, exp.Select):
        return {}
    read = _types_by_alias(select, views)
    found: dict[str, str] = {}
    for item in select.selects:
        if item.is_star:
            found |= dict(_starred(item, read))
            continue
        value = item.unalias()
        name = item.alias_or_name
        found.pop(name, None)
        if isinstance(value, exp.Cast):
            found[name] = value.to.sql("spark").upper()
        elif isinstance(value, exp.Column):
            kinds = _types_of(value, read)
            if len(kinds) == 1:
                found[name] = kinds.pop()
    return found


def _types_by_alias(select: exp.Select, views: Mapping[str, Types]) -> dict[str, Types]:
    """Alias → the types of what is read under it, by name in small letters; empty where that is no view."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import build_scope

    scope = build_scope(select)
    if scope is None or select.args.get("laterals"):
        return {}
    return {
        alias.lower(): {column.lower(): kind for column, kind in views.get(table_name(read), {}).items()}
        if isinstance(read, exp.Table)
        else {}
        for alias, (_, read) in scope.selected_sources.items()
    }


def _types_of(column: exp.Column, read: Mapping[str, Types]) -> set[str]:
    """Return the possible types of a column; empty where one is unknown, or for a struct's field."""
    qualifier, name = column.table.lower(), column.name.lower()
    if (qualifier and qualifier not in read) or column.db:
        return set()
    owners = [read[qualifier]] if qualifier else list(read.values())
    if not all(owners):
        return set()
    return {owner[name] for owner in owners if name in owner}


def _starred(item: exp.Expr, read: Mapping[str, Types]) -> Iterator[tuple[str, str]]:
    """Yield what a plain `*` over one view, or an `alias.*`, passes on."""
    from sqlglot import exp

    qualifier = item.table.lower() if isinstance(item, exp.Column) else ""
    star = item.this if isinstance(item, exp.Column) else item
    if any(star.args.get(word) for word in ("except_", "except", "replace", "rename")):
        return
    if qualifier:
        yield from read.get(qualifier, {}).items()
    elif len(read) == 1:
        [only] = read.values()
        yield from only.items()
