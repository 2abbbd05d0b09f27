"""What in a query of a database's own SQL, whatever its dialect, gives other rows each time."""

from __future__ import annotations

import re
from typing import Final

_NOT_SQL: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CLOCK: Final = re.compile(
    r"\b(current_date|current_timestamp|current_time|localtimestamp|localtime|sysdate|systimestamp"
    r"|(?:getdate|getutcdate|sysdatetime|now|curdate|curtime|clock_timestamp|statement_timestamp)\s*\()",
    re.IGNORECASE,
)
_CHANCE: Final = re.compile(
    r"\b(tablesample|dbms_random|(?:rand|random|newid|uuid|gen_random_uuid|sys_guid)\s*\()", re.IGNORECASE
)
# LIMIT, and what other databases write for it.
_FIRST_ROWS: Final = re.compile(
    r"\b(limit(?=\s+[\d?:(])|fetch\s+(?:first|next)|rownum|select\s+(?:distinct\s+)?top(?=\s*\(?\s*\d))",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)


def query_problem(query: str) -> tuple[str, str]:
    """Why a query gives other rows each time, and what to write instead; empty where nothing is found.

    Args:
        query: with `{date}` in it where the partition date is meant.
    """
    sql = _NOT_SQL.sub(" ", query)
    clock, chance = _CLOCK.search(sql), _CHANCE.search(sql)
    if clock:
        return (
            f"uses {_word(clock)}, which gives other rows each time",
            "write {date} where the partition date is meant",
        )
    if chance:
        return (
            f"uses {_word(chance)}, which gives other rows each time",
            "take a share of the rows by a hash of their key",
        )
    first = _FIRST_ROWS.search(sql)
    if first and not _ORDER.search(sql):
        return (
            f"uses {_word(first)} without ORDER BY, which gives whichever rows the database finds first",
            "order by a key, or take the rows of {date}",
        )
    return "", ""


def _word(found: re.Match[str]) -> str:
    return " ".join(found[1].rstrip("( ").split())
