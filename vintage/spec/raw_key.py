"""The row key as columns of the raw rows, where the SQL passes them on as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec.sql import SOURCE_VIEW, BadSql, read_query, table_name

if TYPE_CHECKING:
    import datetime as dt

    from vintage.spec.pipeline import Pipeline


def raw_key(pipeline: Pipeline, date: dt.date) -> tuple[tuple[str, ...], str] | None:
    """Return the raw columns of the key, and the condition on raw rows; None where the SQL computes the key.

    A query that joins, groups, ranks or drops repeated rows may well make one row of several raw ones.
    """
    from sqlglot import exp

    preprocess = pipeline.preprocess
    if preprocess.function is not None or preprocess.sql is None:
        return None
    try:
        tree = read_query(preprocess.sql_for(date)).tree
    except BadSql:
        return None
    read = tree.args.get("from_") or tree.args.get("from")
    if (
        not isinstance(tree, exp.Select)
        or read is None
        or not isinstance(read.this, exp.Table)
        or table_name(read.this) != SOURCE_VIEW
        or any(
            tree.args.get(part)
            for part in ("joins", "laterals", "group", "distinct", "having", "qualify", "limit")
        )
        or tree.find(exp.Window, exp.Subquery, exp.CTE, exp.AggFunc, exp.Explode, exp.Unnest) is not None
    ):
        return None
    given: dict[str, str | None] = {}
    starred = False
    for item in tree.selects:
        if item.is_star:
            starred = True
            continue
        value = item.unalias()
        given[item.alias_or_name.lower()] = value.name if isinstance(value, exp.Column) else None
    columns = [given.get(name.lower(), name if starred else None) for name in preprocess.key]
    if any(column is None for column in columns):
        return None
    where = tree.args.get("where")
    return tuple(map(str, columns)), where.this.sql("spark") if where is not None else "true"
